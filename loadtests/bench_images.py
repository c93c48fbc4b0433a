"""Print what uploads of photographs do to those who only read.

    python loadtests/bench_images.py [--uploads 16] [--readers 4] [--seconds 10] [--lane N]

Starts a real server with one worker on a database of its own, reads `GET /api/v1/items/{id}`
in quiet, and again while so many clients upload a photograph of twelve megapixels each, one
after the other. Both times are of the same run, so that the machine's mood is in both. The
clients share the machine's cores with the server and its database.
"""

import argparse
import http.client
import io
import json
import multiprocessing
import os
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from PIL import Image

from loadtests.bench_server import fresh_database, serving

DATABASE = "bench_lintel_images"
PAUSE = 0.01
WARM_UP = 2.0
EMAIL, PASSWORD = "bench@example.com", "correct horse battery"


def main() -> None:
    options = _options()
    photograph = _photograph()
    print(f"photograph: 12 megapixels, {len(photograph) / 1e6:.1f} MB; {os.cpu_count()} cores")
    print(f"load average before: {os.getloadavg()[0]:.1f}")  # what others do stands in both figures
    with fresh_database(DATABASE) as url, serving(url, CPU_LANE_SIZE=options.lane) as port:
        headers, items = _prepare(port, options.uploads)
        _read_for(port, items, options.readers, WARM_UP)
        quiet = _read_for(port, items, options.readers, options.seconds)
        with _uploading(port, headers, items, photograph) as counts:
            time.sleep(WARM_UP)
            busy = _read_for(port, items, options.readers, options.seconds)
    _report("quiet", quiet, options.seconds)
    _report(f"{options.uploads} uploads", busy, options.seconds)
    done, refused = counts()
    print(f"uploads: {done} done, {refused} refused")
    print(
        f"p99 while uploading: {_percentile(busy, 99) / _percentile(quiet, 99):.2f} x the quiet one"
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure readers while pictures are uploaded.")
    parser.add_argument("--uploads", type=int, default=16, help="clients that upload at a time")
    parser.add_argument("--readers", type=int, default=4, help="clients that read meanwhile")
    parser.add_argument("--seconds", type=float, default=10, help="length of each measurement")
    parser.add_argument("--lane", default="", help="CPU_LANE_SIZE of the server")
    return parser.parse_args()


def _photograph() -> bytes:
    """Make a photograph of noise that is as soft as a lens would leave it."""
    size = (4000, 3000)
    bands = [Image.effect_noise((500, 375), 60).resize(size, Image.Resampling.BICUBIC)] * 3
    output = io.BytesIO()
    Image.merge("RGB", bands).save(output, "JPEG", quality=90)
    return output.getvalue()


def _prepare(port: int, count: int) -> tuple[dict[str, str], list[int]]:
    """Make an account with an item for each upload; return its headers and the items' ids."""
    json_type = {"Content-Type": "application/json"}
    account = json.dumps({"email": EMAIL, "password": PASSWORD})
    _call(port, "POST", "/api/v1/users/", account, json_type)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    credentials = f"username={EMAIL}&password={PASSWORD.replace(' ', '+')}"
    token = _call(port, "POST", "/api/v1/auth/token", credentials, form)["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    item = json.dumps({"name": "Lamp", "price": "12.50", "description": "Turned by hand. " * 10})
    ids = [
        _call(port, "POST", "/api/v1/items/", item, {**headers, **json_type})["id"]
        for _ in range(count)
    ]
    return headers, ids


def _call(port: int, method: str, path: str, body: str, headers: dict[str, str]) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    content = json.loads(answer.read())
    if answer.status not in {200, 201}:
        raise RuntimeError(f"{method} {path}: {content}")
    return content


def _read_for(port: int, items: list[int], readers: int, seconds: float) -> list[float]:
    """Return the milliseconds that each read took."""
    times: list[float] = []
    end = time.perf_counter() + seconds

    def read(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        while time.perf_counter() < end:
            started = time.perf_counter()
            connection.request("GET", f"/api/v1/items/{items[number % len(items)]}")
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:  # noqa: PLR2004 - fine is 200
                raise RuntimeError(f"A reader got {answer.status}.")
            times.append((time.perf_counter() - started) * 1000)
            time.sleep(PAUSE)

    _in_threads(readers, read)
    return times


def _in_threads(count: int, function: Callable[[int], None]) -> None:
    threads = [threading.Thread(target=function, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@contextmanager
def _uploading(
    port: int, headers: dict[str, str], items: list[int], photograph: bytes
) -> Iterator[Callable[[], tuple[int, int]]]:
    """Upload from another process, so that the readers' clock does not suffer."""
    context = multiprocessing.get_context("fork")
    done, refused = context.Value("i", 0), context.Value("i", 0)
    over = context.Event()

    def upload(number: int) -> None:
        head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        body = head + photograph + b"\r\n--x--\r\n"
        wanted = {**headers, "Content-Type": "multipart/form-data; boundary=x"}
        connection = http.client.HTTPConnection("127.0.0.1", port)
        while not over.is_set():
            connection.request("POST", f"/api/v1/items/{items[number]}/image", body, wanted)
            answer = connection.getresponse()
            answer.read()
            counter = done if answer.status == 201 else refused  # noqa: PLR2004 - created
            with counter.get_lock():
                counter.value += 1

    process = context.Process(target=_in_threads, args=(len(items), upload))
    process.start()
    try:
        yield lambda: (done.value, refused.value)
    finally:
        over.set()
        process.join()


def _report(label: str, times: list[float], seconds: float) -> None:
    marks = "  ".join(f"p{mark} {_percentile(times, mark):7.2f}" for mark in (50, 95, 99))
    print(f"{label:12} {len(times) / seconds:7.1f} reads/s  ms: {marks}  max {max(times):7.2f}")


def _percentile(times: list[float], mark: int) -> float:
    return statistics.quantiles(times, n=100)[mark - 1]


if __name__ == "__main__":
    main()
