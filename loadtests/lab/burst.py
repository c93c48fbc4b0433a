"""A burst: so many requests at one moment at one worker, over connections that are open already.

A session that nothing guards can lock up as soon as `threads + connections` requests are in flight;
a load that rises slowly may miss it, a burst does not.
"""

from dataclasses import dataclass

from loadtests.lab.client import Order, send
from loadtests.lab.server import Server

PATH = "/api/v1/items/?limit=1"
PATIENCE = 40.0
"""Seconds that each request may take: longer than the pool's own timeout, 30 s."""


@dataclass(frozen=True)
class BurstOutcome:
    """What came of all bursts together."""

    at_once: int
    answered: int
    refused: int
    """503: told to come back, which is what a bounded queue does."""

    failed: int
    """Any other answer, or none."""

    pool_timeouts: int
    slowest: float
    waiting: float
    """Mean number of threads that waited inside a pool."""

    @property
    def is_lock_up(self) -> bool:
        """Whether threads waited for connections in vain."""
        return self.pool_timeouts > 0

    @property
    def summary(self) -> str:
        what = "LOCK-UP" if self.is_lock_up else "clean"
        return (
            f"{self.at_once} at once: {what}; {self.answered} answered, {self.refused} refused, "
            f"{self.failed} failed, {self.pool_timeouts} pool timeouts, "
            f"slowest {self.slowest:.2f} s"
        )


def burst(server: Server, *, at_once: int, times: int = 3, path: str = PATH) -> BurstOutcome:
    """Send `at_once` requests together, several times; the server has one worker and a probe."""
    answers = send(
        Order(host=server.host, path=path, at_once=at_once, times=times, patience=PATIENCE)
    )
    end = answers.began + answers.seconds
    pools = [
        pool for worker in server.workers(answers.began, end) for pool in worker.pools.values()
    ]
    refused = answers.statuses.get(503, 0)
    return BurstOutcome(
        at_once=at_once,
        answered=answers.ok.count,
        refused=refused,
        failed=answers.failed.count - refused,
        pool_timeouts=sum(pool.timeouts for pool in pools),
        slowest=max(answers.ok.longest, answers.failed.longest),
        waiting=sum(pool.waiting for pool in pools),
    )
