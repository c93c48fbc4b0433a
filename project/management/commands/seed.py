"""Load sample data, or a great many generated rows.

Without options: what each app's `seeds.py` offers as a sample, for apps that are still empty.
With `--<app> COUNT`: so many generated rows of that app (`--items 1000000`), the same ones on
every machine, beside what is there already. All of it is one transaction.
"""

import argparse
import sys
import time
from collections.abc import Callable
from types import ModuleType

from sqlalchemy.orm import Session

from project.apps import AppConfig, Registry
from project.db.migrations import pending_revisions
from project.errors import CommandError
from project.management.environment import load_registry, open_database
from project.settings import load_settings

BAR_WIDTH = 30
BAR_INTERVAL = 0.1
CLEAR_LINE = "\r\033[K"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    for app, _ in _bulk_seeds(load_registry()):
        parser.add_argument(
            f"--{app.label}",
            dest=f"bulk_{app.label}",
            type=_count,
            metavar="COUNT",
            help=f"generate so many rows of {app.label}",
        )


def handle(options: argparse.Namespace) -> None:
    registry = load_registry()
    wanted = {
        app.label: (seeds, count)
        for app, seeds in _bulk_seeds(registry)
        if (count := getattr(options, f"bulk_{app.label}")) is not None
    }
    with open_database(load_settings()) as database, database.transaction() as session:
        if pending_revisions(session.connection()):
            raise CommandError("The database lacks migrations: run `manage.py migrate` first.")
        if not wanted:
            report(load_samples(session, registry))
        for label, (seeds, count) in wanted.items():
            _load_bulk(session, label, seeds, count)


def load_samples(session: Session, registry: Registry) -> dict[str, int]:
    """Load every app's sample, in order; return how many rows each app has got.

    An app that has data already is left alone and gets 0.
    """
    return {
        app.label: seeds.sample(session)
        for app, seeds in registry.modules("seeds")
        if hasattr(seeds, "sample")
    }


def report(samples: dict[str, int]) -> None:
    """Print one line for each app."""
    if not samples:
        print("No app has sample data.")
    for label, count in samples.items():
        print(f"{label}: {count:,} rows" if count else f"{label}: has data already")


def _bulk_seeds(registry: Registry) -> list[tuple[AppConfig, ModuleType]]:
    return [pair for pair in registry.modules("seeds") if hasattr(pair[1], "bulk")]


def _count(text: str) -> int:
    try:
        count = int(text.replace("_", "").replace(",", ""))
    except ValueError:
        count = 0
    if count < 1:
        raise argparse.ArgumentTypeError("must be a whole number from 1 on")
    return count


def _load_bulk(session: Session, label: str, seeds: ModuleType, count: int) -> None:
    started = time.monotonic()
    seeds.bulk(session, count=count, progress=_progress_bar(label, count))
    if sys.stderr.isatty():
        sys.stderr.write(CLEAR_LINE)
    print(f"{label}: {count:,} rows in {time.monotonic() - started:.1f} s")


def _progress_bar(label: str, total: int) -> Callable[[int], None]:
    """Return what draws the bar; where nobody is watching, it draws nothing."""
    if not sys.stderr.isatty():
        return lambda _: None
    drawn = 0.0

    def draw(done: int) -> None:
        nonlocal drawn
        now = time.monotonic()
        if done < total and now - drawn < BAR_INTERVAL:
            return
        drawn = now
        bar = "█" * (BAR_WIDTH * done // total)
        state = f"{100 * done // total:3d} %" if done < total else "building indexes"
        sys.stderr.write(f"{CLEAR_LINE}{label} {bar:░<{BAR_WIDTH}} {state}")
        sys.stderr.flush()

    return draw
