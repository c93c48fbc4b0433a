"""The thread that looks at a worker from inside, 25 times a second, and writes four lines of it.

Looks are added up, so that means over any span can be cut out afterwards: a span's mean is the
difference of two sums by the difference of two numbers of looks. What is seen:

- lanes and pools: places taken and wanted. In a lock-up no request ends; only these still speak.
- the loop, see `loop.py`.
- the interpreter's lock: by how much this thread oversleeps, less what it always does and less its
  wait for a core, where the system tells (Linux). What is left is the wait for the lock.
"""

import os
import threading
from collections import defaultdict
from contextlib import closing
from time import perf_counter, sleep
from typing import Any

from anyio.to_thread import current_default_thread_limiter

from .channel import Channel
from .loop import LoopWatch
from .pools import pools
from .requests import Requests

LOOK = 0.04
"""Seconds between two looks."""

LOOKS_A_LINE = 6


class Monitor:
    """Watches the running loop and its process. `start` and `stop` are called on the loop."""

    def __init__(self, requests: Requests, runtime: Any, channel: Channel) -> None:
        self._requests = requests
        self._channel = channel
        lanes = [] if runtime is None else [*runtime.lanes, runtime.async_gate]
        self._gauges = _Gauges(lanes, current_default_thread_limiter(), requests)
        self._loop = LoopWatch()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="probe", daemon=True)

    def start(self) -> None:
        self._loop.start()
        self._thread.start()

    def stop(self) -> None:
        self._loop.stop()
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        with closing(LockWait()) as lock:
            self._write(lock)
            while not self._stopped.is_set():
                for _ in range(LOOKS_A_LINE):
                    elapsed = lock.sleep()
                    self._gauges.look()
                    self._loop.look(elapsed)
                self._write(lock)

    def _write(self, lock: "LockWait") -> None:
        self._channel.write(
            **self._requests.totals(),
            **self._gauges.read(),
            routes=self._requests.take_routes(),
            lock_wait=lock.seconds,
            loop_cpu=self._loop.cpu,
            lags=[round(lag, 5) for lag in self._loop.take_lags()],
            held=self._loop.take_held(),
        )


class _Gauges:
    """What is taken and wanted now, added up look by look."""

    def __init__(self, lanes: list[Any], threads: Any, requests: Requests) -> None:
        self._lanes = lanes
        self._threads = threads
        self._requests = requests
        self._looks = 0
        self._in_flight = 0
        self._sums: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        self._most: dict[str, list[int]] = defaultdict(lambda: [0, 0])

    def look(self) -> None:
        self._looks += 1
        self._in_flight += self._requests.in_flight
        for lane in self._lanes:
            self._add(lane.name, lane.running, lane.waiting)
        threads = self._threads.statistics()
        self._add("threads", threads.borrowed_tokens, threads.tasks_waiting)
        for pool, watched in pools():
            self._add(f"pool {watched.name}", pool.checkedout(), watched.waiting)

    def read(self) -> dict[str, Any]:
        """Return the sums so far, and the most since the last reading."""
        most, self._most = self._most, defaultdict(lambda: [0, 0])
        lanes = {
            lane.name: {
                **self._describe(lane.name, most),
                "size": lane.size,
                "shed": lane.shed,
                "wait": lane.wait_seconds,
            }
            for lane in self._lanes
        }
        lanes["threads"] = {
            **self._describe("threads", most),
            "size": int(self._threads.total_tokens),
        }
        return {
            "looks": self._looks,
            "in_flight": self._in_flight,
            "lanes": lanes,
            "pools": {
                watched.name: {
                    **self._describe(f"pool {watched.name}", most),
                    "size": pool.size() + max(0, pool._max_overflow),  # noqa: SLF001 - as above
                    "timeouts": watched.timeouts,
                    "wait": watched.wait_seconds,
                }
                for pool, watched in pools()
            },
        }

    def _add(self, name: str, taken: int, waiting: int) -> None:
        sums, most = self._sums[name], self._most[name]
        sums[0] += taken
        sums[1] += waiting
        most[0] = max(most[0], taken)
        most[1] = max(most[1], waiting)

    def _describe(self, name: str, most: dict[str, list[int]]) -> dict[str, int]:
        taken, waiting = self._sums[name]
        most_taken, most_waiting = most[name]
        return {"taken": taken, "waiting": waiting, "most": most_taken, "queue": most_waiting}


class LockWait:
    """Oversleeping, added up: how long a thread that is awake waits for the interpreter's lock.

    Made, used and closed by one and the same thread.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._usual = 1.0
        self._schedule = _open_schedule()
        self._delay = self._core_wait()

    def sleep(self) -> float:
        """Sleep until the next look; return for how long it was, in seconds."""
        began = perf_counter()
        sleep(LOOK)
        elapsed = perf_counter() - began
        late = elapsed - LOOK
        self._usual = min(self._usual, max(late, 0.0))
        delay = self._core_wait()
        self.seconds += max(0.0, late - self._usual - (delay - self._delay))
        self._delay = delay
        return elapsed

    def close(self) -> None:
        if self._schedule >= 0:
            os.close(self._schedule)

    def _core_wait(self) -> float:
        """Return how long this thread has waited for a core; 0 where the system is silent."""
        if self._schedule < 0:
            return 0.0
        return int(os.pread(self._schedule, 100, 0).split()[1]) / 1e9


def _open_schedule() -> int:
    """Open what Linux tells of the calling thread; kept open, a read costs a tenth."""
    try:
        return os.open("/proc/thread-self/schedstat", os.O_RDONLY)
    except OSError:
        return -1
