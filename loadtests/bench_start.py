"""How long commands take, a server takes to answer and to reload, and what a worker weighs.

    uv run python loadtests/bench_start.py

Works in a data directory of its own. Prints the median and the best of a few runs, and for
commands the processor's time, which says more on a machine that is busy with other things. What
the libraries take is what no command that needs them can do without.
"""

import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MANAGE = [sys.executable, str(ROOT / "manage.py")]
RUNS = 5
COMMANDS = (("help",), ("nonsense",), ("completion", "--", "mig"), ("check",), ("migrate",))
LIBRARIES = "import fastapi, sqlalchemy.orm, psycopg, pydantic_settings, sqladmin, jinja2"
DEADLINE = 60.0
ROUTE = """

@router.get("/new")
async def new() -> str:
    return "new"
"""


def main() -> None:
    directory = Path(tempfile.mkdtemp(prefix="lintel-bench-"))
    environment = {**os.environ, "DATA_DIRECTORY": str(directory), "ENVIRONMENT": "development"}
    environment.pop("DATABASE_URL", None)
    try:
        first, _ = serve_once(environment)
        print(f"{'demo, first run to first answer':<40} {first:8.2f} s")
        warm = [serve_once(environment) for _ in range(RUNS)]
        report("demo, second run to first answer", [seconds for seconds, _ in warm])
        print(f"{'worker after its first answer':<40} {max(rss for _, rss in warm):8.0f} MB")
        for words in COMMANDS:
            measure(words[0], [*MANAGE, *words], environment)
        measure("the libraries alone", [sys.executable, "-c", LIBRARIES], environment)
        reloads = [reload_once(environment) for _ in range(RUNS)]
        report("runserver, to the first answer", [first for first, _ in reloads])
        report("reload, from the edit to the answer", [again for _, again in reloads])
    finally:
        run(environment, "db", "stop")
        shutil.rmtree(directory)


def serve_once(environment: dict[str, str]) -> tuple[float, float]:
    """Start the demo, ask it once, stop it; seconds to the answer and megabytes."""
    port = free_port()
    started = time.perf_counter()
    server = subprocess.Popen(
        [*MANAGE, "demo", "--port", str(port)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for_answer(f"http://127.0.0.1:{port}/api/v1/items/?limit=1")
        return time.perf_counter() - started, resident_megabytes(server.pid)
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(DEADLINE)


def reload_once(environment: dict[str, str]) -> tuple[float, float]:
    """Start `runserver` in a copy, edit a file; seconds to the first answer and to the new one."""
    with tempfile.TemporaryDirectory(prefix="lintel-bench-") as folder:
        copy = Path(folder)
        for name in ("project", "apps", "migrations", "templates"):
            shutil.copytree(ROOT / name, copy / name)
        for name in ("manage.py", "pyproject.toml"):
            shutil.copy(ROOT / name, copy / name)
        port = free_port()
        started = time.perf_counter()
        server = subprocess.Popen(
            [sys.executable, "manage.py", "runserver", str(port)],
            cwd=copy,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_for_answer(f"http://127.0.0.1:{port}/health/live")
            first = time.perf_counter() - started
            edited = time.perf_counter()
            with (copy / "apps" / "health" / "routes.py").open("a") as file:
                file.write(ROUTE)
            wait_for_answer(f"http://127.0.0.1:{port}/health/new")
            return first, time.perf_counter() - edited
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(DEADLINE)


def wait_for_answer(url: str) -> None:
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - our own loopback address
                return
        except OSError:
            time.sleep(0.01)
    raise TimeoutError(url)


def resident_megabytes(pid: int) -> float:
    """Read the resident memory of a process; nan where there is no /proc."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return float("nan")
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def run(environment: dict[str, str], *arguments: str) -> None:
    subprocess.run([*MANAGE, *arguments], env=environment, capture_output=True, check=False)


def measure(name: str, command: list[str], environment: dict[str, str]) -> None:
    """Run a command a few times; report its seconds, and those of the processor."""
    runs = []
    for _ in range(RUNS):
        started, before = time.perf_counter(), os.times()
        subprocess.run(command, env=environment, capture_output=True, check=False)
        after = os.times()
        busy = sum(after[2:4]) - sum(before[2:4])  # of children, in user and in system mode
        runs.append((time.perf_counter() - started, busy))
    report(name, [seconds for seconds, _ in runs])
    report("  of the processor", [busy for _, busy in runs])


def report(name: str, seconds: list[float]) -> None:
    median, best = statistics.median(seconds), min(seconds)
    print(f"{name:<40} {median:8.3f} s   best {best:.3f} s")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    main()
