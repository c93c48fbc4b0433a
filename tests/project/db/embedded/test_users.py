"""Root, ordinary users, and users who lay traps for each other."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from project.db.embedded import EmbeddedServer, EmbeddedServerError
from project.db.embedded.address import address_of
from tests.project.db.embedded.support import ENSURE, ROOT, socket_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def lay_open_folder(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o755)


def lay_link(folder: Path) -> None:
    target = folder.with_suffix(".target")
    target.mkdir(mode=0o700)
    folder.symlink_to(target)


def lay_foreign_folder(folder: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to make a folder of another user")
    folder.mkdir(mode=0o700)
    os.chown(folder, 65534, 65534)


@pytest.mark.parametrize("lay_trap", [lay_open_folder, lay_link, lay_foreign_folder])
def test_a_socket_folder_of_somebody_else_is_refused(
    server: EmbeddedServer, lay_trap: Callable[[Path], None]
) -> None:
    folder = socket_of(server).folder
    try:
        lay_trap(folder)
        with pytest.raises(EmbeddedServerError, match="not a private folder"):
            server.start()
    finally:
        folder.unlink() if folder.is_symlink() else shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(folder.with_suffix(".target"), ignore_errors=True)
    assert not server.directory.exists()


def test_users_do_not_meet_at_one_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = address_of(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert address_of(tmp_path) == mine
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    assert address_of(tmp_path) != mine


def ordinary_python() -> list[str]:
    """Python as an ordinary user; it may read all files where the interpreter is root's own."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("needs root and setpriv; an ordinary user's run of this file covers it")
    user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    # access(2), which initdb asks, forgets a user's capabilities unless that bit is set.
    reader = ["--securebits=+no_setuid_fixup"]
    reader += ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    for command in ([*user, sys.executable], [*user, *reader, sys.executable]):
        attempt = [*command, "-c", "import project.db.embedded"]
        if subprocess.run(attempt, cwd=ROOT, capture_output=True, check=False).returncode == 0:
            return command
    pytest.skip("an ordinary user cannot run this interpreter here")


@pytest.fixture
def foreign_home() -> Iterator[Path]:
    """A folder of an ordinary user, outside of pytest's, which nobody else may enter."""
    home = Path(tempfile.mkdtemp(prefix="home of nobody "))
    if os.geteuid() == 0:
        os.chown(home, 65534, 65534)
    yield home
    shutil.rmtree(home)


def test_as_an_ordinary_user(foreign_home: Path) -> None:
    python = ordinary_python()
    script = (
        "import os, sys; from pathlib import Path; from project.db.embedded import *\n"
        "server = EmbeddedServer(Path('pg').resolve(), durable=False)\n"
        "try:\n"
        "    server.start(); server.create_database('shop')\n"
        "    print(os.geteuid(), server.status().is_running, server.stop())\n"
        "finally:\n"
        "    server.reset()\n"
    )
    result = subprocess.run(
        [*python, "-c", script],
        cwd=foreign_home,
        env={**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(foreign_home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.stdout, result.stderr) == ("65534 True True\n", "")


def test_another_users_cluster_is_refused_in_words(running: EmbeddedServer) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to make a folder of another user")
    os.chown(running.directory, 65534, 65534)
    try:
        for act in (running.stop, running.status, running.reset):
            with pytest.raises(EmbeddedServerError, match="belongs to another user"):
                act()
    finally:
        os.chown(running.directory, 0, 0)


def test_root_without_user_namespaces_is_told_what_to_do(server: EmbeddedServer) -> None:
    script = f'echo 0 > /proc/sys/user/max_user_namespaces && exec "{sys.executable}" "$@"'
    command = ["unshare", "--user", "--map-root-user", "--", "sh", "-c", script, "sh"]
    if (
        shutil.which("unshare") is None
        or subprocess.run([*command, "-c", ""], capture_output=True, check=False).returncode
    ):
        pytest.skip("needs a Linux that lets this user make user namespaces")
    server.directory.parent.mkdir()
    result = subprocess.run(
        [*command, "-c", ENSURE, str(server.directory)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "PostgreSQL refuses to run as root" in result.stderr.splitlines()[-1]
    assert {path.name for path in server.directory.parent.iterdir()} == {"pg.lock"}
