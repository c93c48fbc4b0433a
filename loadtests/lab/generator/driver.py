"""Starts the generator in processes of its own, waits for it, and makes sure that it is gone.

    tallies = drive(Plan(segments=(Segment("warm-up", host, "closed", 5, users=8), …)))

Locust changes a process for good, so this one never imports it. The generator reads no
configuration of Locust's: neither files nor variables that lie around can change a run. It ends
when its standard input does, so that it cannot outlive whoever drives it.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from pydantic import TypeAdapter

from loadtests.hosts import refusal
from loadtests.lab.generator.plan import Plan, Segment
from loadtests.lab.generator.tally import Tally
from project.errors import CommandError

__all__ = ["MASTER_PORT", "Plan", "Segment", "Tally", "bear", "drive"]

ROOT = Path(__file__).resolve().parents[3]
PROCESS = "loadtests.lab.generator.process"
LOOPBACK = "127.0.0.1"
MASTER_PORT = 5557
"""Where workers on other machines look for a master: Locust's own choice."""

SETTING_UP = 120.0
"""Seconds until all workers are there and all accounts are opened."""

BETWEEN = 5.0
"""Seconds that the step from one segment to the next may take."""

GOES_FIRST = -10
"""Its niceness."""

GIVING_UP = 10.0
"""Seconds that a generator has to end when it is told to."""

_TALLY = TypeAdapter(Tally)


def ignore(_: Segment) -> None:
    """Do nothing at the begin of a segment."""


def drive(
    plan: Plan,
    *,
    on_segment: Callable[[Segment], None] = ignore,
    workers_expected: int = 0,
    bind: str = LOOPBACK,
    port: int | None = None,
) -> list[Tally]:
    """Walk through the plan and return a tally of each measured segment.

    `on_segment` is called as each of them begins. With `workers_expected` that many workers on
    other machines share the load, `loadtest worker --master HOST`; they come to the address
    `bind`, and this machine only leads. Raises CommandError if the generator fails.
    """
    _check(plan)
    orders: dict[str, Any] = {"plan": json.loads(plan.dump())}
    local = 0 if workers_expected or plan.processes == 1 else plan.processes
    if workers_expected or local:
        address = port or (MASTER_PORT if workers_expected else _free_port())
        orders |= {"bind": bind, "port": address, "workers": workers_expected or local}
    with ExitStack() as stack:
        conductor = stack.enter_context(generator_process("conduct"))
        _send(conductor, orders)
        for _ in range(local):
            worker = stack.enter_context(generator_process("work"))
            _send(worker, {"master": LOOPBACK, "port": orders["port"]})
        limit = plan.seconds + (plan.drain + BETWEEN) * len(plan.segments) + SETTING_UP
        stack.enter_context(_ended_after(conductor, limit))
        return _read(conductor, plan, on_segment)


def bear(master: str, port: int = MASTER_PORT) -> None:
    """Be a worker for a master on another machine, until it says that it is over.

    Raises CommandError if no master comes, or the worker fails.
    """
    with generator_process("work") as worker:
        _send(worker, {"master": master, "port": port})
        if worker.process.wait():
            raise CommandError(f"The worker failed: {worker.last_words}")


class Generator:
    """A process of the generator, and what it complained about."""

    def __init__(self, process: subprocess.Popen[str], complaints: IO[str]) -> None:
        self.process = process
        self.is_overdue = False
        self._complaints = complaints

    @property
    def last_words(self) -> str:
        """The last line that it wrote on standard error."""
        self._complaints.seek(0)
        lines = self._complaints.read().strip().splitlines()
        return lines[-1].removeprefix("Error: ") if lines else "It said nothing."


@contextmanager
def generator_process(role: str) -> Iterator[Generator]:
    """Start a process of the generator; it is gone afterwards, whatever happens."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile("w+") as complaints:
        process = subprocess.Popen(
            [sys.executable, "-m", PROCESS, role],
            cwd=folder,
            env=_environment(folder),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
            encoding="utf-8",
        )
        _go_first(process.pid)
        try:
            yield Generator(process, complaints)
        finally:
            _end(process)


def _go_first(pid: int) -> None:
    """Let it leave on time beside a server that wants every core, where the system allows it.

    It needs little of a core, and what it does late would count as the server's.
    """
    if hasattr(os, "setpriority"):
        with suppress(OSError):  # for root alone, or with CAP_SYS_NICE
            os.setpriority(os.PRIO_PROCESS, pid, GOES_FIRST)


def _environment(folder: str) -> dict[str, str]:
    """Return variables without Locust's, and with a home that has no configuration."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LOCUST_")}
    path = os.pathsep.join(filter(None, (str(ROOT), kept.get("PYTHONPATH"))))
    return {**kept, "PYTHONPATH": path, "HOME": folder, "USERPROFILE": folder}


def _send(generator: Generator, orders: dict[str, Any]) -> None:
    """Tell what is to do. Standard input stays open: its end is the end of the process."""
    assert generator.process.stdin is not None  # noqa: S101 - it is a pipe
    generator.process.stdin.write(json.dumps(orders) + "\n")
    generator.process.stdin.flush()


def _read(conductor: Generator, plan: Plan, on_segment: Callable[[Segment], None]) -> list[Tally]:
    tallies = []
    assert conductor.process.stdout is not None  # noqa: S101 - it is a pipe
    for line in conductor.process.stdout:
        message = json.loads(line)
        if "begins" in message:
            on_segment(plan.segments[message["begins"]])
        elif "tally" in message:
            tallies.append(_TALLY.validate_python(message["tally"]))
    if conductor.is_overdue:
        raise CommandError("The generator did not end in time, and was ended.")
    if conductor.process.wait(GIVING_UP):
        raise CommandError(f"The generator failed: {conductor.last_words}")
    return tallies


@contextmanager
def _ended_after(generator: Generator, seconds: float) -> Iterator[None]:
    """End a process that takes longer than it may."""

    def end() -> None:
        generator.is_overdue = True
        generator.process.kill()

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _end(process: subprocess.Popen[str]) -> None:
    """Close its standard input, which tells it to end, and see to it that it does."""
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()
    try:
        process.wait(GIVING_UP)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _check(plan: Plan) -> None:
    for problem in plan.problems():
        raise CommandError(problem, exit_code=2)
    for reason in filter(None, map(refusal, plan.hosts)):
        raise CommandError(reason, exit_code=2)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port
