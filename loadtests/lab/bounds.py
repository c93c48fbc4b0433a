"""What arithmetic alone says about configurations, before any of them runs; pure functions.

One user at one worker shows what a request demands while nobody waits. The operational laws
(utilisation, Little) then say what no configuration can exceed and which pool it needs for
that, so that most of the grid need not be tried.
"""

import math
from dataclasses import dataclass

from loadtests.lab.window import Config, Window

DATABASE = "database"
WORTH = 1.05
"""A bound that is not higher by this is no reason to try a larger configuration."""

SLACK = 2
"""Connections beyond the mean that is in use: arrivals come in clusters."""

SMALLEST_POOL = 2


@dataclass(frozen=True)
class Demands:
    """Of one request, on average over the mix and in seconds, while nobody waits."""

    response: float
    cpu: float
    """Of a worker's core."""

    sql: float
    hold: float
    """For which it has a connection, and a thread of the database lane."""

    database_cpu: float
    """0 where the database runs elsewhere and nobody could look."""

    generator_cpu: float


@dataclass(frozen=True)
class Cores:
    """That are there, and whether the database and the generator take theirs from the same."""

    machine: int
    database: int = 0
    """Of another machine; 0 where it is this one."""


def demands_of(window: Window) -> Demands:
    """Read them from a window with one worker and one user. Raises ValueError for an empty one."""
    requests = window.requests
    if not requests or not window.workers:
        raise ValueError("a window without answers or without a worker shows no demands")
    each = window.seconds / requests
    spent = sum(route.ok.total for route in window.routes)
    workers = window.workers
    return Demands(
        response=spent / requests,
        cpu=sum(worker.cpu for worker in workers) * each,
        sql=sum(worker.sql_seconds for worker in workers) / requests,
        hold=max(_places_taken(window), sum(w.sql_seconds for w in workers) / window.seconds)
        * each,
        database_cpu=window.database.cpu * each,
        generator_cpu=window.generator.cpu * window.generator.processes * each,
    )


def _places_taken(window: Window) -> float:
    """Connections in use on average, of all workers, or what the database lane says of them."""
    lanes = sum(w.lanes[DATABASE].busy for w in window.workers if DATABASE in w.lanes)
    pools = sum(pool.in_use for worker in window.workers for pool in worker.pools.values())
    return max(lanes, pools)


def highest_rate(demands: Demands, workers: int, cores: Cores) -> float:
    """The requests a second that so many workers cannot exceed, however large their pools."""
    bounds = [_per(workers, demands.cpu)]
    if cores.database:
        bounds.append(_per(cores.machine, demands.cpu + demands.generator_cpu))
        bounds.append(_per(cores.database, demands.database_cpu))
    else:
        together = demands.cpu + demands.generator_cpu + demands.database_cpu
        bounds.append(_per(cores.machine, together))
    return min(bounds)


def smallest_pool(demands: Demands, rate: float, workers: int) -> int:
    """The connections of each worker that so many requests a second keep in use (P >= X hold / W).

    Holding takes longer under load, hence twice that, and a few for the clusters of arrivals.
    """
    return max(SMALLEST_POOL, math.ceil(2 * rate * demands.hold / workers) + SLACK)


def fitting_users(demands: Demands, rate: float) -> int:
    """The closed-model users that saturate it: four times as many as its rate keeps busy.

    With twice as many, two workers on two cores still had moments in which nobody asked.
    """
    return max(8, math.ceil(4 * rate * demands.response))


def candidates(demands: Demands, cores: Cores, *, most_workers: int = 64) -> list[Config]:
    """The configurations that are worth a run: 1, half the cores, the cores, one more, twice.

    Past the first whose bound is no higher than the one before it, one more is tried as a
    check on the law, and no others.
    """
    all_workers = sorted(
        {1, max(1, cores.machine // 2), cores.machine, cores.machine + 1, 2 * cores.machine + 1}
    )
    chosen: list[Config] = []
    best = 0.0
    for workers in (number for number in all_workers if number <= most_workers):
        rate = highest_rate(demands, workers, cores)
        chosen.append(Config(workers=workers, pool=smallest_pool(demands, rate, workers)))
        if rate <= best * WORTH:
            break
        best = max(best, rate)
    return chosen


def explain(demands: Demands, cores: Cores) -> list[str]:
    """Say what was found, in sentences."""
    one, all_cores = highest_rate(demands, 1, cores), highest_rate(demands, cores.machine, cores)
    alone = (
        f"A request takes {demands.response * 1000:.1f} ms alone: {demands.cpu * 1000:.1f} ms of a "
        f"worker's core, {demands.sql * 1000:.1f} ms in SQL, {demands.database_cpu * 1000:.1f} ms "
        f"of a core in the database, a connection for {demands.hold * 1000:.1f} ms."
    )
    most = (
        f"No settings get one worker past {one:.0f} requests/s, or {cores.machine} workers past "
        f"{all_cores:.0f}."
    )
    return [alone, most]


def _per(cores: float, seconds: float) -> float:
    return cores / seconds if seconds > 0 else math.inf
