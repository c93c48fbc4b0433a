"""Which journeys are walked, and how often: each scenario has its share, each journey one of it."""

import hashlib
import importlib
import json
import random
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from loadtests.scenario import Journey, Scenario, installed
from project.errors import CommandError
from project.management.catalogue import installed_apps
from project.management.parser import suggestion

HAND = 100
"""So many journeys have each its share among them, give or take one."""


class Entry(NamedTuple):
    """A journey in the mix."""

    scenario: type[Scenario]
    journey: Journey
    share: float

    @property
    def name(self) -> str:
        """As people and results call it: `items.browse`."""
        return f"{self.scenario.__name__.lower()}.{self.journey.name}"


def mix_of(names: Sequence[str] = ()) -> tuple[Entry, ...]:
    """Return the journeys of these scenarios, all installed apps' if none is named.

    Raises CommandError if there is no such scenario.
    """
    scenarios = [_find(name) for name in names] or installed(installed_apps())
    total = sum(scenario.weight for scenario in scenarios)
    return tuple(
        Entry(scenario, journey, scenario.weight / total * journey.weight / among)
        for scenario in scenarios
        for among in [sum(journey.weight for journey in scenario.journeys())]
        for journey in scenario.journeys()
    )


def shares_of(mix: Sequence[Entry]) -> dict[str, float]:
    """Return the share of each journey, for `Result.mix`."""
    return {entry.name: round(entry.share, 6) for entry in mix}


def hash_of(mix: Sequence[Entry]) -> str:
    """Return a few letters that differ for every other mix, for `Result.mix_hash`."""
    text = json.dumps(shares_of(mix), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def deal(mix: Sequence[Entry], seed: str) -> Iterator[Entry]:
    """Yield journeys for ever, in an order that is random and the same for the same seed.

    Drawn one by one, ten seconds would have three uploads, or eight, and two windows would differ
    by that alone. Here every hundred journeys have each its share.
    """
    dice = random.Random(seed)
    ends = list(accumulate(entry.share for entry in mix))
    while True:
        hand = list(range(HAND))
        dice.shuffle(hand)
        for place in hand:
            drawn = (place + dice.random()) / HAND * ends[-1]
            yield mix[min(bisect_right(ends, drawn), len(mix) - 1)]


def _find(name: str) -> type[Scenario]:
    """Return a scenario by its name, or by `package.module:Class`."""
    if ":" in name:
        module, _, attribute = name.partition(":")
        try:
            found: type[Scenario] = getattr(importlib.import_module(module), attribute)
        except (ImportError, AttributeError) as error:
            raise CommandError(f"There is no scenario {name}: {error}.", exit_code=2) from error
        return found
    known = {scenario.__name__.lower(): scenario for scenario in installed(installed_apps())}
    if name.lower() not in known:
        names = ", ".join(scenario.__name__ for scenario in known.values())
        hint = suggestion(name.lower(), known) or f"There are {names}."
        raise CommandError(f"There is no scenario '{name}'. {hint}", exit_code=2)
    return known[name.lower()]
