"""Fewest connections, then fewest workers, of those as good as the best."""

import pytest

from loadtests.lab.recommendation import connections_of, recommend
from loadtests.lab.result import Capacity, Machine, Postgres, Recommendation
from loadtests.lab.window import Config

MACHINE = Machine(cores=2, cpu="a processor", memory=4 * 2**30, system="Linux", python="3.11.7")
POSTGRES = Postgres(version="18.4", max_connections=100, reserved=3)


def capacity(workers: int, pool: int, rate: float) -> Capacity:
    config = Config(workers=workers, pool=pool)
    return Capacity(
        config=config, rate=rate, low=rate, high=rate, journeys=rate / 3, limited_by="p95_ms"
    )


def recommended(*capacities: Capacity, **options: object) -> Recommendation | None:
    given = {"machine": MACHINE, "postgres": POSTGRES, "epsilon": 0.05, **options}
    return recommend(capacities, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("capacities", "label"),
    [
        ([capacity(2, 8, 100), capacity(2, 4, 97), capacity(2, 2, 80)], "2x4"),
        ([capacity(1, 8, 100), capacity(2, 2, 100)], "1x8"),  # 12 connections each
        ([capacity(1, 8, 0), capacity(2, 8, 10)], "2x8"),
        ([capacity(9, 8, 500), capacity(2, 8, 100)], "2x8"),  # 108 are more than there are
    ],
)
def test_the_smallest_of_the_best(capacities: list[Capacity], label: str) -> None:
    found = recommended(*capacities)
    assert found is not None
    assert found.config.label == label


def test_nothing_is_recommended_that_carries_nothing() -> None:
    assert recommended(capacity(1, 8, 0)) is None
    assert recommended() is None


def test_what_does_not_fit_into_the_memory_is_left_out() -> None:
    small, large = capacity(1, 8, 60), capacity(2, 8, 100)
    found = recommended(small, large, memory={large.config: 3_500 * 2**20, small.config: 2**30})
    assert found is not None
    assert found.config == small.config
    assert found.reasons[-1] == "Its workers took 1024 MiB of 4 GiB at the most."


def test_the_arithmetic_is_that_of_the_check() -> None:
    found = recommended(capacity(2, 8, 100))
    assert found is not None
    assert found.connections == connections_of(Config(workers=2, pool=8), async_pool=2) == 24
    assert found.replicas == 92 // 24
    assert found.operating_rate == pytest.approx(70)
    assert any("2 x (8 + 2 + 2) = 24" in reason for reason in found.reasons)
    assert any("first budget to break is p95_ms" in reason for reason in found.reasons)
