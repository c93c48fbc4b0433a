"""What the system says about processes, read from outside: the same with a probe and without."""

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Self

import psutil

from loadtests.lab.series import Series

EVERY = 0.25
"""Seconds between two readings."""

_STEAL = "steal"


class Sampler:
    """Calls something again and again, in a thread of its own, until it is left."""

    def __init__(self, take: Callable[[], None], every: float) -> None:
        self._take = take
        self._every = every
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(self._every):
            self._take()


class CpuMeter:
    """Adds up the CPU time of processes that come and go; seconds since it was made."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._processes: dict[int, psutil.Process] = {}
        self._known: dict[int, float] = {}

    def read(self, pids: Iterable[int], *, named: str = "") -> float:
        """Count what these have used since the last time; only those with this in their name."""
        for pid in pids:
            with suppress(psutil.Error):
                process = self._processes.get(pid) or self._meet(pid, named)
                if process is not None:
                    self._count(pid, process)
        return self.seconds

    def _meet(self, pid: int, named: str) -> "psutil.Process | None":
        process = psutil.Process(pid)
        if named not in process.name():
            return None
        self._processes[pid] = process
        times = process.cpu_times()
        self._known[pid] = times.user + times.system
        return process

    def _count(self, pid: int, process: psutil.Process) -> None:
        times = process.cpu_times()
        used = times.user + times.system
        self.seconds += max(0.0, used - self._known[pid])
        self._known[pid] = used


class Processes:
    """The workers of a server, and the machine, as the system sees them."""

    def __init__(self, pids: Callable[[], Iterable[int]]) -> None:
        self._pids = pids
        self._meters: dict[int, CpuMeter] = {}
        self._series: dict[int, Series] = {}
        self._core_waits: dict[int, _CoreWait] = {}
        self._machine = Series()

    def take(self) -> None:
        """Read all of them once."""
        now, times = time.time(), psutil.cpu_times()
        whole = sum(getattr(times, name) for name in times._fields if "guest" not in name)
        self._machine.add(now, {_STEAL: getattr(times, _STEAL, 0.0), "whole": whole})
        for pid in self._pids():
            with suppress(psutil.Error, OSError):
                self._read(pid)

    def cpu(self, pid: int, begin: float, end: float) -> float:
        """Cores that a process took."""
        return self._of(pid).growth("cpu", begin, end) / (end - begin)

    def core_wait(self, pid: int, begin: float, end: float) -> float:
        """How many of its threads were ready and had no core, on average."""
        return self._of(pid).growth("core_wait", begin, end) / (end - begin)

    def memory(self, pid: int, begin: float, end: float) -> int:
        """Bytes that it occupied, on average."""
        return round(self._of(pid).mean("memory", begin, end))

    def is_known(self, pid: int, begin: float, end: float) -> bool:
        """Whether it lived in the span."""
        return bool(self._of(pid).within(begin, end))

    def steal(self, begin: float, end: float) -> float:
        """Share of the machine's time that its host gave to others."""
        whole = self._machine.growth("whole", begin, end)
        return self._machine.growth(_STEAL, begin, end) / whole if whole else 0.0

    def _of(self, pid: int) -> Series:
        return self._series.setdefault(pid, Series())

    def _read(self, pid: int) -> None:
        memory = psutil.Process(pid).memory_info().rss
        meter = self._meters.setdefault(pid, CpuMeter())
        waits = self._core_waits.setdefault(pid, _CoreWait(pid))
        reading = {"cpu": meter.read([pid]), "memory": memory, "core_wait": waits.read()}
        self._of(pid).add(time.time(), reading)


class _CoreWait:
    """For how long a process's threads together were ready and had no core (Linux alone)."""

    def __init__(self, pid: int) -> None:
        self._folder = Path(f"/proc/{pid}/task")
        self._known: dict[str, float] = {}
        self._seconds = 0.0

    def read(self) -> float:
        if not self._folder.is_dir():
            return 0.0
        for thread in self._folder.iterdir():
            with suppress(OSError, IndexError, ValueError):
                waited = int((thread / "schedstat").read_bytes().split()[1]) / 1e9
                self._seconds += waited - self._known.get(thread.name, waited)
                self._known[thread.name] = waited
        return self._seconds
