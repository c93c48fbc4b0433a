"""Print what the catalogue's lists cost in SQL with a million items.

    python loadtests/bench_items.py [--items 1000000] [--only WORDS] [--keep]

Works in a database of its own on the suite's embedded server, or beside the one that
DATABASE_URL names. Times are milliseconds spent in a page's statements, medians of several runs;
nothing is asserted. `--keep` leaves the database for the next run.

The last two searches are the hard cases: two frequent words that never meet, and a beginning
that one item in ten has, all of them at one end of the list.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from alembic import command
from sqlalchemy import Engine, create_engine, event, func, make_url, select, text
from sqlalchemy.orm import Session

from apps.items.models import Item
from apps.items.queries import ORDERS, ItemFilter, list_items
from apps.items.seeds import bulk
from project.db.embedded import ensure_running
from project.db.engine import create_single_engine
from project.db.keyset import encode_cursor
from project.db.migrations import alembic_config
from project.settings import load_settings

DATABASE = "bench_lintel_items"
SEARCHES = {
    "frequent": "handmade",
    "frequent, two": "handmade washable",
    "rare": "LX0400123",
    "rare and frequent": "LX0400123 handmade",
    "1 in 500": "greenhouse limited",
    "absent": "doesnotexist",
    "prefix": "doorm",
    "prefix, rare": "LX04001",
    "signs alone": "!!!",
    "never together": "oak walnut",
    "all at one end": "LX00",
}


def main() -> None:
    options = _options()
    engine = _open_database()
    with Session(engine) as session:
        _fill(session, options.items)
        deep = _deep_cursors(session)
        print(f"{'page':44}{'median ms':>10}{'max ms':>8}{'queries':>9}{'rows':>6}")
        for label, arguments in _pages(deep):
            if options.only not in label:
                continue
            _measure(session, label, options.repeat, arguments)
    engine.dispose()
    if not options.keep:
        _administer(f'DROP DATABASE IF EXISTS "{DATABASE}" WITH (FORCE)')


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure the catalogue's lists.")
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--only", default="", help="measure pages whose label contains this")
    parser.add_argument("--keep", action="store_true", help="leave the database for the next run")
    return parser.parse_args()


def _server() -> Any:
    settings = load_settings()
    directory = settings.data_directory / "postgres-test"
    return make_url(settings.database.url or ensure_running(directory, durable=False))


def _administer(statement: str) -> None:
    engine = create_engine(_server().set(database="postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


def _open_database() -> Engine:
    names = "SELECT 1 FROM pg_database WHERE datname = :name"
    engine = create_engine(_server().set(database="postgres"))
    with engine.connect() as connection:
        exists = connection.scalar(text(names), {"name": DATABASE})
    engine.dispose()
    if not exists:
        _administer(f'CREATE DATABASE "{DATABASE}"')
    url = _server().set(database=DATABASE).render_as_string(hide_password=False)
    engine = create_single_engine(url, load_settings().database)
    with engine.connect() as connection:
        command.upgrade(alembic_config(connection), "head")
    return engine


def _fill(session: Session, count: int) -> None:
    if session.scalar(select(func.count()).select_from(Item)):
        return
    started = time.perf_counter()
    bulk(session, count=count, progress=lambda _: None)
    session.commit()
    print(f"Loaded {count:,} items in {time.perf_counter() - started:.1f} s.")
    session.connection(execution_options={"isolation_level": "AUTOCOMMIT"}).execute(
        text("VACUUM items_item")  # what autovacuum does a minute later
    )
    session.commit()


def _deep_cursors(session: Session) -> dict[str, str]:
    """Return the cursor of the middle of the list, for each order."""
    middle = (session.scalar(select(func.count()).select_from(Item)) or 0) // 2
    cursors = {}
    for name, order in ORDERS.items():
        statement = select(Item).order_by(*order.clauses()).offset(middle).limit(1)
        cursors[name] = encode_cursor(session.scalars(statement).one(), order)
    return cursors


def _pages(deep: dict[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    for sort in ORDERS:
        yield f"{sort}, first page", {"sort": sort}
        yield f"{sort}, deep page", {"sort": sort, "cursor": deep[sort]}
    for kind, words in SEARCHES.items():
        for sort in ORDERS:
            yield f"q {kind}, {sort}", {"words": words, "sort": sort}
        yield f"q {kind}, price, deep", {"words": words, "sort": "price", "cursor": deep["price"]}
    filters = {
        "owner": ItemFilter(owner_id=5),
        "sold out": ItemFilter(in_stock=False),
        "owner, sold out": ItemFilter(owner_id=5, in_stock=False),
    }
    for kind, wanted in filters.items():
        for sort in ("-created_at", "price", "name"):
            yield f"{kind}, {sort}", {"wanted": wanted, "sort": sort}


def _measure(session: Session, label: str, repeat: int, arguments: dict[str, Any]) -> None:
    runs, number, rows = [], 0, 0
    for _ in range(repeat):
        session.expunge_all()
        with _stopwatch(session) as times:
            rows = len(list_items(session, limit=20, **arguments).rows)
        runs.append(sum(times) * 1000)
        number = len(times)
    print(f"{label:44}{statistics.median(runs):>10.2f}{max(runs):>8.1f}{number:>9}{rows:>6}")


@contextmanager
def _stopwatch(session: Session) -> Iterator[list[float]]:
    """Collect the seconds that each statement takes."""
    times: list[float] = []

    def start(*_: object) -> None:
        times.append(-time.perf_counter())

    def stop(*_: object) -> None:
        times[-1] += time.perf_counter()

    engine = session.get_bind()
    listeners: tuple[tuple[str, Callable[..., None]], ...] = (
        ("before_cursor_execute", start),
        ("after_cursor_execute", stop),
    )
    for name, listener in listeners:
        event.listen(engine, name, listener)
    yield times
    for name, listener in listeners:
        event.remove(engine, name, listener)


if __name__ == "__main__":
    main()
