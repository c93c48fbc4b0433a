"""What visitors do: a `Scenario` for each app, made of journeys.

    class Items(Scenario):
        weight = 5

        @journey(weight=3)
        def browse(self, visitor: Visitor) -> None:
            page = visitor.get("/api/v1/items/", params={"limit": 20})
            for row in page["items"][:1]:
                visitor.get("/api/v1/items/{item_id}", item_id=row["id"])

Nothing here imports Locust, which changes a process for good: tests walk the same journeys.
"""

import importlib
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from loadtests.visitor import UnexpectedStatus, Visitor

__all__ = ["Journey", "Scenario", "UnexpectedStatus", "Visitor", "installed", "journey"]

FOLDER = Path(__file__).parent / "scenarios"
MARK = "__journey__"

Walk = Callable[[Any, Visitor], None]
AnyWalk = TypeVar("AnyWalk", bound=Walk)


@dataclass(frozen=True)
class Journey:
    """A few requests that belong together, in their order."""

    name: str
    walk: Walk
    weight: int
    """Its share among the journeys of its scenario."""

    is_signed_in: bool

    def run(self, scenario: "Scenario", visitor: Visitor) -> None:
        """Walk it once. Raises UnexpectedStatus at the first answer that is not as expected."""
        with visitor.signed_in() if self.is_signed_in else nullcontext():
            self.walk(scenario, visitor)


def journey(*, weight: int = 1, signed_in: bool = False) -> Callable[[AnyWalk], AnyWalk]:
    """Make a method a journey. With `signed_in` the visitor has an account of its own."""

    def mark(walk: AnyWalk) -> AnyWalk:
        setattr(walk, MARK, (weight, signed_in))
        return walk

    return mark


class Scenario:
    """What the visitors of one app do. Each visitor has an instance of its own."""

    weight: ClassVar[int] = 1
    """Its share among the scenarios."""

    @classmethod
    def journeys(cls) -> tuple[Journey, ...]:
        """The journeys, in the order in which they are written."""
        found = {
            name: Journey(name, walk, *getattr(walk, MARK))
            for base in reversed(cls.__mro__)
            for name, walk in vars(base).items()
            if hasattr(walk, MARK)
        }
        return tuple(found.values())


def installed(packages: Iterable[str]) -> tuple[type[Scenario], ...]:
    """The scenarios of these apps: what `scenarios/<name of the package>.py` defines."""
    names = (package.rpartition(".")[2] for package in packages)
    return tuple(
        value
        for name in names
        if (FOLDER / f"{name}.py").is_file()
        for value in vars(importlib.import_module(f"loadtests.scenarios.{name}")).values()
        if _is_defined_in(value, f"loadtests.scenarios.{name}")
    )


def _is_defined_in(value: object, module: str) -> bool:
    return isinstance(value, type) and issubclass(value, Scenario) and value.__module__ == module
