"""The operational laws, on numbers that can be checked by hand."""

import pytest

from loadtests.lab.bounds import (
    Cores,
    Demands,
    candidates,
    demands_of,
    explain,
    fitting_users,
    highest_rate,
    smallest_pool,
)
from loadtests.lab.window import DatabaseLoad, GeneratorHealth
from tests.loadtests.lab.windows import a_window, a_worker

DEMANDS = Demands(
    response=0.010, cpu=0.004, sql=0.003, hold=0.005, database_cpu=0.001, generator_cpu=0.0005
)


def test_demands_are_read_from_a_window() -> None:
    window = a_window(
        latency=0.01,
        workers=[a_worker(requests=1000, cpu=0.4)],
        database=DatabaseLoad(cpu=0.1),
        generator=GeneratorHealth(cpu=0.05),
    )
    found = demands_of(window)
    assert found.response == pytest.approx(0.010)
    assert found.cpu == pytest.approx(0.004)
    assert found.sql == pytest.approx(0.004)
    assert found.hold == pytest.approx(0.004)  # SQL takes longer than the samples of the pool saw
    assert (found.database_cpu, found.generator_cpu) == pytest.approx((0.001, 0.0005))


def test_an_empty_window_shows_no_demands() -> None:
    with pytest.raises(ValueError, match="no demands"):
        demands_of(a_window(workers=[]))


@pytest.mark.parametrize(
    ("workers", "cores", "rate"),
    [
        (1, Cores(2), 250),  # one worker's core
        (2, Cores(2), 2 / 0.0055),  # all three on two cores
        (4, Cores(8), 1000),
        (4, Cores(8, database=1), 1000),
        (8, Cores(64, database=1), 1000),  # the database's core
    ],
)
def test_no_rate_exceeds_its_bounds(workers: int, cores: Cores, rate: float) -> None:
    assert highest_rate(DEMANDS, workers, cores) == pytest.approx(rate)


def test_a_pool_follows_from_littles_law() -> None:
    assert smallest_pool(DEMANDS, 400, 2) == 4  # 2 x 400 x 5 ms / 2, and two more
    assert smallest_pool(DEMANDS, 1, 1) == 3
    assert fitting_users(DEMANDS, 400) == 16


def test_the_bounds_end_the_grid() -> None:
    assert [c.workers for c in candidates(DEMANDS, Cores(2))] == [1, 2, 3]
    assert [c.workers for c in candidates(DEMANDS, Cores(8))] == [1, 4, 8, 9]
    slow_database = Demands(0.01, 0.004, 0.003, 0.005, 0.02, 0.0005)
    assert [c.workers for c in candidates(slow_database, Cores(8, database=1))] == [1, 4]


def test_it_is_said_in_sentences() -> None:
    first, second = explain(DEMANDS, Cores(2))
    assert "takes 10.0 ms alone: 4.0 ms of a worker's core" in first
    assert "one worker past 250 requests/s, or 2 workers past 364" in second
