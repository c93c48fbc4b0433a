"""The server while its code is being written: broken code is a page, mended code is served."""

import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import URL

from project.management.reloading import LIBRARIES, look_at, watched_paths
from project.settings import ROOT
from tests.copies import ProjectCopy
from tests.database import TestDatabase
from tests.processes import Server, environment_for, fresh_database, is_free, serving, until

ROUTE = """

@router.get("/written")
async def written() -> str:
    return "{answer}"
"""
LIFESPAN = """
from contextlib import asynccontextmanager

@asynccontextmanager
async def lifespan(runtime):
    raise RuntimeError("no broker here")
    yield
"""


LATE = f"""
import contextlib, importlib, sys
for name in {LIBRARIES!r}:
    with contextlib.suppress(ImportError):
        importlib.import_module(name)
held = set(sys.modules)
print(*(name for name in held if name.partition(".")[0] in ("project", "apps")))
import project.asgi
print(*{{name.partition(".")[0] for name in sys.modules.keys() - held}})
"""
"""Prints what is held of ours, and the packages that the application imports beside it."""


@pytest.fixture(scope="module")
def url(engine_database: TestDatabase) -> Iterator[URL]:
    with fresh_database(engine_database.engine, is_migrated=True) as url:
        yield url


@pytest.fixture
def copy(url: URL, tmp_path: Path) -> ProjectCopy:
    return ProjectCopy.make(tmp_path, url)


@pytest.fixture
def server(copy: ProjectCopy, tmp_path: Path) -> Iterator[Server]:
    env = copy.environment
    with serving("runserver", env=env, log=tmp_path / "log", root=copy.root) as server:
        yield server


def test_the_libraries_of_the_application_are_held(url: URL) -> None:
    finished = subprocess.run(
        [sys.executable, "-c", LATE],
        cwd=ROOT,
        env=environment_for(url),
        capture_output=True,
        text=True,
        check=True,
    )
    ours, late = (set(line.split()) for line in finished.stdout.splitlines())
    assert ours == {"project", "project.collection", "project.quiet"}  # the rest may be changed
    heavy = {"sqlalchemy", "fastapi", "pydantic", "psycopg", "sqladmin", "cryptography", "PIL"}
    assert not heavy & late


def page(server: Server) -> str:
    """What a browser is shown at the root; nothing while nobody answers."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{server.port}/", headers={"Accept": "text/html"}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - the same
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        with error:
            return error.read().decode()
    except OSError:
        return ""


@pytest.mark.needs("health", "items")
def test_broken_code_is_a_page_until_it_is_mended(copy: ProjectCopy, server: Server) -> None:
    routes = copy.root / "apps" / "health" / "routes.py"
    whole = routes.read_text()
    routes.write_text(whole + ROUTE.format(answer="first"))
    until(lambda: server.read("/health/written") == (200, '"first"'), "the new route")
    routes.write_text(whole + "def (<b>:\n")
    until(lambda: "cannot be loaded" in page(server), "the page")
    shown = page(server)
    assert "App &#x27;health&#x27;: apps.health.routes fails to import: SyntaxError" in shown
    assert "<mark>" in shown
    assert "def (&lt;b&gt;:" in shown
    status, problem = server.read("/api/v1/items/")
    assert (status, "SyntaxError" in problem) == (500, True)
    assert "Traceback" not in server.output
    routes.write_text(whole + ROUTE.format(answer="mended"))
    until(lambda: server.read("/health/written") == (200, '"mended"'), "the mended route")
    assert server.end(signal.SIGINT) == 0
    assert is_free(server.port)


@pytest.mark.needs("health")
def test_a_file_that_was_missing(copy: ProjectCopy, server: Server) -> None:
    """What is new counts as well: it may be what the others were waiting for."""
    routes = copy.root / "apps" / "health" / "routes.py"
    routes.write_text("from apps.health.words import HELLO\n" + routes.read_text())
    until(lambda: "apps.health.words" in page(server), "the page")
    (copy.root / "apps" / "health" / "words.py").write_text('HELLO = "hello"\n')
    until(lambda: server.read("/health/live")[0] == 200, "the whole application")


@pytest.mark.needs("health")
def test_a_lifespan_that_fails(copy: ProjectCopy, server: Server) -> None:
    lifespan = copy.root / "apps" / "health" / "lifespan.py"
    lifespan.write_text(LIFESPAN)
    until(lambda: "no broker here" in page(server), "the page")
    lifespan.unlink()
    until(lambda: server.read("/health/live")[0] == 200, "the whole application")


@pytest.mark.needs("health", "items")
def test_broken_from_the_start(copy: ProjectCopy, tmp_path: Path) -> None:
    """It starts all the same, and is there when the code is."""
    models = copy.root / "apps" / "items" / "models.py"
    whole = models.read_text()
    models.write_text(f"{whole}\n1 / 0\n")
    words = ("runserver",)
    server = Server(*words, env=copy.environment, log=tmp_path / "log", root=copy.root)
    try:
        until(lambda: "ZeroDivisionError" in page(server), "the page")
        models.write_text(whole)
        until(lambda: server.read("/health/live")[0] == 200, "the whole application")
        assert server.end(signal.SIGTERM) == 0
    finally:
        server.process.kill()
        server.process.wait()


BLOCKED = """

@router.get("/blocked")
async def blocked() -> None:
    import time
    time.sleep(600)
"""


def test_code_that_blocks_the_loop_is_replaced_all_the_same(
    copy: ProjectCopy, server: Server
) -> None:
    routes = copy.root / "apps" / "health" / "routes.py"
    whole = routes.read_text()
    routes.write_text(whole + BLOCKED)
    with ThreadPoolExecutor(1) as pool:
        until(lambda: "/blocked" in server.read("/api/openapi.json")[1], "the new route")
        stuck = pool.submit(server.read, "/health/blocked")
        until(lambda: "loop" in server.output and "blocked" in server.output, "the guard's word")
        routes.write_text(whole)
        until(lambda: server.read("/health/live")[0] == 200, "the whole application")
        assert stuck.result()[0] == 0


@pytest.mark.needs("items")
def test_code_that_ends_the_process_is_a_page(copy: ProjectCopy, server: Server) -> None:
    services = copy.root / "apps" / "items" / "services.py"
    services.write_text(f"{services.read_text()}\nraise SystemExit('enough')\n")
    until(lambda: "SystemExit(enough)" in page(server), "the page")


def test_the_server_does_not_outlive_who_watches(server: Server) -> None:
    server.process.kill()
    server.process.wait()
    until(lambda: is_free(server.port), "the end of the child")


def test_only_ours_is_watched() -> None:
    watched = watched_paths()
    assert ROOT / "apps" in watched
    assert ROOT / ".env" in watched
    assert all(path.is_relative_to(ROOT) for path in watched)
    assert not any({".venv", "tests"} & set(path.parts) for path in watched)


def test_what_counts_as_a_change(tmp_path: Path) -> None:
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / ".hidden").mkdir()
    before = look_at([tmp_path])
    for name in ("__pycache__/a.py", ".hidden/b.py", "notes.txt", ".c.swp"):
        (tmp_path / name).write_text("x")
    assert look_at([tmp_path]) == before
    (tmp_path / "module.py").write_text("x")
    assert look_at([tmp_path]) != before
    (tmp_path / "module.py").unlink()
    assert look_at([tmp_path]) == before


def test_a_port_that_is_taken_starts_nothing(copy: ProjectCopy) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        said = copy.expect("runserver", str(other.getsockname()[1]), code=1)
    assert said.count("\n") == 1
