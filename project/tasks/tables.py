"""Where Procrastinate's tables are: in a PostgreSQL schema of their own, which 0011 makes.

No model of ours declares them, so whatever goes by the models (makemigrations, dumpdata, the
check for tables that nobody claims) neither sees nor touches them.
"""

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

SCHEMA = "procrastinate"
SEARCH_PATH = f"-c search_path={SCHEMA}"
"""The option of a connection on which the library's own statements find its tables."""

TABLES = ("procrastinate_periodic_defers", "procrastinate_jobs", "procrastinate_workers")
"""Those that hold jobs and workers; events go with their jobs."""


def are_there(connection: Connection) -> bool:
    """Whether the migration that makes them has been applied."""
    query = text("SELECT to_regclass('procrastinate.procrastinate_jobs') IS NOT NULL")
    return bool(connection.scalar(query))


def forget_jobs(place: Session | Connection) -> None:
    """Delete every job and what is known of workers, for who empties the database."""
    for table in TABLES:
        place.execute(text(f"DELETE FROM {SCHEMA}.{table}"))  # noqa: S608 - our own names
