"""Walk every journey once on a real server, and expect no error.

    python manage.py loadtest smoke
    python manage.py loadtest smoke --host http://127.0.0.1:8000

Without `--host` a server is started on a database of its own, which is seeded and dropped again.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from loadtests.hosts import refusal
from loadtests.lab.generator.mix import Entry, mix_of
from loadtests.lab.generator.plain import PlainTransport
from loadtests.lab.generator.routes import check, documented
from loadtests.scenario import UnexpectedStatus, Visitor
from loadtests.servers import one_worker, own_database
from project.checks import Subject
from project.errors import CommandError
from project.management import style
from project.settings import ROOT


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help="these alone")
    parser.add_argument("--host", metavar="URL", help="a server that runs already")


def handle(options: argparse.Namespace) -> int:
    mix = mix_of(options.scenarios)
    known = documented(Subject.load().application.openapi())
    for entry in mix:
        check(entry, known)
    with _host(options.host) as host:
        failed = [entry for entry in mix if not _walk(entry, host)]
    print(f"{len(mix) - len(failed)} of {len(mix)} journeys met what they expect.")
    return 1 if failed else 0


def _walk(entry: Entry, host: str) -> bool:
    transport = PlainTransport(host)
    reason = ""
    try:
        entry.journey.run(entry.scenario(), Visitor(transport))
    except UnexpectedStatus as error:
        reason = str(error)
    except Exception as error:  # noqa: BLE001 - a scenario's own mistake is a finding, too
        reason = f"{type(error).__name__}: {error}"
    if reason:
        print(f"{style.failure('failed')}  {entry.name}: {reason}")
    else:
        print(f"{style.success('ok')}      {entry.name}, {transport.sent} requests")
    return not reason


@contextmanager
def _host(named: str | None) -> Iterator[str]:
    if named:
        reason = refusal(named)
        if reason:
            raise CommandError(reason, exit_code=2)
        yield named.rstrip("/")
        return
    with own_database("smoke_loadtest") as url:
        variables = {
            "ENVIRONMENT": "test",
            "DATABASE_URL": url.render_as_string(hide_password=False),
            "DATABASE_DIRECT_URL": "",
            "DATABASE_REPLICA_URL": "",
        }
        seeding = [sys.executable, "manage.py", "seed"]
        seeded = subprocess.run(
            seeding, cwd=ROOT, env={**os.environ, **variables}, capture_output=True, check=False
        )
        if seeded.returncode:
            raise CommandError("The database cannot be seeded; see 'manage.py seed'.")
        with one_worker(url, THROTTLING_ENABLED="false") as port:
            yield f"http://127.0.0.1:{port}"
