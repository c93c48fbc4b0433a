"""A project with an app whose tasks can be held up, real workers for it, and a look at its jobs."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, text
from sqlalchemy.orm import Session

from tests.copies import ProjectCopy
from tests.processes import DEADLINE, until
from tests.project.tasks.lab.tasks import GATE

EFFECTS = "CREATE TABLE lab_effect (id bigint GENERATED ALWAYS AS IDENTITY, what text)"
SWIFT = {"TASKS_HEARTBEAT": "0.8", "LOG_FORMAT": "json", "SHUTDOWN_TIMEOUT": "20"}


class Worker:
    """A `manage.py worker` process, and what it has written."""

    def __init__(self, copy: ProjectCopy, log: Path, *words: str, **variables: str) -> None:
        self.log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [copy.python, "manage.py", "worker", *words],
                cwd=copy.root,
                env={**copy.environment, **SWIFT, **variables},
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
            )

    @property
    def output(self) -> str:
        return self.log.read_text()

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(DEADLINE)

    def kill(self) -> None:
        """End it whatever it is at, even asleep."""
        with suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait(DEADLINE)


@dataclass(frozen=True)
class Lab:
    """The project, its database and a folder for logs."""

    copy: ProjectCopy
    engine: Engine
    folder: Path

    @contextmanager
    def worker(self, *words: str, **variables: str) -> Iterator[Worker]:
        """Start a worker, wait until it is registered, and see to its end."""
        before = self.one("SELECT coalesce(max(id), 0) FROM procrastinate.procrastinate_workers")
        log = self.folder / f"worker-{len(list(self.folder.iterdir()))}.log"
        worker = Worker(self.copy, log, *words, **variables)
        newest = "SELECT coalesce(max(id), 0) FROM procrastinate.procrastinate_workers"
        try:
            until(
                lambda: self.one(newest) > before or worker.process.poll() is not None,
                "a worker that is registered",
            )
            assert worker.process.poll() is None, worker.output
            yield worker
        finally:
            worker.kill()

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Work in a transaction of the lab's database."""
        engine = self.engine.execution_options(isolation_level="READ COMMITTED")
        with Session(engine) as session, session.begin():
            yield session

    @contextmanager
    def gate_closed(self) -> Iterator[Connection]:
        """Hold up the jobs of `lab.wait` until the block ends."""
        with self.engine.connect() as connection:
            connection.execute(text(f"SELECT pg_advisory_lock({GATE})"))
            try:
                yield connection
            finally:
                connection.execute(text(f"SELECT pg_advisory_unlock({GATE})"))

    def one(self, query: str, **values: Any) -> Any:
        """Return the one value that a query asks for."""
        with self.engine.connect() as connection:
            return connection.execute(text(query), values).scalar()

    def job(self, number: int) -> Any:
        """Return the row of a job."""
        query = text("SELECT * FROM procrastinate.procrastinate_jobs WHERE id = :id")
        with self.engine.connect() as connection:
            return connection.execute(query, {"id": number}).one()

    def status(self, number: int) -> str:
        return str(self.job(number).status)

    def wait_for(self, number: int, status: str) -> None:
        """Wait until a job has come to a status."""
        until(lambda: self.status(number) == status, f"job {number} {status}")

    def wait_until_held_up(self, number: int = 1) -> None:
        """Wait until so many jobs of `lab.wait` stand before the gate."""
        waiting = (
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted "
            "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        until(lambda: self.one(waiting) >= number, f"{number} jobs before the gate")

    def effects(self, what: str) -> int:
        """Count what tasks have left, and committed."""
        return int(
            self.one("SELECT count(*) FROM lab_effect WHERE what LIKE :what", what=f"{what}%")
        )

    def empty(self) -> None:
        """Forget every job and effect."""
        with self.engine.begin() as connection:
            connection.execute(
                text(
                    "TRUNCATE lab_effect, procrastinate.procrastinate_jobs, "
                    "procrastinate.procrastinate_workers CASCADE"
                )
            )


def build_lab(folder: Path, url: URL) -> Lab:
    """Copy the project, give it the app `lab`, and its database the table of effects."""
    copy = ProjectCopy.make(folder, url)
    copy.install("tests.project.tasks.lab")
    engine = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text(EFFECTS))
    logs = folder / "logs"
    logs.mkdir()
    return Lab(copy, engine, logs)
