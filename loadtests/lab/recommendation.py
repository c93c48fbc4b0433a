"""Which settings to run with: of those as good as the best, fewest connections, then workers.

Pure functions: capacities in, a recommendation and its reasons out.
"""

from collections.abc import Mapping, Sequence

from loadtests.lab.result import Capacity, Machine, Postgres, Recommendation
from loadtests.lab.window import Config
from project.checks.deployment import PROBES, RESERVE
from project.setting_groups import DatabaseSettings

HEADROOM = 0.7
"""The share of the capacity to plan with; beyond it queues grow faster than the load."""

MEMORY_SHARE = 0.8


def connections_of(config: Config, *, async_pool: int) -> int:
    """The most connections that one replica opens, as `check --deploy` counts them."""
    return config.workers * (config.pool + async_pool + PROBES)


def recommend(
    capacities: Sequence[Capacity],
    *,
    machine: Machine,
    postgres: Postgres,
    epsilon: float,
    memory: Mapping[Config, int] | None = None,
    async_pool: int = DatabaseSettings.model_fields["async_pool_size"].default,
) -> Recommendation | None:
    """Choose; None if no configuration carries anything within the budget and the limits.

    `epsilon` is the noise floor, below which two capacities are the same; `memory` is what all
    workers of a configuration took.
    """
    allowed = _connections_allowed(postgres)
    fitting = [
        capacity
        for capacity in capacities
        if capacity.rate > 0
        and connections_of(capacity.config, async_pool=async_pool) <= allowed
        and (memory or {}).get(capacity.config, 0) <= MEMORY_SHARE * machine.memory
    ]
    if not fitting:
        return None
    best = max(fitting, key=lambda capacity: capacity.rate)
    as_good = [capacity for capacity in fitting if capacity.rate >= (1 - epsilon) * best.rate]
    chosen = min(
        as_good,
        key=lambda capacity: (
            connections_of(capacity.config, async_pool=async_pool),
            capacity.config.workers,
            -capacity.rate,
        ),
    )
    connections = connections_of(chosen.config, async_pool=async_pool)
    return Recommendation(
        config=chosen.config,
        capacity=chosen,
        operating_rate=HEADROOM * chosen.rate,
        connections=connections,
        replicas=allowed // connections,
        reasons=[
            *_why(chosen, best, as_good, epsilon),
            _arithmetic(chosen.config, postgres, async_pool),
            *_memory(chosen.config, memory or {}, machine),
        ],
    )


def _connections_allowed(postgres: Postgres) -> int:
    return postgres.max_connections - postgres.reserved - RESERVE


def _why(
    chosen: Capacity, best: Capacity, as_good: Sequence[Capacity], epsilon: float
) -> list[str]:
    workers, pool = chosen.config.workers, chosen.config.pool
    first = (
        f"{workers} worker(s) with {pool} connections each carry {chosen.rate:.0f} requests/s "
        f"within every budget ({chosen.low:.0f} to {chosen.high:.0f})."
    )
    sentences = [first]
    if chosen.config != best.config:
        sentences.append(
            f"{best.config.label} carried {best.rate:.0f}, which is no more than the measurement's "
            f"own noise of {epsilon:.0%} above it and takes more."
        )
    elif len(as_good) > 1:
        others = ", ".join(c.config.label for c in as_good if c is not chosen)
        sentences.append(f"As good within {epsilon:.0%}, but larger: {others}.")
    if chosen.limited_by:
        sentences.append(f"Past that the first budget to break is {chosen.limited_by}.")
    sentences.append(
        f"Plan with {HEADROOM * chosen.rate:.0f} requests/s, {HEADROOM:.0%} of it: the rest is for "
        "peaks, a deployment and a replica that is gone."
    )
    return sentences


def _arithmetic(config: Config, postgres: Postgres, async_pool: int) -> str:
    each = connections_of(config, async_pool=async_pool)
    allowed = _connections_allowed(postgres)
    return (
        f"{config.workers} x ({config.pool} + {async_pool} + {PROBES}) = {each} connections a "
        f"replica; of {postgres.max_connections} less {postgres.reserved} reserved and {RESERVE} "
        f"for people {allowed} remain, which is {allowed // each} replica(s). During a deployment "
        "old and new ones overlap: count both."
    )


def _memory(config: Config, memory: Mapping[Config, int], machine: Machine) -> list[str]:
    taken = memory.get(config)
    if not taken:
        return []
    return [
        f"Its workers took {taken / 2**20:.0f} MiB of {machine.memory / 2**30:.0f} GiB at the most."
    ]
