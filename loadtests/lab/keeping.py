"""The budgets that a rate has to keep to count as carried."""

from collections.abc import Collection
from dataclasses import dataclass

from loadtests.lab.budgets import BUDGETS, Budgets, evaluate
from loadtests.lab.metrics import Evidence
from loadtests.lab.result import Gate, Machine, Outcome, Postgres
from loadtests.lab.window import Window
from project.checks import Subject

BY_RATE = {
    *("error_rate", "p50_ms", "p95_ms", "p99_ms"),
    *("loop_lag_p95_ms", "connections_share", "memory_share"),
}
"""Metrics that a higher rate makes worse; the others are the same at any."""


@dataclass(frozen=True)
class Keeper:
    """Holds windows against `budgets.toml`."""

    budgets: Budgets
    machine: Machine
    postgres: Postgres | None = None

    @classmethod
    def load(cls, routes: Collection[str], machine: Machine, postgres: Postgres | None) -> "Keeper":
        """Read the file. Raises CommandError for what it does not know."""
        return cls(Budgets.load(BUDGETS, routes), machine, postgres)

    def gates(self, windows: list[Window], *, pool_timeouts: int | None = None) -> list[Gate]:
        """What each budget says of these windows together, and of the burst if one was made."""
        evidence = Evidence(windows, self.machine, self.postgres, pool_timeouts=pool_timeouts)
        return evaluate(self.budgets, evidence)

    def broken(self, window: Window) -> list[str]:
        """The budgets that are not met at this window's rate, `p95_ms of GET /x` say."""
        return [
            named(gate)
            for gate in self.gates([window.model_copy(update={"voids": []})])
            if gate.outcome is Outcome.FAIL and gate.metric in BY_RATE
        ]

    def written(self) -> dict[str, float]:
        """The budgets that bound a rate, by name."""
        tables = {"": self.budgets.everywhere | self.budgets.limits, **self.budgets.by_route}
        return {
            f"{metric} of {route}" if route else metric: value
            for route, table in tables.items()
            for metric, value in table.items()
            if metric in BY_RATE
        }


def known_routes() -> set[str]:
    """The routes that a budget can be about, `GET /api/v1/items/`."""
    paths = Subject.load().application.openapi()["paths"]
    return {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}


def named(gate: Gate) -> str:
    """How a budget is called in sentences and on charts."""
    return gate.metric if gate.scope in {"global", "limits"} else f"{gate.metric} of {gate.scope}"
