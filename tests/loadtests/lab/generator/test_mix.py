from collections import Counter
from itertools import islice

import pytest

from loadtests.lab.generator.mix import deal, hash_of, mix_of, shares_of
from loadtests.scenario import Scenario, Visitor, journey
from project.errors import CommandError

HERE = "tests.loadtests.lab.generator.test_mix"


class Much(Scenario):
    weight = 3

    @journey(weight=9)
    def often(self, visitor: Visitor) -> None:
        visitor.get("/often")

    @journey(weight=1)
    def seldom(self, visitor: Visitor) -> None:
        visitor.get("/seldom")


class Little(Scenario):
    weight = 1

    @journey()
    def once(self, visitor: Visitor) -> None:
        visitor.get("/once")


MIX = mix_of([f"{HERE}:Much", f"{HERE}:Little"])


def test_scenarios_have_shares_and_journeys_have_theirs_of_them() -> None:
    assert shares_of(MIX) == {"much.often": 0.675, "much.seldom": 0.075, "little.once": 0.25}
    assert hash_of(MIX) != hash_of(MIX[:2])


def test_each_hundred_has_the_shares_of_the_mix() -> None:
    dealt = deal(MIX, "seed")
    for _ in range(5):
        counts = Counter(entry.name for entry in islice(dealt, 100))
        assert counts == pytest.approx({n: 100 * s for n, s in shares_of(MIX).items()}, abs=1)


def test_the_same_seed_deals_the_same_journeys() -> None:
    def first(seed: str) -> list[str]:
        return [entry.name for entry in islice(deal(MIX, seed), 300)]

    assert first("a") == first("a") != first("b")


@pytest.mark.parametrize(
    ("name", "hint"),
    [("Heath", "Did you mean 'health'"), (f"{HERE}:Nobody", "has no attribute 'Nobody'")],
)
def test_unknown_scenario_is_named(name: str, hint: str) -> None:
    with pytest.raises(CommandError, match=hint) as caught:
        mix_of([name])
    assert caught.value.exit_code == 2
