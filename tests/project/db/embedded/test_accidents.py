"""Killed processes, reused numbers, moved folders: provoked, with real processes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from typing import TYPE_CHECKING

import psycopg
import pytest

from project.db.embedded import EmbeddedServer, EmbeddedServerError
from tests.project.db.embedded.support import (
    kill_postmaster,
    query,
    socket_of,
    starter,
    wait_for,
)

if TYPE_CHECKING:
    from collections.abc import Callable


def is_initialising(server: EmbeddedServer) -> bool:
    """Whether initdb is at work, beyond the empty folder that we make for it."""
    return any(server.directory.parent.glob("pg.new-*/global"))


@pytest.mark.parametrize("kill", [os.kill, os.killpg], ids=["starter", "starter and initdb"])
def test_a_killed_initdb_leaves_nothing_half_made(
    server: EmbeddedServer, kill: Callable[[int, int], None]
) -> None:
    process = starter(server)
    wait_for(lambda: is_initialising(server))
    kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)

    server.start()
    assert query(server, "SELECT 1") == 1
    assert {path.name for path in server.directory.parent.iterdir()} == {"pg", "pg.lock"}


def test_a_starter_killed_halfway_is_no_obstacle(running: EmbeddedServer) -> None:
    running.stop()
    process = starter(running)
    wait_for((running.directory / "postmaster.pid").exists)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    running.start()
    assert query(running, "SELECT 1") == 1


def test_it_outlives_its_starter(running: EmbeddedServer) -> None:
    running.stop()
    process = starter(running)
    process.communicate(timeout=60)
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # nobody is left in the starter's session
    assert running.is_ready()


def test_four_processes_start_it_cold_at_once(server: EmbeddedServer) -> None:
    processes = [starter(server) for _ in range(4)]
    results = [process.communicate(timeout=60) for process in processes]
    assert {(out.strip(), err) for out, err in results} == {(server.url("shop"), "")}
    assert server.is_ready()


def test_data_survives_a_killed_postmaster(running: EmbeddedServer) -> None:
    query(running, "SET synchronous_commit = on; CREATE TABLE kept AS SELECT 7 AS number")
    kill_postmaster(running)
    running.start()
    assert query(running, "SELECT number FROM kept") == 7


def test_a_start_waits_for_the_orphans_of_a_killed_postmaster(running: EmbeddedServer) -> None:
    url = running.url("postgres").replace("+psycopg", "")
    with psycopg.connect(url) as connection:
        orphan = connection.info.backend_pid
        os.kill(orphan, signal.SIGSTOP)
        kill_postmaster(running)
        impatient = EmbeddedServer(running.directory, durable=False, timeout=0.5)
        with pytest.raises(EmbeddedServerError, match="still uses"):
            impatient.start()
        os.kill(orphan, signal.SIGCONT)
        running.start()
    assert query(running, "SELECT 1") == 1


def write_pid(server: EmbeddedServer, pid: int) -> None:
    """Make every file of a dead server name another process."""
    for path in (server.directory / "postmaster.pid", socket_of(server).lock_file):
        _, rest = path.read_text().split("\n", 1)
        path.write_text(f"{pid}\n{rest}")


def test_a_reused_pid_is_left_alone(
    running: EmbeddedServer, innocent: subprocess.Popen[bytes]
) -> None:
    kill_postmaster(running)
    write_pid(running, innocent.pid)
    wait_for(lambda: not running.stop())

    running.start()
    assert running.status().pid != innocent.pid
    assert running.stop()
    assert innocent.poll() is None


def test_a_zombie_does_not_count_as_the_server(running: EmbeddedServer) -> None:
    kill_postmaster(running)
    with subprocess.Popen(["true"]) as zombie:
        write_pid(running, zombie.pid)
        running.start()
    assert query(running, "SELECT 1") == 1


@pytest.mark.parametrize("content", ["", "-1\n", "0\n" * 8, "nonsense"])
def test_a_broken_pid_file_is_no_obstacle(running: EmbeddedServer, content: str) -> None:
    running.stop()
    (running.directory / "postmaster.pid").write_text(content)
    assert not running.stop()
    running.start()
    assert query(running, "SELECT 1") == 1


def test_a_deleted_directory_begins_anew(running: EmbeddedServer) -> None:
    identity = "SELECT system_identifier FROM pg_control_system()"
    old = query(running, identity)
    shutil.rmtree(running.directory)
    running.start()
    assert query(running, identity) != old


def test_a_moved_directory_keeps_its_data(running: EmbeddedServer) -> None:
    # The server cannot write its last checkpoint any more: it needs what was flushed before.
    query(running, "SET synchronous_commit = on; CREATE TABLE kept AS SELECT 7 AS number")
    moved = EmbeddedServer(running.directory.with_name("moved"), durable=False)
    running.directory.rename(moved.directory)
    try:
        moved.start()
        assert query(moved, "SELECT number FROM kept") == 7
        assert not running.is_ready()
    finally:
        moved.stop()
        moved.directory.rename(running.directory)
    assert not socket_of(moved).folder.exists()


def test_a_vanished_socket_is_explained(running: EmbeddedServer) -> None:
    hidden = socket_of(running).folder.with_suffix(".hidden")
    socket_of(running).folder.rename(hidden)
    impatient = EmbeddedServer(running.directory, durable=False, timeout=0.5)
    try:
        with pytest.raises(EmbeddedServerError, match="does not answer"):
            impatient.start()
    finally:
        socket_of(running).folder.rmdir()
        hidden.rename(socket_of(running).folder)
    assert running.is_ready()
