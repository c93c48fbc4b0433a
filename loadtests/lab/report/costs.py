"""Where a request's time goes, what configurations carry, and how many connections that takes."""

from dataclasses import dataclass

from loadtests.lab.histogram import merged
from loadtests.lab.report import choices
from loadtests.lab.report.charts import Mark
from loadtests.lab.report.drawing import FULL, HALF, SMALL, Figure, Key
from loadtests.lab.report.grid import Heat
from loadtests.lab.report.rows import Bar, Bars
from loadtests.lab.report.units import duration, milliseconds, number
from loadtests.lab.result import Result
from loadtests.lab.window import Config, Window

PARTS = (
    ("before the server", "s4"),
    ("waiting for a lane", "s2"),
    ("SQL", "s3"),
    ("computing", "s1"),
    ("everything else", "s5"),
)


@dataclass(frozen=True)
class Share:
    """Seconds of an average request, part by part as in `PARTS`."""

    parts: tuple[float, ...]

    @classmethod
    def of(cls, window: Window) -> "Share | None":
        """Add up what the probes of all workers saw; None where none looked."""
        requests = sum(worker.requests for worker in window.workers)
        served = sum(worker.request_seconds for worker in window.workers)
        if not requests or not served:
            return None
        lanes = [lane for worker in window.workers for lane in worker.lanes.values()]
        waited = sum(lane.wait for lane in lanes)
        sql = sum(worker.sql_seconds for worker in window.workers)
        left = max(0.0, served - waited - sql)
        computed = min(left, sum(worker.cpu for worker in window.workers) * window.seconds)
        inside = served / requests
        seen = merged(h for route in window.routes for h in (route.ok, route.failed)).mean
        outside = max(0.0, (seen or 0.0) - inside)
        each = (part / requests for part in (waited, sql, computed, left - computed))
        return cls((outside, *each))


def figures(result: Result) -> list[Figure]:
    """Draw the costs of all configurations."""
    drawn = (_time(result), _heat(result), _connections(result))
    return [figure for figure in drawn if figure is not None]


def _time(result: Result) -> Figure | None:
    found = {config: Share.of(window) for config, window in choices.saturated(result).items()}
    shares = {config: share for config, share in found.items() if share is not None}
    if not shares:
        return None
    inks = [ink for _, ink in PARTS]
    bars = Bars(
        "of an average request, where each configuration was loaded most",
        [
            Bar(config.label, list(zip(share.parts, inks, strict=True)), _is_chosen(result, config))
            for config, share in shares.items()
        ],
        form=duration,
    )
    narrow = Bars("of an average request", bars.bars, form=duration)
    rows = [
        [config.label, *map(milliseconds, (*share.parts, sum(share.parts)))]
        for config, share in shares.items()
    ]
    return Figure(
        "time",
        "Where a request's time goes",
        "What a client waits. Computing is the workers' time on a core; everything else is mostly"
        " their threads' wait for the interpreter's lock or for a core.",
        bars.draw(FULL),
        narrow.draw(SMALL),
        ["workers x pool", *(f"{name} ms" for name, _ in PARTS), "all ms"],
        rows,
        [Key(name, f"{ink}-bar") for name, ink in PARTS],
        is_full=True,
    )


def _heat(result: Result) -> Figure | None:
    values, what = _carried(result)
    if len(values) < 3:  # noqa: PLR2004 - two values are better said than drawn
        return None
    config = choices.chosen(result)
    chosen = (config.workers, config.pool) if config is not None else None
    heat = Heat("workers", "connections of each worker's pool", values, chosen)
    rows = [[str(w), str(p), number(rate)] for (w, p), rate in sorted(values.items())]
    return Figure(
        "heat",
        f"Workers and pool: {what}",
        "Requests a second. The frame marks the configuration that this report is about.",
        heat.draw(HALF),
        heat.draw(SMALL),
        ["workers", "pool", "requests /s"],
        rows,
    )


def _carried(result: Result) -> tuple[dict[tuple[int, int], float], str]:
    """Capacities where the ladder was climbed at three or more, else the most that came back."""
    capacities = {c.config: c.rate for c in result.capacities}
    rates = {config: window.rate for config, window in choices.hardest(result).items()}
    source, what = (
        (capacities, "capacity")
        if len(capacities) > 2 and len(capacities) >= len(rates)  # noqa: PLR2004 - as above
        else (rates, "most answered")
    )
    values: dict[tuple[int, int], float] = {}
    for config, rate in source.items():
        key = (config.workers, config.pool)
        if not config.revision:
            values[key] = max(rate, values.get(key, 0.0))
    return values, what


def _connections(result: Result) -> Figure | None:
    bars = [
        Bar(config.label, [(float(most), "s1")], _is_chosen(result, config), number(most))
        for config, most in _most_connections(result).items()
        if most
    ]
    recommended = result.recommendation
    if recommended is not None:
        fleet = recommended.replicas * recommended.connections
        name = f"{recommended.config.label}, {recommended.replicas} replicas"
        bars.append(Bar(name, [(float(fleet), "s3")], note=number(fleet)))
    limits = []
    if result.postgres is not None:
        usable = result.postgres.max_connections - result.postgres.reserved
        limits = [Mark(usable, f"ceiling {usable}")]
    if len(bars) + len(limits) < 2 or not bars:  # noqa: PLR2004 - nothing to compare
        return None
    drawn = Bars("connections to the database, at most", bars, limits)
    return Figure(
        "connections",
        "Connections against the ceiling",
        "What PostgreSQL had open at once, beside what it allows without its reserve.",
        drawn.draw(HALF),
        drawn.draw(SMALL),
        ["workers x pool", "connections"],
        [[bar.name, bar.note] for bar in bars],
    )


def _most_connections(result: Result) -> dict[Config, int]:
    found: dict[Config, int] = dict.fromkeys(choices.hardest(result), 0)
    for window in choices.valid(result.windows):
        most = max(found.get(window.config, 0), window.database.most_connections)
        found[window.config] = most
    return found


def _is_chosen(result: Result, config: Config) -> bool:
    return config == choices.chosen(result) and len(choices.hardest(result)) > 1


def fleet_sentence(result: Result) -> str:
    """Say how the connections add up."""
    recommended, postgres = result.recommendation, result.postgres
    if recommended is None:
        return ""
    text = f"One replica holds {recommended.connections} connections"
    if postgres is None:
        return f"{text}."
    usable = postgres.max_connections - postgres.reserved
    return (
        f"{text}; {recommended.replicas} of them take "
        f"{recommended.replicas * recommended.connections} of {usable} "
        f"({postgres.max_connections} less {postgres.reserved} in reserve)."
    )
