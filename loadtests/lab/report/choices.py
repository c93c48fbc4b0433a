"""Which configurations and windows of a result the story is about."""

from collections.abc import Iterable, Mapping

from loadtests.lab.result import Capacity, Gate, Result
from loadtests.lab.window import Config, Window

RUNGS = 2
"""So many different loads make a ladder."""

MOST_TOLD = 4


def measured(result: Result) -> list[Window]:
    """All windows but those that only warmed a server up."""
    return [window for window in result.windows if not window.name.startswith("warm")]


def valid(windows: Iterable[Window]) -> list[Window]:
    """Those from which something may be concluded."""
    return [window for window in windows if not window.voids]


def ladders(result: Result) -> dict[Config, list[Window]]:
    """Open windows of each configuration that bore several loads, by what was offered."""
    found: dict[Config, list[Window]] = {}
    for window in measured(result):
        if window.model == "open" and window.offered is not None:
            found.setdefault(window.config, []).append(window)
    return {
        config: sorted(windows, key=_offered)
        for config, windows in found.items()
        if len({window.offered for window in windows}) >= RUNGS
    }


def chosen(result: Result) -> Config | None:
    """The configuration that the result is about."""
    if result.recommendation is not None:
        return result.recommendation.config
    if result.capacities:
        return max(result.capacities, key=lambda capacity: capacity.rate).config
    windows = valid(measured(result)) or measured(result)
    return max(windows, key=lambda window: window.rate).config if windows else None


def capacity_of(result: Result, config: Config | None) -> Capacity | None:
    """What a configuration carries, if that was found out."""
    if result.recommendation is not None and result.recommendation.config == config:
        return result.recommendation.capacity
    return next((found for found in result.capacities if found.config == config), None)


def main_window(result: Result) -> Window | None:
    """The window that stands for the result: at capacity, else the one with most answers."""
    config = chosen(result)
    own = [window for window in measured(result) if window.config == config]
    candidates = valid(own) or own or result.windows
    capacity = capacity_of(result, config)
    rungs = [window for window in candidates if window.offered is not None]
    if capacity is not None and rungs:
        return min(rungs, key=lambda window: abs(_offered(window) - capacity.journeys))
    return max(candidates, key=lambda window: window.requests, default=None)


def told(result: Result) -> list[Window]:
    """Windows whose course is shown: at capacity, past it, far past it, saturated.

    Of a plain run these are the last ones.
    """
    with_course = [window for window in measured(result) if window.timeline]
    own = [window for window in with_course if window.config == chosen(result)]
    main = main_window(result)
    found = [window for window in own if window is main]
    if main is not None and main.offered is not None:
        beyond = [window for window in own if _offered(window) > main.offered]
        found += (ordered := sorted(beyond, key=_offered))[:1] + ordered[1:][-1:]
    if main is None or main.model == "open":
        found += [window for window in own if window.model == "closed"][-1:]
    found += [window for window in reversed(with_course) if window not in found]
    return found[:MOST_TOLD]


def saturated(result: Result) -> dict[Config, Window]:
    """Windows that bore the closed model, alike for all; where there are none, the hardest."""
    found = {w.config: w for w in valid(measured(result)) if w.model == "closed"}
    return dict(sorted(found.items(), key=lambda p: _order(p[0]))) if found else hardest(result)


def hardest(result: Result) -> dict[Config, Window]:
    """Of each configuration the window in which it answered most, for comparing them."""
    found: dict[Config, Window] = {}
    for window in valid(measured(result)):
        if window.config not in found or window.rate > found[window.config].rate:
            found[window.config] = window
    return dict(sorted(found.items(), key=lambda pair: _order(pair[0])))


def budgets(result: Result) -> dict[tuple[str, str], float]:
    """Return limits by scope and metric, times in seconds: `("global", "p95")`."""
    found = {}
    for name, allowed in result.budgets.items():
        metric, _, scope = name.partition(" of ")
        found.update(_limit(scope or "global", metric, allowed))
    for gate in result.gates:
        if gate.scope != "regression":
            found.update(_limit(gate.scope, gate.metric, gate.allowed))
    return found


def tolerance(gate: Gate) -> float:
    """Return the ratio that a regression may reach, be it written as one or as a change."""
    return gate.allowed if gate.allowed > 0.5 else 1 + gate.allowed  # noqa: PLR2004 - see above


def settings(config: Config) -> dict[str, str]:
    """Write a configuration as settings of the environment."""
    return {
        "WORKERS": str(config.workers),
        "DATABASE_POOL_SIZE": str(config.pool),
        **dict(config.variables),
    }


def difference(result: Result) -> list[tuple[str, str]]:
    """Return lines of a diff from what is set to what is recommended, each with its sign."""
    if result.recommendation is None:
        return []
    new = settings(result.recommendation.config)
    old = settings(result.current) if result.current is not None else {}
    lines = []
    for name in dict.fromkeys([*old, *new]):
        lines += _changed(name, old, new)
    return lines


def _changed(name: str, old: Mapping[str, str], new: Mapping[str, str]) -> list[tuple[str, str]]:
    if old.get(name) == new.get(name):
        return [(" ", f"{name}={new[name]}")]
    gone = [("-", f"{name}={old[name]}")] if name in old else []
    return gone + ([("+", f"{name}={new[name]}")] if name in new else [])


def _limit(scope: str, metric: str, allowed: float) -> dict[tuple[str, str], float]:
    if metric.endswith("_ms"):
        return {(scope, metric.removesuffix("_ms")): allowed / 1000}
    return {(scope, metric): allowed}


def _offered(window: Window) -> float:
    return window.offered or 0.0


def _order(config: Config) -> tuple[int, int, str]:
    return config.workers, config.pool, config.label
