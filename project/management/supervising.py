"""The supervisor of several workers: starts them, replaces them, and ends with them."""

import logging
import os
import random
import time
from socket import socket

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors.multiprocess import Multiprocess, Process

from project.management.sharing import Board, SharingServer

logger = logging.getLogger("uvicorn.error")

TICK = 0.2
"""Seconds between two looks at the workers."""

HANG = 10.0
"""Seconds in which a worker's thread has to answer the supervisor before it counts as hung."""

START = 60.0
"""Seconds that a replacement may take until it serves."""

FIRST_DELAY = 1.0
LONGEST_DELAY = 30.0
"""Seconds between starts of workers that end before they serve: doubled up to this."""

ATTEMPTS = 3
"""Starts in vain after which a server that never served gives up."""

SPARE_SEATS = 8
"""Places at the board for workers that end while their successors serve."""

JITTER = 0.1
"""Part of `WORKER_MAX_REQUESTS` by which a worker may live longer, so that not all end at once."""


class Worker(Process):
    """A process that answers requests, with a seat at the board."""

    def __init__(
        self, config: uvicorn.Config, sockets: list[socket], board: Board, limit: int | None
    ) -> None:
        self._board = board
        self.seat = board.take_seat()
        self.limit = limit and limit + random.randint(0, int(limit * JITTER))  # noqa: S311
        super().__init__(config, sockets)

    @property
    def server(self) -> uvicorn.Server:
        if self._server is None:
            self._server = SharingServer(self.config, self._board, self.seat)
        return self._server

    @property
    def is_worn_out(self) -> bool:
        """Whether it has answered as many requests as it shall."""
        return self.limit is not None and self._board.requests_of(self.seat) >= self.limit

    @property
    def has_served(self) -> bool:
        return self._board.has_served(self.seat)

    def leave(self) -> None:
        """Wait for its end and free its seat."""
        self.process.join()
        self._board.leave_seat(self.seat)


class Supervisor(Multiprocess):
    """Keeps as many workers as it was told to, and replaces one at a time.

    A replacement serves before the old worker is told to end, so that no request fails; there is
    never more than one worker too many. Its connections come on top of the others' for that while.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        sockets: list[socket],
        *,
        max_requests: int | None = None,
        delay: float = 0.0,
    ) -> None:
        self.was_told = False
        self._board = Board(2 * config.workers + SPARE_SEATS)
        self._max_requests = max_requests
        self._delay = delay
        self._waiting_for_change = list[Worker]()
        self._failures = 0
        self._next_start = 0.0
        self._have_served = False
        super().__init__(config, sockets)
        self.processes: list[Worker] = []  # type: ignore[assignment]

    def run(self) -> None:
        logger.info("Started parent process [%d]", os.getpid())
        for _ in range(self.processes_num):
            self.processes.append(self._start())
        while not self.should_exit.wait(TICK):
            self._look_after()
            self._replace_next()
        self.terminate_all()
        self.join_all()
        logger.info("Stopping parent process [%d]", os.getpid())

    def handle_int(self) -> None:
        self.was_told = True
        super().handle_int()

    def handle_term(self) -> None:
        self.was_told = True
        self._board.linger(self._delay)
        super().handle_term()

    def handle_hup(self) -> None:
        """Replace all workers that there are now, one after the other."""
        logger.info("Received SIGHUP, replacing all workers.")
        self._waiting_for_change = list(self.processes)

    def handle_ttin(self) -> None:
        if self.processes_num < 2 * self.config.workers:
            self.processes_num += 1  # which starts one at the next look

    def handle_ttou(self) -> None:
        if self.processes_num > 1:
            self.processes_num -= 1
            self._retire(self.processes.pop())

    def _start(self) -> Worker:
        worker = Worker(self.config, self.sockets, self._board, self._max_requests)
        worker.start()
        return worker

    def _look_after(self) -> None:
        """Hear signals, clear away who died or hangs, and start who is missing."""
        self.handle_signals()
        if self.should_exit.is_set():
            return
        for worker in list(self.processes):
            self._have_served = self._have_served or worker.has_served
            if not worker.is_alive(HANG):
                self._bury(worker)
        missing = self.processes_num - len(self.processes)
        if missing > 0 and not self.should_exit.is_set() and time.monotonic() >= self._next_start:
            self.processes.append(self._start())

    def _bury(self, worker: Worker) -> None:
        is_hung = worker.process.is_alive()
        had_served = worker.has_served
        worker.kill()
        worker.leave()
        self.processes.remove(worker)
        how = "hung and was killed" if is_hung else f"ended with {worker.exitcode}"
        if worker.exitcode == STARTUP_FAILURE:
            logger.error("Worker [%s] failed to start, stopping the parent process.", worker.pid)
            self.should_exit.set()
        elif had_served:
            self._failures = 0
            logger.error("Worker [%s] %s; another is started.", worker.pid, how)
        else:
            self._put_off(f"Worker [{worker.pid}] {how} before it served")

    def _put_off(self, what: str) -> None:
        """Let time pass before the next start, or give up if nothing has ever served."""
        self._failures += 1
        if self._failures >= ATTEMPTS and not self._have_served:
            logger.error("%s, and so did %d others: giving up.", what, self._failures - 1)
            self.should_exit.set()
            return
        delay = min(FIRST_DELAY * 2 ** (self._failures - 1), LONGEST_DELAY)
        self._next_start = time.monotonic() + delay
        logger.error("%s; the next start is in %g s.", what, delay)

    def _replace_next(self) -> None:
        """Replace one worker that shall be replaced: because of SIGHUP, or worn out."""
        waiting = [worker for worker in self._waiting_for_change if worker in self.processes]
        worn = [worker for worker in self.processes if worker.is_worn_out]
        self._waiting_for_change = waiting[1:]
        if not (waiting or worn) or self.should_exit.is_set():
            return
        old = (waiting or worn)[0]
        new = self._start()
        if self._serves_in_time(new):
            if old in self.processes:
                self.processes.remove(old)
                self.processes.append(new)  # behind the others: the oldest is the next
                self._retire(old)
            else:  # it died meanwhile, and this one takes its place
                self.processes.append(new)
        elif self.should_exit.is_set():
            self.processes.append(new)  # it may serve by now: it ends as the others do
        else:
            self._give_up(new, old)

    def _serves_in_time(self, new: Worker) -> bool:
        deadline = time.monotonic() + START
        while not self.should_exit.is_set() and new.process.is_alive():
            if new.is_ready(timeout=1):
                return True
            if time.monotonic() > deadline:
                return False
            self.should_exit.wait(TICK)
            self._look_after()
        return False

    def _give_up(self, new: Worker, old: Worker) -> None:
        new.kill()
        new.leave()
        self._waiting_for_change = []
        if old.limit and old.is_worn_out:  # try again later, not at once
            old.limit *= 2
        logger.error("Worker [%s] does not serve; [%s] stays.", new.pid, old.pid)

    def _retire(self, worker: Worker) -> None:
        """Tell a worker to end, and look after the others until it has."""
        worker.terminate()
        while worker.process.is_alive() and not self.should_exit.is_set():
            self._look_after()
            worker.process.join(TICK)
        if worker.process.is_alive():
            self.processes.append(worker)  # the others are told to end before it is waited for
        else:
            worker.leave()
