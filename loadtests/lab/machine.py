"""The machine that measures, and whether it is fit for it."""

import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import URL, create_engine, text

from loadtests.lab.result import Git, Machine, Postgres
from project.settings import ROOT
from project.web.lanes import available_cores

PACKAGES = ("fastapi", "starlette", "uvicorn", "sqlalchemy", "psycopg", "pydantic", "locust")
MEMORY_LIMIT = Path("/sys/fs/cgroup/memory.max")
SOMAXCONN = Path("/proc/sys/net/core/somaxconn")
CPU_INFORMATION = Path("/proc/cpuinfo")
ENOUGH_FILES = 4096
ENOUGH_BACKLOG = 1024
ENOUGH_MEMORY = 2 * 2**30
ENOUGH_CEILING = 1000.0
"""Requests a second that one process of the generator should be able to make."""

MOST_STEAL = 0.05
QUIET = 0.5
"""Load average for each core, up to which a machine counts as quiet."""

ENOUGH_CONNECTIONS = 50


@dataclass(frozen=True)
class Finding:
    """One line of `doctor`: what was looked at, what was found, and the mend if it is not fine."""

    subject: str
    found: str
    mend: str = ""


@dataclass(frozen=True)
class Readings:
    """What `doctor` looked at. None where the system does not tell."""

    machine: Machine
    host_cores: int
    load: float
    steal: float | None = None
    files: int | None = None
    backlog: int | None = None
    ceiling: float | None = None
    """Requests a second that a process of the generator makes against a trivial server."""

    postgres: Postgres | None = None
    refusal: str = ""
    """Why the laboratory would not touch the database."""

    problems: list[str] = field(default_factory=list)


def describe() -> Machine:
    """Say what this machine is, as a container sees it."""
    return Machine(
        cores=available_cores(),
        cpu=_processor(),
        memory=_memory(),
        system=platform.system(),
        python=platform.python_version(),
    )


def versions() -> dict[str, str]:
    """Of the packages that a measurement depends on."""
    return {name: metadata.version(name) for name in PACKAGES}


def git_state(root: Path = ROOT) -> Git | None:
    """The revision that is checked out; None where there is no repository."""
    head, status = _git(root, "rev-parse", "HEAD"), _git(root, "status", "--porcelain")
    if head is None or status is None:
        return None
    return Git(revision=head, is_dirty=bool(status))


def describe_postgres(url: URL) -> Postgres:
    """Ask the server behind `url` for what limits its connections."""
    engine = create_engine(url)
    names = ("server_version", "max_connections", "superuser_reserved_connections")
    try:
        with engine.connect() as connection:
            version, most, kept = (connection.scalar(text(f"SHOW {name}")) for name in names)
            also = connection.scalar(text("SELECT current_setting('reserved_connections', true)"))
    finally:
        engine.dispose()
    return Postgres(
        version=str(version).split()[0],
        max_connections=int(most or 0),
        reserved=int(kept or 0) + int(also or 0),
    )


def steal(seconds: float = 1.0) -> float | None:
    """The share of the machine's time that its host gave to others; None if nobody tells."""
    spent = psutil.cpu_times_percent(interval=seconds)
    share = getattr(spent, "steal", None)
    return None if share is None else float(share) / 100


def open_files() -> int | None:
    """How many files and sockets a process may have open."""
    if sys.platform == "win32":
        return None
    import resource  # noqa: PLC0415 - not on Windows

    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def backlog() -> int | None:
    """How many connections may wait until a server accepts them."""
    try:
        return int(SOMAXCONN.read_text())
    except (OSError, ValueError):
        return None


def examine(readings: Readings) -> list[Finding]:
    """Judge what was read; a finding with a mend is a warning."""
    return [*_of_machine(readings), *_of_system(readings), *_of_database(readings)]


def _of_machine(readings: Readings) -> Iterator[Finding]:
    machine, cores = readings.machine, readings.machine.cores
    of_host = f" of the host's {readings.host_cores}" if cores < readings.host_cores else ""
    yield Finding(
        "cores",
        f"{cores}{of_host}: {machine.cpu}",
        "Server, database and generator share them: figures hold for this sharing. Run the "
        "generator on a second machine (`loadtest worker`)."
        if cores < 4  # noqa: PLR2004
        else "",
    )
    yield Finding(
        "memory",
        f"{machine.memory / 2**30:.1f} GiB",
        "Several workers may not fit: keep WORKERS low." if machine.memory < ENOUGH_MEMORY else "",
    )
    yield Finding(
        "load average",
        f"{readings.load:.1f} in the last minute",
        "Something else is at work: end it, or expect void windows."
        if readings.load > QUIET * cores
        else "",
    )
    if readings.steal is not None:
        yield Finding(
            "steal",
            f"{readings.steal:.1%}",
            "The host gives time to others: measure at another time or on a machine of your own."
            if readings.steal > MOST_STEAL
            else "",
        )


def _of_system(readings: Readings) -> Iterator[Finding]:
    if readings.files is not None:
        yield Finding(
            "open files",
            f"{readings.files}",
            f"Each connection is one: `ulimit -n {16 * ENOUGH_FILES}`."
            if 0 <= readings.files < ENOUGH_FILES
            else "",
        )
    if readings.backlog is not None:
        yield Finding(
            "somaxconn",
            f"{readings.backlog}",
            "A burst of connections is cut: `sysctl -w net.core.somaxconn=4096`."
            if readings.backlog < ENOUGH_BACKLOG
            else "",
        )
    if readings.ceiling is not None:
        yield Finding(
            "generator",
            f"{readings.ceiling:.0f} requests/s from one process to a trivial server",
            "It is slow: give it more processes (`--processes 2`) or a machine of its own."
            if readings.ceiling < ENOUGH_CEILING
            else "",
        )


def _of_database(readings: Readings) -> Iterator[Finding]:
    if readings.refusal:
        yield Finding("database", "not touched", readings.refusal)
    if readings.postgres is not None:
        most, reserved = readings.postgres.max_connections, readings.postgres.reserved
        yield Finding(
            "max_connections",
            f"{most}, {reserved} of them reserved (PostgreSQL {readings.postgres.version})",
            "Few for several workers: raise max_connections."
            if most - reserved < ENOUGH_CONNECTIONS
            else "",
        )
    for problem in readings.problems:
        yield Finding("not measured", problem.split(": ")[0], problem)


def _processor() -> str:
    """The processor's name, as short as tables want it."""
    try:
        lines = CPU_INFORMATION.read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names and names[0] != "unknown" else platform.machine()


def _memory() -> int:
    """Bytes that this process may use: the container's share, if it has one."""
    total = int(psutil.virtual_memory().total)
    try:
        return min(total, int(MEMORY_LIMIT.read_text()))
    except (OSError, ValueError):  # no container, or "max"
        return total


def _git(root: Path, *words: str) -> str | None:
    finished: Any = subprocess.run(
        ["git", "-C", str(root), *words], capture_output=True, text=True, check=False
    )
    return finished.stdout.strip() if finished.returncode == 0 else None


def load_average() -> float:
    """Processes that wanted a core in the last minute."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
