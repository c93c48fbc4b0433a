"""Print whether the time of a refusal tells which accounts there are.

    python loadtests/bench_sign_in.py [--pairs 300]

Starts a real server with one worker on a database of its own and tries a wrong password for an
account that is there and for one that is not, one after the other in an order of chance, so that
the machine's mood is in both: at the API's sign-in and at the admin's, and a link to a new
password for either. The medians should differ by less than a tenth; nothing is asserted.
"""

import argparse
import http.client
import json
import random
import statistics
import sys
import time
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from loadtests.servers import FORM, JSON, call, one_worker, own_database

DATABASE = "bench_lintel_sign_in"
KNOWN, UNKNOWN = "known@example.com", "other@example.com"
PASSWORD = "correct horse battery"  # noqa: S105 - of an account that lives for a minute
WARM_UP = 10


class Door(NamedTuple):
    """Where somebody may ask, and what is answered to both."""

    path: str
    status: int
    headers: dict[str, str]
    fields: tuple[str, ...]


DOORS = (
    Door("/api/v1/auth/token", 401, FORM, ("username", "password")),
    Door("/admin/login", 401, FORM, ("username", "password")),
    Door("/api/v1/auth/password-reset", 202, JSON, ("email",)),
)


def main() -> None:
    options = _options()
    print(f"{'':30}{'known, ms':>12}{'unknown, ms':>13}{'ratio':>8}")
    with own_database(DATABASE) as url, one_worker(url) as port:
        person = json.dumps({"email": KNOWN, "password": PASSWORD})
        call(port, "POST", "/api/v1/users/", person, JSON)
        for door in DOORS:
            _measure(port, door, WARM_UP)
            known, unknown = _measure(port, door, options.pairs)
            print(f"{door.path:30}{known:12.2f}{unknown:13.2f}{known / unknown:8.3f}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compare refusals of known and unknown accounts.")
    parser.add_argument("--pairs", type=int, default=300, help="refusals of each")
    return parser.parse_args()


def _measure(port: int, door: Door, pairs: int) -> tuple[float, float]:
    """Return the medians, in milliseconds, of an account that is there and of one that is not."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    times: dict[str, list[float]] = {KNOWN: [], UNKNOWN: []}
    for _ in range(pairs):
        for email in random.sample((KNOWN, UNKNOWN), 2):
            times[email].append(_ask(connection, door, email))
    connection.close()
    return statistics.median(times[KNOWN]), statistics.median(times[UNKNOWN])


def _ask(connection: http.client.HTTPConnection, door: Door, email: str) -> float:
    values = dict(zip(door.fields, (email, "a wrong password"), strict=False))
    body = json.dumps(values) if door.headers == JSON else urlencode(values)
    started = time.perf_counter()
    connection.request("POST", door.path, body, door.headers)
    answer = connection.getresponse()
    answer.read()
    milliseconds = (time.perf_counter() - started) * 1000
    if answer.status != door.status:
        raise RuntimeError(f"{door.path} answered {answer.status}")
    return milliseconds


if __name__ == "__main__":
    main()
