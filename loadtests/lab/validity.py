"""Why nothing may be concluded from a window; a pure function.

A window that breaks a rule is void, neither good nor bad: what was measured is the generator, the
machine's host or chance, and not the server.
"""

from collections.abc import Iterator

from loadtests.lab.histogram import merged
from loadtests.lab.window import Window, Worker

MOST_GENERATOR_CPU = 0.8
SHORTEST_LATENESS = 0.005
LATENESS_SHARE = 0.05
"""Of the median answer: an arrival may be late by this, or by five milliseconds if that is more."""

MOST_LOPSIDED = 1.5
ENOUGH_REQUESTS = 30
"""Of a worker on average; with fewer, chance alone makes shares uneven."""

LITTLE = 0.1
MOST_STEAL = 0.05
BUSY = 0.85
"""Cores of a worker, or share of a lane or a pool, from which on it is saturated."""


def voids(window: Window, *, restarts: int = 0) -> list[str]:
    """Say why the window is void, a sentence with its figures for each rule it breaks."""
    if not any(route.ok.count + route.failed.count for route in window.routes):
        return ["Not one request was answered: nothing was measured."]
    return [
        *_generator(window),
        *_lateness(window),
        *_drops(window),
        *_restarts(restarts),
        *_lopsided(window),
        *_little(window),
        *_steal(window),
    ]


def is_saturated(window: Window) -> bool:
    """Whether the server, and not the generator, had no more to give."""
    if window.error_rate or window.database.waiting.get("Lock", 0.0) >= 1:
        return True
    return any(_is_busy(worker) for worker in window.workers)


def _is_busy(worker: Worker) -> bool:
    lanes = any(
        lane.waiting >= 1 or lane.shed or lane.busy >= BUSY * lane.size
        for lane in worker.lanes.values()
    )
    pools = any(pool.timeouts or pool.in_use >= BUSY * pool.size for pool in worker.pools.values())
    return lanes or pools or worker.cpu >= BUSY or worker.loop_cpu >= BUSY or bool(worker.blocked)


def _generator(window: Window) -> Iterator[str]:
    cpu = window.generator.cpu
    if cpu > MOST_GENERATOR_CPU:
        yield (
            f"The generator took {cpu:.0%} of a core (at most {MOST_GENERATOR_CPU:.0%}): it was "
            "measured, not the server. Give it more processes or another machine."
        )


def _lateness(window: Window) -> Iterator[str]:
    late = window.generator.lateness.quantile(0.99)
    allowed = max(SHORTEST_LATENESS, LATENESS_SHARE * (window.quantile(0.5) or 0.0))
    if window.model == "open" and late is not None and late > allowed:
        yield (
            f"One arrival in a hundred left {late * 1000:.1f} ms late or later (at most "
            f"{allowed * 1000:.1f} ms): less was offered than was meant. Lower the rate, or give "
            "the generator more processes."
        )


def _drops(window: Window) -> Iterator[str]:
    dropped = window.generator.dropped
    if dropped and not is_saturated(window):
        yield (
            f"The generator dropped {dropped} arrivals while the server had places free: it is "
            "the generator that was full."
        )


def _restarts(restarts: int) -> Iterator[str]:
    if restarts:
        yield (
            f"{restarts} worker(s) ended and were started again: part of the load met a server "
            "that was not there. Look into its log."
        )


def _lopsided(window: Window) -> Iterator[str]:
    counts = [worker.requests for worker in window.workers]
    mean = sum(counts) / len(counts) if counts else 0.0
    if len(counts) > 1 and mean >= ENOUGH_REQUESTS and max(counts) > MOST_LOPSIDED * mean:
        yield (
            f"The busiest worker answered {max(counts) / mean:.1f} times its share (at most "
            f"{MOST_LOPSIDED}; {', '.join(map(str, counts))} requests): connections were not "
            "spread over the workers."
        )


def _little(window: Window) -> Iterator[str]:
    """Little's law: as many are in flight as arrive in the time that one takes."""
    users = window.users or 0
    if window.model != "closed" or not users or not window.seconds:
        return
    spent = merged(part for route in window.routes for part in (route.ok, route.failed)).total
    in_flight = spent / window.seconds
    if abs(in_flight - users) > LITTLE * users:
        yield (
            f"{users} users make {users} requests in flight, and the answers' times add up to "
            f"{in_flight:.1f} (Little's law allows {LITTLE:.0%}): durations or counts are wrong, "
            "or the users had other things to do."
        )


def _steal(window: Window) -> Iterator[str]:
    if window.steal > MOST_STEAL:
        yield (
            f"The machine's host gave {window.steal:.0%} of its time to others (at most "
            f"{MOST_STEAL:.0%}). Measure on a machine of your own, or at another time."
        )
