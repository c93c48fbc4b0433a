"""Evidence in, cause out: what keeps a server from answering more. A pure function.

The rules are tried in an order in which a later one would be misled by what an earlier one finds: a
locked row makes every connection busy, and so does a database without a core left, long before the
pool is too small. Gauges decide, not sums over requests, because in a lock-up no request ends.
Whether a diagnosis is true is shown by changing its knob alone.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from loadtests.lab.histogram import merged
from loadtests.lab.result import Cause, Diagnosis, Machine
from loadtests.lab.window import Blocked, Lane, Pool, Window

FULL = 0.85
"""Share of a lane's places, or a pool's connections, from which on it counts as full."""

QUEUE = 0.25
"""Waiting for each place of a full lane, from which on somebody is kept waiting by it."""

GENERATOR_CPU = 0.9
LATE = 0.05
"""Seconds of lateness (p99) with which the generator is behind its own plan."""

HELD = 0.25
"""Share of the time for which the loop is held by lines that can be named."""

LOCK_WAIT = 0.002
"""Seconds for which a thread waits for the interpreter's lock where Python computes in several."""

ONE_CORE = 0.75
"""Of a core, used or waited for: as much as Python code of one process gets, less the noise."""

CORES = 0.85
"""Share of the machine's cores from which on none is left."""

DATABASE_CORES = 0.5
"""Share of the machine's cores from which on the database is its main user."""

WAITING_BACKENDS = 0.3
"""Share of working backends that wait for each other, or for a disk."""

IDLE = 0.2
"""Statements at work for each taken connection, below which connections are held for nothing."""

KNOBS = {"cpu": "CPU_LANE_SIZE", "async": "DATABASE_ASYNC_POOL_SIZE"}
DATABASE_LANE = "database"


@dataclass(frozen=True)
class Facts:
    """A window, added up over its workers."""

    window: Window
    machine: Machine
    lanes: dict[str, Lane]
    pools: dict[str, Pool]
    blocked: list[Blocked]
    cpu: float
    busiest: float
    """Cores that the busiest worker used and waited for."""

    loop_cpu: float
    lock_wait: float
    in_flight: float

    @classmethod
    def of(cls, window: Window, machine: Machine) -> "Facts":
        workers = window.workers
        return cls(
            window=window,
            machine=machine,
            lanes=_add_lanes(worker.lanes for worker in workers),
            pools=_add_pools(worker.pools for worker in workers),
            blocked=_add_blocked(worker.blocked for worker in workers),
            cpu=sum(worker.cpu for worker in workers),
            busiest=max((w.cpu + min(w.core_wait, w.cpu) for w in workers), default=0.0),
            loop_cpu=max((worker.loop_cpu for worker in workers), default=0.0),
            lock_wait=max((worker.lock_wait for worker in workers), default=0.0),
            in_flight=sum(worker.in_flight for worker in workers),
        )

    def full_lanes(self) -> list[tuple[str, Lane]]:
        """Return the lanes before which requests wait, the longest queue first."""
        full = [(n, lane) for n, lane in self.lanes.items() if _is_full(lane)]
        return sorted(full, key=lambda entry: -entry[1].waiting)


def diagnose(window: Window, machine: Machine) -> Diagnosis:
    """Say what limited the server in this window, with figures, and what to change."""
    facts = Facts.of(window, machine)
    for rule in RULES:
        found = rule(facts)
        if found is not None:
            return found
    evidence = [_load(facts), _cpu(facts)]
    evidence += [_lane(name, lane) for name, lane in facts.lanes.items() if lane.busy >= QUEUE]
    return Diagnosis(
        cause=Cause.NONE, summary="Nothing was used up: it carries more.", evidence=evidence
    )


def _generator(facts: Facts) -> Diagnosis | None:
    generator = facts.window.generator
    late = generator.lateness.quantile(0.99) or 0.0
    is_idle = not facts.full_lanes() and facts.cpu < CORES * facts.machine.cores
    if generator.cpu < GENERATOR_CPU and not (late > LATE and is_idle):
        return None
    return Diagnosis(
        cause=Cause.GENERATOR,
        summary="The generator could not send more; nothing is known of the server.",
        evidence=[
            f"Its busiest process used {generator.cpu:.0%} of a core.",
            f"Arrivals left {_ms(late)} late (p99); {generator.dropped} were dropped.",
        ],
    )


def _lock_up(facts: Facts) -> Diagnosis | None:
    """Find a pool that is taken by requests that do nothing while threads wait for it."""
    active = facts.window.database.active
    for name, pool in facts.pools.items():
        is_stuck = pool.in_use >= FULL * pool.size and pool.waiting >= 1
        if is_stuck and active < IDLE * pool.in_use:
            threads = facts.lanes.get("threads")
            return Diagnosis(
                cause=Cause.LOCK_UP,
                summary="Threads wait for connections that belong to requests which wait for "
                "threads: put a gate as large as the pool before the session.",
                evidence=[
                    (
                        f"{pool.in_use:.1f} of {pool.size} connections of the {name} pool were "
                        f"taken, {active:.1f} of them at work."
                    ),
                    f"{pool.waiting:.1f} threads waited inside the pool; {pool.timeouts} gave up.",
                    *([_lane("threads", threads)] if threads else []),
                    _load(facts),
                ],
            )
    return None


def _blocked_loop(facts: Facts) -> Diagnosis | None:
    held = sum(blocked.seconds for blocked in facts.blocked)
    share = held / (facts.window.seconds * max(1, len(facts.window.workers)))
    if share < HELD:
        return None
    worst = facts.blocked[0]
    lag = merged(worker.loop_lag for worker in facts.window.workers)
    return Diagnosis(
        cause=Cause.BLOCKED_LOOP,
        summary=f"The event loop is held by {worst.where}: make the route `def`, or await.",
        evidence=[
            f"{worst.where} held it for {worst.seconds:.1f} s in {facts.window.seconds:.1f} s.",
            f"The loop was held {share:.0%} of the time, and up to {_ms(lag.longest)} late.",
            f"Its thread used {facts.loop_cpu:.0%} of a core meanwhile.",
        ],
    )


def _locks(facts: Facts) -> Diagnosis | None:
    database = facts.window.database
    waits = {name: n for name, n in database.waiting.items() if name.startswith("Lock:")}
    waiting = sum(waits.values())
    if waiting < 1 or waiting < WAITING_BACKENDS * database.active:
        return None
    worst = max(waits, key=lambda name: waits[name])
    return Diagnosis(
        cause=Cause.LOCKS,
        summary="Transactions wait for each other's rows: make them shorter, or write fewer of "
        "the same rows.",
        evidence=[
            (
                f"{waiting:.1f} of {database.active:.1f} working backends waited for a lock, "
                f"most for {worst}."
            ),
            f"The database used {database.cpu:.2f} cores.",
            _load(facts),
        ],
    )


def _processor(facts: Facts) -> Diagnosis | None:
    """Find the interpreter's lock, or a machine whose cores the workers have used up."""
    used = facts.cpu + facts.window.database.cpu
    is_lock = facts.lock_wait >= LOCK_WAIT and facts.busiest >= ONE_CORE
    is_machine = used >= CORES * facts.machine.cores
    if facts.cpu < facts.window.database.cpu or not (is_lock or is_machine):
        return None
    has_cores = facts.window.config.workers < facts.machine.cores and not (
        is_machine and len(facts.window.workers) > 1
    )
    return Diagnosis(
        cause=Cause.CPU,
        summary="Python code takes all that one interpreter gets: more workers help as long as "
        "there are cores."
        if has_cores
        else "Every core computes: cheaper requests or more cores help, settings do not.",
        evidence=[
            _cpu(facts),
            f"A thread waited {_ms(facts.lock_wait)} for the interpreter's lock each time.",
            _load(facts),
        ],
        knob="workers" if has_cores else "",
    )


def _database(facts: Facts) -> Diagnosis | None:
    database = facts.window.database
    kinds = ("IO:", "LWLock:", "BufferPin:")
    waiting = sum(n for name, n in database.waiting.items() if name.startswith(kinds))
    computes = database.cpu >= DATABASE_CORES * facts.machine.cores
    is_slow = waiting >= 1 and waiting >= WAITING_BACKENDS * database.active
    if not (computes or is_slow):
        return None
    sql = sum(worker.sql_seconds for worker in facts.window.workers) / facts.window.seconds
    return Diagnosis(
        cause=Cause.DATABASE,
        summary="The database has no more to give: fewer or cheaper statements help, connections "
        "do not.",
        evidence=[
            (
                f"It used {database.cpu:.2f} of {facts.machine.cores} cores, "
                f"the workers {facts.cpu:.2f}."
            ),
            (
                f"{database.active:.1f} of {database.connections:.1f} backends were at work, "
                f"{waiting:.1f} waited for disk or memory."
            ),
            f"{sql:.1f} statements were under way on average.",
        ],
    )


def _full_lane(facts: Facts) -> Diagnosis | None:
    found = facts.full_lanes()
    if not found or found[0][0] == DATABASE_LANE:
        return None
    name, lane = found[0]
    knob = KNOBS.get(name, "" if name == "threads" else "workers")
    return Diagnosis(
        cause=Cause.LANE,
        summary=f"The {name} lane is full: requests wait for one of its {lane.size} places.",
        evidence=[_lane(name, lane), _cpu(facts), _load(facts)],
        knob=knob,
    )


def _pool(facts: Facts) -> Diagnosis | None:
    full = [name for name, _ in facts.full_lanes() if name == DATABASE_LANE]
    waited_for = [
        (name, pool)
        for name, pool in facts.pools.items()
        if pool.in_use >= FULL * pool.size and (pool.waiting >= 1 or name in full)
    ]
    if not full and not waited_for:
        return None
    database = facts.window.database
    return Diagnosis(
        cause=Cause.POOL,
        summary="Requests wait for a connection, and nothing else is used up: a larger pool helps.",
        evidence=[
            *(_lane(name, facts.lanes[name]) for name in full),
            *(f"{p.in_use:.1f} of {p.size} connections were taken." for _, p in waited_for),
            (
                f"The database used {database.cpu:.2f} cores, the workers {facts.cpu:.2f} "
                f"of {facts.machine.cores}."
            ),
        ],
        knob="pool",
    )


Rule = Callable[[Facts], Diagnosis | None]

RULES: tuple[Rule, ...] = (
    _generator,
    _lock_up,
    _blocked_loop,
    _locks,
    _processor,
    _database,
    _full_lane,
    _pool,
)


def _is_full(lane: Lane) -> bool:
    return lane.busy >= FULL * lane.size and lane.waiting >= QUEUE * lane.size


def _lane(name: str, lane: Lane) -> str:
    shed = f", {lane.shed} were sent away" if lane.shed else ""
    return (
        f"{lane.busy:.1f} of {lane.size} places of the {name} lane were taken, "
        f"{lane.waiting:.1f} waited{shed}."
    )


def _cpu(facts: Facts) -> str:
    return (
        f"The workers used {facts.cpu:.2f} of {facts.machine.cores} cores, "
        f"the busiest {max((w.cpu for w in facts.window.workers), default=0.0):.2f}; "
        f"its loop's thread {facts.loop_cpu:.2f}."
    )


def _load(facts: Facts) -> str:
    return (
        f"{facts.in_flight:.1f} requests were in flight, "
        f"{facts.window.rate:.1f} a second were answered as expected."
    )


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def _add_lanes(workers: Iterable[dict[str, Lane]]) -> dict[str, Lane]:
    total: dict[str, Lane] = {}
    for lanes in workers:
        for name, lane in lanes.items():
            known = total.setdefault(name, Lane(size=0))
            known.size += lane.size
            known.busy += lane.busy
            known.waiting += lane.waiting
            known.shed += lane.shed
    return total


def _add_pools(workers: Iterable[dict[str, Pool]]) -> dict[str, Pool]:
    total: dict[str, Pool] = {}
    for pools in workers:
        for name, pool in pools.items():
            known = total.setdefault(name, Pool(size=0))
            known.size += pool.size
            known.in_use += pool.in_use
            known.waiting += pool.waiting
            known.timeouts += pool.timeouts
    return total


def _add_blocked(workers: Iterable[list[Blocked]]) -> list[Blocked]:
    total: dict[str, Blocked] = {}
    for found in workers:
        for blocked in found:
            known = total.setdefault(
                blocked.where, Blocked(where=blocked.where, seconds=0.0, times=0)
            )
            known.seconds += blocked.seconds
            known.times += blocked.times
    return sorted(total.values(), key=lambda blocked: -blocked.seconds)
