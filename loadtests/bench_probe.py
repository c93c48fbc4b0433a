"""Print what the laboratory's probe costs a request: the same server with it and without, in turns.

python loadtests/bench_probe.py [--rounds 8] [--seconds 3]
"""

import argparse
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from loadtests.lab.client import Order, send
from loadtests.lab.database import laboratory_database
from loadtests.lab.server import Server, serving
from loadtests.lab.window import Config

PATHS = ("/health/live", "/api/v1/items/?limit=20")


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the probe.")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=3.0)
    options = parser.parse_args()
    with (
        laboratory_database(users=100, items=1_000, orders=100) as url,
        serving(Config(pool=4), url) as probed,
        serving(Config(pool=4), url, is_probed=False) as plain,
    ):
        for path in PATHS:
            pairs = [
                _pair(path, probed, plain, options.seconds, is_swapped=bool(number % 2))
                for number in range(options.rounds)
            ]
            _report(path, pairs)


def _pair(
    path: str, probed: Server, plain: Server, seconds: float, *, is_swapped: bool
) -> tuple[float, float]:
    """Return microseconds of CPU for each request, with the probe and without."""
    order = (plain, probed) if is_swapped else (probed, plain)
    costs = {id(server): _cost(server, path, seconds) for server in order}
    return costs[id(probed)], costs[id(plain)]


def _cost(server: Server, path: str, seconds: float) -> float:
    answers = send(Order(host=server.host, path=path, users=4, warm_up=0.5, seconds=seconds))
    end = answers.began + answers.seconds
    cpu = sum(worker.cpu for worker in server.workers(answers.began, end)) * answers.seconds
    return cpu / (answers.ok.count + answers.failed.count) * 1e6


def _report(path: str, pairs: list[tuple[float, float]]) -> None:
    differences = sorted(probed - plain for probed, plain in pairs)
    plain = statistics.median(plain for _, plain in pairs)
    print(
        f"{path}: {plain:.0f} µs of CPU a request without the probe; with it "
        f"{statistics.median(differences):+.0f} (from {differences[0]:+.0f} to "
        f"{differences[-1]:+.0f}, {len(pairs)} pairs)"
    )


if __name__ == "__main__":
    main()
