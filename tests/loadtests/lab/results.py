"""Results as the laboratory leaves them, made up: a server whose limits are known."""

import random
from collections.abc import Iterator

from loadtests.lab.histogram import Histogram
from loadtests.lab.result import (
    Capacity,
    Cause,
    Counterfactual,
    Diagnosis,
    ExitCode,
    Gate,
    Git,
    Machine,
    Outcome,
    Postgres,
    Recommendation,
    Result,
    Verdict,
)
from loadtests.lab.window import (
    Blocked,
    Config,
    DatabaseLoad,
    GeneratorHealth,
    Lane,
    Pool,
    Route,
    Second,
    Window,
    Worker,
)

MACHINE = Machine(
    cores=2, cpu="x86_64 processor", memory=8 * 2**30, system="Linux 6.8", python="3.11.7"
)
BEGAN = 1_795_000_000.0
STEPS = 4
"""Requests of a journey."""

# The share of a journey's requests, the time of a quiet one in seconds, and its statements.
ROUTES = {
    "GET /api/v1/items/": (1.6, 0.016, 2.0),
    "GET /api/v1/items/{item_id}": (1.2, 0.009, 1.0),
    "POST /api/v1/orders/": (0.5, 0.031, 7.0),
    "GET /api/v1/orders/{order_id}": (0.4, 0.012, 2.0),
    "POST /api/v1/users/sign-in": (0.3, 0.074, 3.0),
}
BLOCKED = Blocked(where="apps/items/images.py:88 shrink", seconds=1.9, times=23)


def carried(config: Config) -> float:
    """Journeys a second that this server answers: it has two cores, and a pool may be short."""
    cores = {1: 26.0, 2: 44.0, 3: 43.0, 4: 40.0}[config.workers]
    return min(cores, 4.4 * config.workers * config.pool) * (1.02 if config.pool == 8 else 1.0)


def a_window(
    config: Config, load: float, *, model: str = "open", seconds: float = 12.0, chance: int = 0
) -> Window:
    """Bear a load: journeys a second if open, users if closed."""
    luck, limit = random.Random(chance or int(load * 7)), carried(config)
    done = min(load, limit) if model == "open" else limit
    strain = min(0.97, load / limit) if model == "open" else 0.97
    window = Window(
        name=f"ladder {100 * load / limit:.0f} %" if model == "open" else "saturate",
        config=config,
        model="open" if model == "open" else "closed",
        offered=load if model == "open" else None,
        users=None if model == "open" else int(load),
        began=BEGAN,
        seconds=seconds,
        journeys=round(done * seconds),
    )
    flood = max(1.0, load / limit) if model == "open" else 1.0
    window.routes = list(_routes(window, done, strain, flood, luck))
    window.timeline = list(_timeline(window, done, limit, luck))
    late = _durations([luck.uniform(0.0002, 0.003) for _ in range(200)])
    window.generator = GeneratorHealth(processes=1, cpu=0.31 + strain / 5, lateness=late)
    window.workers = list(_workers(window, strain, luck))
    most = config.workers * (config.pool + 2)
    window.database = DatabaseLoad(
        connections=most - 1, most_connections=most, active=2.1, cpu=0.6 * strain
    )
    return window


def a_run() -> Result:
    """Leave what a plain `run` leaves: one window, nothing concluded."""
    verdict = Verdict(code=ExitCode.PASS, summary="20 journeys a second were answered.")
    return Result(
        kind="run",
        id="20261123-201500-run",
        started=BEGAN,
        seconds=21.0,
        machine=MACHINE,
        windows=[a_window(Config(workers=2), 20.0)],
        verdict=verdict,
    )


def a_sweep() -> Result:
    """Leave what a sweep over eight configurations leaves, with all that can be concluded."""
    grid = [(1, 4), (1, 8), (1, 16), (2, 4), (2, 8), (2, 16), (3, 8), (4, 8)]
    configs = [Config(workers=workers, pool=pool) for workers, pool in grid]
    best = Config(workers=2, pool=8)
    result = a_run().model_copy(update={"kind": "sweep", "id": "20261123-210500-sweep"})
    result.seconds, result.current = 1163.0, Config(workers=1, pool=8)
    result.git = Git(revision="9bbdcd2f0c11aa04", is_dirty=True)
    result.postgres = Postgres(version="18.4", max_connections=100, reserved=3)
    result.versions = {"fastapi": "0.165.0", "sqlalchemy": "2.1.9", "locust": "2.47.0"}
    result.mix = {"items.browse": 0.5, "orders.buy": 0.3, "users.sign_in": 0.2}
    result.mix_hash, result.coverage = "6f1c2a", ["GET /api/v1/events/", "PUT /api/v1/users/me"]
    result.budgets = {"p95_ms": 200, "p99_ms": 400, "p95_ms of POST /api/v1/orders/": 250}
    result.windows = [a_window(config, 32, model="closed", seconds=10) for config in configs]
    for config in (best, Config(workers=2, pool=16), Config(workers=3, pool=8)):
        rungs = (0.4, 0.55, 0.7, 0.8, 0.88, 0.94, 1.0, 1.1)
        result.windows += [a_window(config, carried(config) * rung) for rung in rungs]
    result.windows[-11].voids = ["generator took 0.91 of a core (limit 0.80)"]
    result.windows[11].workers[0].blocked = [BLOCKED]
    _conclude(result, best)
    return result


def a_gate() -> Result:
    """Leave what a gate leaves that found this release slower than its base."""
    result = a_sweep().model_copy(update={"kind": "gate", "id": "20261123-213000-gate"})
    result.base = Git(revision="8342fc7b00aa1234", is_dirty=False)
    result.gates = [
        _gate("global", "p95_ms", 200, 121.0, Outcome.PASS),
        _gate("global", "error_rate", 0.001, 0.0, Outcome.PASS),
        _gate("POST /api/v1/orders/", "p95_ms", 250, 262.0, Outcome.FAIL),
        _compared("capacity", -0.07, (162.0, 158.0, 0.975, 0.951, 1.004), Outcome.PASS),
        _compared("p95", 0.10, (0.104, 0.119, 1.15, 1.118, 1.19), Outcome.FAIL),
        _compared("cpu_ms_per_request", 0.07, (9.8, 10.4, 1.06, 1.01, 1.12), Outcome.INCONCLUSIVE),
        _compared("queries_per_request", 0.0, (2.6, 2.6, 1.0, 1.0, 1.0), Outcome.PASS),
    ]
    summary = "p95 is 15 % worse than the base, and 10 % are tolerated."
    result.verdict = Verdict(code=ExitCode.REGRESSION, summary=summary)
    return result


def _conclude(result: Result, best: Config) -> None:
    result.capacities = [
        Capacity(
            config=config,
            rate=carried(config) * STEPS * 0.9,
            low=carried(config) * STEPS * 0.87,
            high=carried(config) * STEPS * 0.94,
            journeys=carried(config) * 0.9,
            limited_by="p95 of POST /api/v1/orders/",
        )
        for config in (best, Config(workers=2, pool=16), Config(workers=3, pool=8))
    ]
    more, wider = Config(workers=3, pool=8), Config(workers=2, pool=16)
    knobs = [("workers", more, 0.98), ("pool", wider, 1.0)]
    result.diagnoses = [
        Diagnosis(
            cause=Cause.CPU,
            summary="Both workers compute without a pause: Python's own work is the limit.",
            evidence=["each worker takes 0.97 of a core", "woken threads wait 11 ms for the lock"],
            counterfactuals=[
                Counterfactual(
                    knob=knob, changed=changed, ratio=ratio, low=ratio - 0.03, high=ratio + 0.04
                )
                for knob, changed, ratio in knobs
            ],
        )
    ]
    result.recommendation = Recommendation(
        config=best,
        capacity=result.capacities[0],
        operating_rate=result.capacities[0].rate * 0.7,
        connections=20,
        replicas=4,
        reasons=[
            "Two workers keep both cores busy; a third one only takes turns with them.",
            "16 connections a worker bring nothing more than 8.",
        ],
    )
    code, summary = ExitCode.PASS, "2 workers with 8 connections each carry 162 requests a second."
    result.verdict = Verdict(code=code, summary=summary)


def _gate(scope: str, metric: str, allowed: float, observed: float, outcome: Outcome) -> Gate:
    return Gate(scope=scope, metric=metric, allowed=allowed, observed=observed, outcome=outcome)


def _compared(
    metric: str, allowed: float, seen: tuple[float, float, float, float, float], outcome: Outcome
) -> Gate:
    base, observed, ratio, low, high = seen
    gate = _gate("regression", metric, allowed, observed, outcome)
    return gate.model_copy(update={"base": base, "ratio": ratio, "low": low, "high": high})


def _routes(
    window: Window, done: float, strain: float, flood: float, luck: random.Random
) -> Iterator[Route]:
    """Times grow with the strain as a queue's do, and with the backlog past the limit."""
    total = sum(share for share, _, _ in ROUTES.values())
    for name, (share, quiet, queries) in ROUTES.items():
        number = max(1, round(done * window.seconds * STEPS * share / total))
        slow = quiet * (1 + 0.35 * strain / (1 - strain) ** 0.7)
        backlog = (flood - 1) * window.seconds / 2
        seen = [slow * luck.lognormvariate(0, 0.5) + backlog * luck.random() for _ in range(number)]
        route = Route(route=name, ok=_durations(seen), queries=queries)
        if flood > 1 and name.startswith("POST"):
            route.failed = _durations([0.002] * (number // 40 + 1))
            route.complaints = {"expected 201, got 503 (busy)": number // 40 + 1}
        yield route


def _timeline(window: Window, done: float, limit: float, luck: random.Random) -> Iterator[Second]:
    backlog = 0.0
    for at in range(int(window.seconds)):
        offered = (window.offered or done) * luck.uniform(0.88, 1.12)
        answered = min(offered + backlog, limit * luck.uniform(0.96, 1.03))
        backlog = max(0.0, backlog + offered - answered)
        p95 = (window.quantile(0.5) or 0.01) * 2.1 * luck.uniform(0.9, 1.2) + backlog / 75
        in_flight = round(backlog + answered * 0.2)
        yield Second(
            at=at, offered=round(offered), done=round(answered), in_flight=in_flight, p95=p95
        )


def _workers(window: Window, strain: float, luck: random.Random) -> Iterator[Worker]:
    workers, pool = window.config.workers, window.config.pool
    requests = window.requests // workers
    served = sum(route.ok.total for route in window.routes) / workers * 0.92
    busy = min(pool, pool * strain)
    for place in range(workers):
        share = luck.uniform(0.94, 1.06)
        lane = Lane(
            size=pool, busy=busy, waiting=strain * 2, longest_queue=9, wait=served * 0.3 * strain
        )
        yield Worker(
            pid=4100 + place,
            requests=round(requests * share),
            in_flight=busy + strain * 2,
            core_wait=3 * strain**4,
            cpu=min(1.0, 2 / workers) * strain * share,
            loop_cpu=0.34 * strain * share,
            memory=round(118 * 2**20 * share),
            loop_lag=_durations([luck.uniform(0.0003, 0.012) for _ in range(100)]),
            lock_wait=0.011 * strain,
            lanes={"database": lane},
            pools={"database": Pool(size=pool, in_use=busy, most=pool)},
            request_seconds=served,
            sql_seconds=served * 0.24,
            sql_statements=requests * 3,
            lane_seconds=served * 0.3 * strain,
        )


def _durations(values: list[float]) -> Histogram:
    histogram = Histogram()
    for value in values:
        histogram.add(value)
    return histogram
