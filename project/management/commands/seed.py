"""Load sample data, or a great many generated rows.

Without options: what each app's `seeds.py` offers as a sample, for apps that are still empty.
With `--<app> COUNT`: so many generated rows of that app (`--items 1000000`), the same ones on
every machine, beside what is there already. All of it is one transaction.
"""

import argparse
import time
from types import ModuleType

from sqlalchemy.orm import Session

from project.apps import AppConfig, Registry
from project.db.migrations import pending_revisions
from project.errors import CommandError
from project.management.environment import load_registry, open_database
from project.management.parser import positive
from project.management.progress import bar_cleared, progress_bar
from project.settings import load_settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    for app, _ in _bulk_seeds(load_registry()):
        parser.add_argument(
            f"--{app.label}",
            dest=f"bulk_{app.label}",
            type=positive,
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


def _load_bulk(session: Session, label: str, seeds: ModuleType, count: int) -> None:
    started = time.monotonic()
    draw = progress_bar(label, count, at_end="building indexes")
    with bar_cleared():
        seeds.bulk(session, count=count, progress=draw)
    print(f"{label}: {count:,} rows in {time.monotonic() - started:.1f} s")
