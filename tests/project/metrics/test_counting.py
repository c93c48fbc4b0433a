"""What workers of one server count together, through the life of each."""

import asyncio
from pathlib import Path

import pytest

from project.metrics.counting import Metrics
from project.runtime import Runtime

pytestmark = pytest.mark.anyio
REQUEST = ("GET", "/", "200")


async def requests_seen_by(metrics: Metrics, runtime: Runtime) -> float:
    readings = await metrics.read(runtime)
    (number,) = readings.values["http_requests"][REQUEST]
    return number


async def test_whoever_is_asked_knows_what_the_others_counted(
    runtime: Runtime, tmp_path: Path
) -> None:
    one, other = Metrics(tmp_path), Metrics(tmp_path)
    async with one.sharing(runtime), other.sharing(runtime):
        one.count("GET", "/", 200, 0.01)
        assert await requests_seen_by(one, runtime) == 1
        other.count("GET", "/", 200, 0.01)
        assert await requests_seen_by(other, runtime) == 2
        assert await requests_seen_by(one, runtime) == 2
        workers = (await one.read(runtime)).values["workers"]
        assert workers == {(): [2]}


async def test_counters_survive_their_worker(runtime: Runtime, tmp_path: Path) -> None:
    for number in range(1, 4):
        metrics = Metrics(tmp_path)
        async with metrics.sharing(runtime):
            metrics.count("GET", "/", 200, 0.01)
            assert await requests_seen_by(metrics, runtime) == number
    assert set(Path.iterdir(tmp_path)) == {tmp_path / "0.json", tmp_path / "0.lock"}


async def test_alone_without_a_folder(runtime: Runtime) -> None:
    metrics = Metrics()
    async with metrics.sharing(runtime):
        metrics.count("GET", "/", 200, 0.01)
        assert await requests_seen_by(metrics, runtime) == 1


async def test_folder_that_is_gone_ends_nothing(runtime: Runtime, tmp_path: Path) -> None:
    directory = tmp_path / "shared"
    metrics = Metrics(directory)
    async with metrics.sharing(runtime):
        await metrics.read(runtime)
        await asyncio.to_thread(directory.rename, tmp_path / "elsewhere")
        assert (await metrics.read(runtime)).values == {}
