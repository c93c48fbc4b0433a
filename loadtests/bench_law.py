"""Compare the law with what documentation and tutorials teach, side by side.

    python loadtests/bench_law.py [--seconds 3] [--rounds 5] [--write]

One process for each shape (`loadtests/law/shapes/`), the same PostgreSQL, pool, tables and data.
Each round gives every shape its turn at every load before the next round begins, so that a busy
machine is busy for all of them; the figures are medians over the rounds. Beside them stands one
that no busy machine changes: instructions per request, in-process, under valgrind's callgrind
(left out where there is no valgrind). `--write` puts the tables into loadtests/README.md.

Works in a database of its own on the suite's embedded server, or beside the one that
DATABASE_URL names, and sends its load to 127.0.0.1 alone.
"""

import argparse
import json
import math
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import jwt
from alembic import command
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.engine import URL

from apps.items.seeds import bulk
from apps.users.services import start_session
from apps.users.tokens import AccessTokens
from loadtests.law.servers import ROOT, Server, Servers
from loadtests.law.shapes import ALGORITHM, POOL_SIZE, SECRET
from project.db.embedded import ensure_running
from project.db.engine import create_single_engine
from project.db.migrations import alembic_config
from project.db.session import Database
from project.settings import load_settings

DATABASE = "bench_lintel_law"
ITEMS = 1000
RUNS = (20, 60)
"""Requests of the two runs whose difference is taken."""

README = ROOT / "loadtests" / "README.md"
MARKS = ("<!-- law -->", "<!-- /law -->")
NEW_ITEM = json.dumps({"name": "Lamp", "description": "It shines.", "price": "12.50", "stock": 3})


class Shape(NamedTuple):
    """One way of building the same thing; `prefix` is where its routes begin."""

    title: str
    module: str
    prefix: str = ""


SHAPES = (
    Shape("(a) documented", "documented"),
    Shape("(b) async", "asynchronous"),
    Shape("(c) entities", "ours", "/orm"),
    Shape("(c) rows", "ours"),
)


class Route(NamedTuple):
    """A request that every shape answers."""

    title: str
    method: str
    paths: tuple[str, ...]
    body: str = ""


ROUTES = (
    Route("one row", "GET", tuple(f"/items/{number}" for number in range(1, ITEMS, 7))),
    Route("20 rows", "GET", ("/items?limit=20",)),
    Route("new row", "POST", ("/items",), NEW_ITEM),
)
LOADS = ((ROUTES[0], 16), (ROUTES[1], 16), (ROUTES[2], 16), (ROUTES[0], 100), (ROUTES[0], 200))


@dataclass
class Measure:
    """One shape at one load for a few seconds."""

    rate: float
    p50: float
    p95: float
    p99: float
    errors: int
    cpu: float
    """Microseconds of the server's CPU for each answer."""

    connections: int


Measures = dict[tuple[Shape, Route, int], list[Measure]]


class Count(NamedTuple):
    """What one request takes, whatever else the machine does."""

    instructions: int
    hops: int


Counts = dict[tuple[Shape, Route], Count]


def main() -> None:
    options = _options()
    with _database() as url:
        environments = {name: _environment(url, name) for name in _modules()}
        tokens = _tokens(url)
        measures = _measure(options, environments, tokens, url) if options.rounds else {}
        counts = {} if options.skip_instructions else _count(environments, tokens)
    report = "\n".join([_heading(options), *_tables(measures), *_counts_table(counts)])
    print(report)
    if options.write:
        _write(report)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compare the law with other shapes.")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each turn")
    parser.add_argument("--rounds", type=int, default=5, help="0: instructions alone")
    parser.add_argument("--skip-instructions", action="store_true", help="they take minutes")
    parser.add_argument("--write", action="store_true", help="put the tables into the README")
    return parser.parse_args()


def _modules() -> list[str]:
    return list(dict.fromkeys(shape.module for shape in SHAPES))


@contextmanager
def _database() -> Iterator[URL]:
    """Make a database with sample data, and drop it at the end."""
    settings = load_settings()
    server = make_url(
        settings.database.url
        or ensure_running(settings.data_directory / "postgres-test", durable=False)
    )
    administration = create_engine(server.set(database="postgres"), isolation_level="AUTOCOMMIT")
    drop, create = (
        f'DROP DATABASE IF EXISTS "{DATABASE}" WITH (FORCE)',
        f'CREATE DATABASE "{DATABASE}"',
    )
    with administration.connect() as connection:
        connection.execute(text(drop))
        connection.execute(text(create))
        try:
            url = server.set(database=DATABASE)
            _fill(url)
            yield url
        finally:
            connection.execute(text(drop))
    administration.dispose()


def _fill(url: URL) -> None:
    engine = create_single_engine(_written(url), load_settings().database)
    with engine.begin() as connection:
        command.upgrade(alembic_config(connection), "head")
    with Database(engine).transaction() as session:
        bulk(session, count=ITEMS, progress=lambda _: None)
    with engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM ANALYZE"))
    engine.dispose()


def _environment(url: URL, name: str) -> dict[str, str]:
    """What a server process of this shape is started with: ours as in production."""
    return os.environ | {
        "DATABASE_URL": _written(url.update_query_dict({"application_name": f"law_{name}"})),
        "DATABASE_POOL_SIZE": str(POOL_SIZE),
        "ENVIRONMENT": "production",
        "HTTPS_ONLY": "false",
        "SECRET_KEY": SECRET,
        "ALLOWED_HOSTS": "localhost",
        "PYTHONPATH": str(ROOT),
    }


def _written(url: URL) -> str:
    return url.render_as_string(hide_password=False)


def _tokens(url: URL) -> dict[str, str]:
    """A token for each shape; ours belongs to a session that can be revoked."""
    database = Database(create_single_engine(_written(url), load_settings().database))
    with database.transaction() as session:
        user_id = session.scalar(text("SELECT min(id) FROM users_user"))
        grant = start_session(session, user_id=user_id, lifetime=timedelta(hours=6))
    lifetime = timedelta(hours=6)
    ours = AccessTokens([SECRET], lifetime).issue(
        user_id=grant.user_id, session_id=grant.session_id
    )
    ends = datetime.now(UTC) + lifetime
    plain = jwt.encode({"sub": str(user_id), "exp": ends}, SECRET, ALGORITHM)
    return {name: ours if name == "ours" else plain for name in _modules()}


# --- the clock


def _measure(
    options: argparse.Namespace,
    environments: dict[str, dict[str, str]],
    tokens: dict[str, str],
    url: URL,
) -> Measures:
    measures: Measures = defaultdict(list)
    database = create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with Servers(environments) as servers, database.connect() as connection:
        for turn in range(options.rounds + 1):
            for route, clients in LOADS:
                for shape in _rotated(turn):
                    load = _load(shape, route, tokens)
                    load |= {"clients": clients, "seconds": options.seconds if turn else 0.5}
                    measure = _turn(servers[shape.module], load, connection, shape.module)
                    if measure.errors:  # it may be stuck for long: each turn is a fair start
                        servers.restart(shape.module)
                    if turn:  # the first round warms up
                        measures[shape, route, clients].append(measure)
            print(f"round {turn} of {options.rounds}", file=sys.stderr)
    database.dispose()
    return measures


def _rotated(turn: int) -> tuple[Shape, ...]:
    """Whoever comes first in one round comes last in the next."""
    cut = turn % len(SHAPES)
    return SHAPES[cut:] + SHAPES[:cut]


def _load(shape: Shape, route: Route, tokens: dict[str, str]) -> dict[str, Any]:
    # Nobody creates entities and rows differently.
    prefix = "" if route.method == "POST" else shape.prefix
    return {
        "token": tokens[shape.module],
        "method": route.method,
        "paths": [f"{prefix}{path}" for path in route.paths],
        "body": route.body,
    }


def _turn(server: Server, load: dict[str, Any], connection: Any, name: str) -> Measure:
    before = server.process.cpu_times()
    words = [sys.executable, "-m", "loadtests.law.client", json.dumps(load | {"port": server.port})]
    finished = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    outcome = json.loads(finished.stdout)
    after = server.process.cpu_times()
    good = sum(n for status, n in outcome["statuses"].items() if status.startswith("2"))
    answers = sum(outcome["statuses"].values())
    cuts = statistics.quantiles(outcome["latencies"], n=100, method="inclusive")
    used = after.user + after.system - before.user - before.system
    opened = connection.scalar(
        text("SELECT count(*) FROM pg_stat_activity WHERE application_name = :name"),
        {"name": f"law_{name}"},
    )
    return Measure(
        rate=good / outcome["seconds"],
        p50=cuts[49],
        p95=cuts[94],
        p99=cuts[98],
        errors=answers - good,
        cpu=used / answers * 1e6,
        connections=opened,
    )


# --- instructions


def _count(environments: dict[str, dict[str, str]], tokens: dict[str, str]) -> Counts:
    """Count what one request takes, as the difference of two runs of different length."""
    if not shutil.which("valgrind"):
        print("There is no valgrind here, so no instructions are counted.", file=sys.stderr)
        return {}
    asked = {
        (shape, route): _load(shape, route, tokens) | {"shape": shape.module}
        for route in ROUTES
        for shape in SHAPES
        if not (route.method == "POST" and shape.prefix)
    }
    # Side by side: how busy the machine is does not count.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        runs = {
            key: [
                pool.submit(_run_counted, requests, request, environments[key[0].module])
                for requests in RUNS
            ]
            for key, request in asked.items()
        }
        return {key: _difference(*(run.result() for run in pair)) for key, pair in runs.items()}


def _difference(fewer: tuple[int, int], more: tuple[int, int]) -> Count:
    return Count((more[0] - fewer[0]) // (RUNS[1] - RUNS[0]), more[1])


def _run_counted(
    requests: int, asked: dict[str, Any], environment: dict[str, str]
) -> tuple[int, int]:
    one = {name: value for name, value in asked.items() if name != "paths"}
    request = json.dumps(one | {"path": asked["paths"][0]})
    words = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    words += [sys.executable, "-m", "loadtests.law.instructions", str(requests), request]
    # The same addresses and the same order of hashes in every run.
    environment = environment | {"PYTHONHASHSEED": "0"}
    finished = subprocess.run(
        words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    collected = re.search(r"Collected : (\d+)", finished.stderr)
    hops = re.search(r"^hops (\d+)$", finished.stdout, re.MULTILINE)
    if collected is None or hops is None:
        raise RuntimeError(f"{asked['shape']} could not be counted: {finished.stderr[-2000:]}")
    return int(collected[1]), int(hops[1])


# --- the report


def _heading(options: argparse.Namespace) -> str:
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {platform.machine()}, {os.cpu_count()} cores, Python "
        f"{platform.python_version()}, load average {os.getloadavg()[0]:.1f} at the end; medians "
        f"of {options.rounds} rounds of {options.seconds:g} s; one process, a pool of {POOL_SIZE}."
    )


def _tables(measures: Measures) -> Iterator[str]:
    if not measures:
        return
    yield (
        "\n| load | shape | requests/s | p50 ms | p95 ms | p99 ms | not 2xx | CPU µs "
        "| connections | times (a) | times (b) |"
    )
    yield "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    for route, clients in LOADS:
        for shape in SHAPES:
            if route.method == "POST" and shape.prefix:
                continue
            turns = measures[shape, route, clients]
            middle = {
                name: statistics.median(getattr(turn, name) for turn in turns)
                for name in ("rate", "p50", "p95", "p99", "cpu")
            }
            times = [_times(turns, measures[base, route, clients]) for base in SHAPES[:2]]
            yield (
                f"| {route.title}, {clients} clients | {shape.title} | {middle['rate']:.0f} "
                f"| {middle['p50']:.1f} | {middle['p95']:.1f} | {middle['p99']:.1f} "
                f"| {sum(turn.errors for turn in turns)} | {middle['cpu']:.0f} "
                f"| {max(turn.connections for turn in turns)} | {times[0]} | {times[1]} |"
            )


def _times(turns: list[Measure], others: list[Measure]) -> str:
    """How many times the others' rate, turn by turn; a dash where they answered nobody."""
    pairs = zip(turns, others, strict=True)
    rates = [own.rate / other.rate if other.rate else math.inf for own, other in pairs]
    return f"{statistics.median(rates):.2f}".replace("inf", "-")


def _counts_table(counts: Counts) -> Iterator[str]:
    if not counts:
        return
    yield "\n| request | shape | instructions, millions | of (a) | thread hops |"
    yield "| --- | --- | ---: | ---: | ---: |"
    for (shape, route), count in counts.items():
        base = counts[SHAPES[0], route].instructions
        yield (
            f"| {route.title} | {shape.title} | {count.instructions / 1e6:.2f} "
            f"| {count.instructions / base:.0%} | {count.hops} |"
        )


def _write(report: str) -> None:
    page = README.read_text(encoding="utf-8")
    before, after = page.split(MARKS[0])[0], page.split(MARKS[1])[1]
    README.write_text(f"{before}{MARKS[0]}\n{report}\n{MARKS[1]}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
