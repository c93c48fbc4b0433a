"""Run tasks: those that were enqueued, and periodic ones when their time comes.

SIGTERM and Ctrl-C let jobs at work finish (SHUTDOWN_TIMEOUT) and give the others back.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from project.errors import CommandError

if TYPE_CHECKING:
    from project.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--concurrency", type=_positive, help="jobs at a time (default: TASKS_CONCURRENCY)"
    )
    parser.add_argument(
        "--queues", type=_names, default=(), metavar="A,B", help="serve these alone (default: all)"
    )


def handle(options: argparse.Namespace) -> int:
    from project.settings import load_settings  # noqa: PLC0415 - `help worker` does without

    settings = load_settings()
    _require_tables(settings)
    from project.tasks.process import run_worker  # noqa: PLC0415 - the whole application

    return run_worker(
        settings,
        concurrency=options.concurrency or settings.tasks.concurrency,
        queues=options.queues,
    )


def _require_tables(settings: Settings) -> None:
    from project.management.environment import open_connection  # noqa: PLC0415 - see above
    from project.tasks.tables import are_there  # noqa: PLC0415

    with open_connection(settings) as connection:
        if not are_there(connection):
            raise CommandError("The database has no tables of tasks: run `manage.py migrate`.")


def _positive(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if not 1 <= number <= 100:  # noqa: PLR2004 - as TASKS_CONCURRENCY
        raise argparse.ArgumentTypeError(f"'{text}' is not a number from 1 to 100")
    return number


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())
