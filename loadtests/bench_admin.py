"""Print what the admin's pages take on a million orders and two hundred thousand accounts.

    python loadtests/bench_admin.py [--orders 1000000] [--rounds 5] [--only WORDS] [--files]
        [--rows 20000] [--keep]

Starts a real server with one worker on a database of its own, signs in, and asks for every page
once a round, one round after the other, so that the machine's mood is in all of them; a round that
only warms up is not counted. Times are what a client on this machine waits, in milliseconds.
Meanwhile another process asks `/health/live` every five milliseconds: nothing that the admin does
may hold the event loop.
"""

import argparse
import http.client
import multiprocessing
import os
import re
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from html import unescape
from pathlib import Path
from urllib.parse import urlencode

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sqlalchemy import URL, create_engine, text

from apps.users.passwords import hash_new_password
from loadtests.servers import one_worker, own_database

DATABASE = "bench_lintel_admin"
EMAIL, PASSWORD = "bench@example.com", "correct horse battery"
PULSE = 0.005

SEED = (
    """
    INSERT INTO users_user (email, full_name, created_at, last_login_at, is_active)
    SELECT 'customer' || n || '@example.com',
           (ARRAY['Ada', 'Robin', 'Grace', 'Alan', 'Mary'])[1 + n % 5] || ' Hale ' || n,
           now() - (:users - n) * interval '12 minutes',
           CASE WHEN n % 3 = 0 THEN now() - n % 1000 * interval '1 hour' END, n % 50 <> 0
    FROM generate_series(1, :users) AS n
    """,
    """
    INSERT INTO items_item (name, description, price, stock, owner_id, created_at)
    SELECT 'Lamp ' || n, repeat('Turned by hand. ', 20), 5 + n % 900, n % 70, n, now()
    FROM generate_series(1, 2000) AS n
    """,
    """
    INSERT INTO orders_order (user_id, status, total, created_at)
    SELECT 1 + (n::bigint * 7919) % :users,
           CASE WHEN n % 97 = 0 THEN 'cancelled' ELSE 'placed' END,
           (n::bigint * 104729 % 200000) / 100.0,
           now() - (:orders - n) * interval '140 seconds'
    FROM generate_series(1, :orders) AS n
    """,
    """
    INSERT INTO orders_order_line (order_id, item_id, name, unit_price, quantity)
    SELECT n, 1 + n % 2000, 'Lamp ' || 1 + n % 2000, 5 + n % 900, 1 + n % 3
    FROM generate_series(1, :orders, 3) AS n
    """,
    """
    INSERT INTO users_user (email, password_hash, is_staff, is_superuser)
    VALUES (:email, :password_hash, true, true)
    """,
)


def main() -> None:
    options = _options()
    with own_database(DATABASE, is_kept=options.keep) as url:
        _fill(url, options.orders)
        print(f"{os.cpu_count()} cores, load average before: {os.getloadavg()[0]:.1f}")
        with one_worker(url) as port, _pulse(port) as (begin, beats):
            client = Client(port)
            known = () if options.files else _pages(client, options.orders)
            pages = [page for page in known if options.only in page[0]]
            times: dict[str, list[float]] = {label: [] for label, _ in pages}
            for _, path in pages:
                client.get(path)  # which only warms up
            begin()
            phases = {"pages": time.perf_counter()}
            for _ in range(options.rounds):
                for label, path in pages:
                    times[label].append(client.time(path))
            if options.only in "export import":
                _measure_files(client, phases, options.rows)
        _report(times)
        _report_pulse(beats, phases)


def _measure_files(client: "Client", phases: dict[str, float], count: int) -> None:
    """Take all orders out, and so many items in; say how long, and what the server grew by."""
    for kind in ("csv", "jsonl"):
        before, started = _memory(), time.perf_counter()
        phases[f"export, {kind}"] = started
        size = client.download("/admin/orders-order/export", {"format": kind})
        seconds, grown = time.perf_counter() - started, _memory() - before
        print(f"export of all orders, {kind}: {size:,} bytes in {seconds:.1f} s, {grown:+} MB")
    rows = "".join(f"New lamp {n},{n % 900}.50,{n % 70},{EMAIL}\n" for n in range(count))
    before, started = _memory(), time.perf_counter()
    phases["import, check"] = started
    found = client.upload(
        "/admin/items-item/import", f"name,price,stock,owner\n{rows}", {"check": "1"}
    )
    checked = time.perf_counter() - started
    phases["import, write"] = time.perf_counter()
    agreed = dict(re.findall(r'name="(_checked|_expected)" value="([^"]*)"', found))
    client.upload("/admin/items-item/import", f"name,price,stock,owner\n{rows}", agreed)
    seconds, grown = time.perf_counter() - started - checked, _memory() - before
    print(f"{count:,} items: checked in {checked:.1f} s, written in {seconds:.1f} s, {grown:+} MB")


def _memory() -> int:
    """Return the megabytes that the server takes, where `/proc` tells; it is a child of ours."""
    sizes = [0]
    for found in Path("/proc").glob("[0-9]*/status"):
        with suppress(OSError):
            told = dict(line.split(":", 1) for line in found.read_text().splitlines())
            if int(told["PPid"]) == os.getpid() and "VmRSS" in told:
                sizes.append(int(told["VmRSS"].split()[0]) // 1024)
    return max(sizes)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure the admin on big tables.")
    parser.add_argument("--orders", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="measure pages whose label contains this")
    parser.add_argument("--files", action="store_true", help="measure no pages, only files")
    parser.add_argument("--rows", type=int, default=20_000, help="rows that are imported")
    parser.add_argument("--keep", action="store_true", help="leave the database for the next run")
    return parser.parse_args()


def _fill(url: URL, orders: int) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        if connection.scalar(text("SELECT EXISTS (SELECT FROM orders_order)")):
            return
        started = time.perf_counter()
        password_hash = hash_new_password(PASSWORD, email=EMAIL)
        values = {"orders": orders, "users": orders // 5, "email": EMAIL}
        for statement in SEED:
            bound = text(statement)
            wanted = {**values, "password_hash": password_hash}
            connection.execute(bound, {name: wanted[name] for name in bound._bindparams})  # noqa: SLF001
        connection.execute(text("VACUUM ANALYZE"))  # what autovacuum does a minute later
        print(f"Loaded {orders:,} orders in {time.perf_counter() - started:.0f} s.")
    engine.dispose()


class Client:
    """One browser, signed in."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port)
        form = urlencode({"username": EMAIL, "password": PASSWORD})
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        self._connection.request("POST", "/admin/login", form, kind)
        answer = self._connection.getresponse()
        answer.read()
        cookie = (answer.getheader("Set-Cookie") or "").partition(";")[0]
        self._headers = {"Cookie": cookie}

    def get(self, path: str) -> str:
        self._connection.request("GET", path, headers=self._headers)
        answer = self._connection.getresponse()
        body = answer.read().decode()
        if answer.status != 200:  # noqa: PLR2004 - fine is 200
            raise RuntimeError(f"{path}: {answer.status}")
        return body

    def download(self, path: str, form: dict[str, str]) -> int:
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        self._connection.request("POST", path, urlencode(form), {**self._headers, **kind})
        answer, size = self._connection.getresponse(), 0
        while piece := answer.read(65_536):
            size += len(piece)
        return size

    def upload(self, path: str, data: str, form: dict[str, str]) -> str:
        head = 'Content-Disposition: form-data; name="{}"'
        parts = [f"{head.format(name)}\r\n\r\n{value}" for name, value in form.items()]
        parts.append(head.format("file") + f'; filename="f.csv"\r\n\r\n{data}')
        body = "".join(f"--bench\r\n{part}\r\n" for part in parts) + "--bench--\r\n"
        kind = {"Content-Type": "multipart/form-data; boundary=bench"}
        self._connection.request("POST", path, body.encode(), {**self._headers, **kind})
        answer = self._connection.getresponse()
        text = answer.read().decode()
        if answer.status not in {200, 303}:
            raise RuntimeError(f"{path}: {answer.status}")
        return text

    def time(self, path: str) -> float:
        started = time.perf_counter()
        self.get(path)
        return (time.perf_counter() - started) * 1000


def _pages(client: Client, orders: int) -> Iterator[tuple[str, str]]:
    lists, users = "/admin/orders-order/list", "/admin/users-user/list"
    middle = orders // 2
    yield "overview", "/admin/"
    yield "orders", lists
    yield "orders, last page", f"{lists}?page=last"
    yield "orders, page 4,000 by number", f"{lists}?page=4000"
    yield "orders, deep page by cursor", _deep(client, lists)
    yield "orders by total", f"{lists}?sortBy=total&sort=desc"
    yield "orders by total, deep by cursor", _deep(client, f"{lists}?sortBy=total")
    yield "orders, cancelled", f"{lists}?status=cancelled"
    yield "orders, cancelled, with counts", f"{lists}?status=cancelled&_facets=1"
    yield "orders, with counts", f"{lists}?_facets=1"
    yield "orders of a customer", f"{lists}?user=4711"
    yield "orders, total from-to", f"{lists}?total__gte=1999&total__lte=1999.50"
    yield "orders of a month two years ago", f"{lists}?created_at={_month(2)}"
    yield "orders of a month, cancelled", f"{lists}?created_at={_month(2)}&status=cancelled"
    yield "orders of a month, with counts", f"{lists}?created_at={_month(2)}&_facets=1"
    yield "orders, search a customer", f"{lists}?search=customer4711"
    yield "orders, search an id", f"{lists}?search={middle}"
    yield "orders, search nobody", f"{lists}?search=nobody"
    yield "orders, search everybody", f"{lists}?search=customer"
    yield "lines", "/admin/orders-order-line/list"
    yield "lines of an item", "/admin/orders-order-line/list?item=77"
    yield "users", users
    yield "users by name", f"{users}?sortBy=full_name"
    yield "users, with counts", f"{users}?_facets=1"
    yield "users, inactive", f"{users}?is_active=false"
    yield "users, search a part", f"{users}?search=mer4711"
    yield "users, search two words", f"{users}?search=grace+9999"
    yield "users, search everybody", f"{users}?search=example"
    yield "users, search nobody", f"{users}?search=doesnotexist"
    yield "users, last sign-in from", f"{users}?last_login_at__isempty=true"
    yield "order, details", f"/admin/orders-order/details/{middle}"
    yield "user, edit", "/admin/users-user/edit/4711"
    yield "item, edit", "/admin/items-item/edit/77"
    yield "lookup, for a filter", "/admin/orders-order/filter/lookup?name=user&term=customer4711"
    yield "lookup, for a form", "/admin/items-item/ajax/lookup?name=owner&term=customer4711"


def _deep(client: Client, path: str) -> str:
    """Return the address of a page in the middle, found by its number from the far end."""
    joint = "&" if "?" in path else "?"
    page = client.get(f"{path}{joint}page=4000")
    found = re.search(r'rel="next" href="([^"]+)"', page)
    assert found is not None  # noqa: S101 - there is a next page
    return path.partition("?")[0] + unescape(found[1])


def _month(years_ago: int) -> str:
    now = time.gmtime()
    return f"{now.tm_year - years_ago}-{now.tm_mon:02}"


@contextmanager
def _pulse(port: int) -> Iterator[tuple[Callable[[], None], list[tuple[float, float]]]]:
    """Ask whether the server lives, from another process, all the while."""
    context = multiprocessing.get_context("fork")
    begun, over, (reader, writer) = context.Event(), context.Event(), context.Pipe(duplex=False)

    def beat() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        times: list[tuple[float, float]] = []
        begun.wait()
        while not over.is_set():
            started = time.perf_counter()
            connection.request("GET", "/health/live")
            connection.getresponse().read()
            times.append((started, (time.perf_counter() - started) * 1000))
            time.sleep(PULSE)
        writer.send(times)

    process, beats = context.Process(target=beat), list[tuple[float, float]]()
    process.start()
    try:
        yield begun.set, beats
    finally:
        over.set()
        beats += reader.recv()
        process.join()


def _report(times: dict[str, list[float]]) -> None:
    print("\n| page | median ms | max ms |\n| --- | ---: | ---: |")
    for label, taken in times.items():
        print(f"| {label} | {statistics.median(taken):.0f} | {max(taken):.0f} |")


def _report_pulse(beats: Sequence[tuple[float, float]], phases: dict[str, float]) -> None:
    """Say how long `/health/live` took in each phase; a phase ends where the next one begins."""
    print("\n| `/health/live` beside | asked | median ms | p99 ms | max ms |")
    print("| --- | ---: | ---: | ---: | ---: |")
    ends = [*list(phases.values())[1:], float("inf")]
    for (label, begin), end in zip(phases.items(), ends, strict=True):
        taken = [milliseconds for at, milliseconds in beats if begin <= at < end]
        if len(taken) < 2:  # noqa: PLR2004 - too short a phase to say anything of
            continue
        ninety_nine = statistics.quantiles(taken, n=100)[98]
        median, longest = statistics.median(taken), max(taken)
        print(f"| {label} | {len(taken)} | {median:.1f} | {ninety_nine:.1f} | {longest:.1f} |")
    print(f"\nLoad average after: {os.getloadavg()[0]:.1f}.")


if __name__ == "__main__":
    main()
