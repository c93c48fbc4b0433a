"""The proxy before the real server: what it passes on, and what it keeps away."""

import json
import re
import selectors
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL

from project.settings import MediaSettings, WebSettings
from tests.database import TestDatabase
from tests.deploy.proxies import SOURCES, Proxy, proxying
from tests.processes import Server, environment_for, free_port, fresh_database, serving, until

pytestmark = pytest.mark.needs("health")

TRICKLERS = 50
CLOSED_WITHIN = 15


@pytest.fixture(scope="module")
def url(engine_database: TestDatabase) -> Iterator[URL]:
    with fresh_database(engine_database.engine, is_migrated=True) as url:
        yield url


@pytest.fixture(scope="module")
def server(url: URL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    env = environment_for(
        url, TRUSTED_PROXIES="127.0.0.1", LOG_FORMAT="json", HTTPS_ONLY="true", ALLOWED_HOSTS="*"
    )
    log = tmp_path_factory.mktemp("server") / "log"
    with serving("runserver", "--no-reload", env=env, log=log, first="/health/live") as server:
        yield server


@pytest.fixture(scope="module")
def proxy(server: Server) -> Iterator[Proxy]:
    with proxying(server.port) as proxy:
        yield proxy


def access_of(server: Server, request_id: str) -> dict[str, object]:
    """What the application has logged of one request."""

    def find() -> list[dict[str, object]]:
        lines = (line for line in server.output.splitlines() if request_id in line)
        return [found for found in map(json.loads, lines) if "status" in found]

    until(find, f"the log line of {request_id}")
    return find()[0]


def test_request_arrives_as_it_was(proxy: Proxy, server: Server) -> None:
    answer = proxy.ask(
        "/?secret=canary",
        X_Request_ID="from-outside",
        X_Forwarded_For="203.0.113.9",
        X_Forwarded_Proto="https",
    )
    assert (answer.status, answer.headers["X-Request-ID"]) == (200, "from-outside")
    assert answer.headers["Server"] == "nginx"
    assert access_of(server, "from-outside")["client"] == "203.0.113.9"
    until(lambda: '"request_id":"from-outside","client":"203.0.113.9"' in log_of(proxy), "the log")
    assert "canary" not in log_of(proxy)


def log_of(proxy: Proxy) -> str:
    return proxy.log.read_text()


def test_strangers_say_nothing_of_addresses(proxy: Proxy, server: Server) -> None:
    """What came before the balancer's own entry is the client's word, and worth nothing."""
    proxy.ask(
        "/",
        X_Request_ID="spoofed",
        X_Forwarded_For="198.51.100.1, 203.0.113.9",
        X_Forwarded_Proto="https",
    )
    assert access_of(server, "spoofed")["client"] == "203.0.113.9"


def test_bad_request_ids_are_replaced(proxy: Proxy) -> None:
    answer = proxy.ask("/metrics", X_Request_ID='"a b"')
    assert re.fullmatch("[0-9a-f]{32}", answer.problem["request_id"])
    assert answer.headers["X-Request-ID"] == answer.problem["request_id"]


@pytest.mark.parametrize("path", ["/", "/api/v1/"])
def test_plain_http_is_not_taken_for_https(proxy: Proxy, path: str) -> None:
    assert proxy.ask(path).status in {308, 403}
    assert proxy.ask(path, X_Forwarded_Proto="https").status not in {308, 403}


def test_slow_headers_are_cut_off(proxy: Proxy) -> None:
    """50 connections that trickle are closed, and meanwhile others are answered."""
    began = time.monotonic()
    slow = [proxy.connect() for _ in range(TRICKLERS)]
    with selectors.DefaultSelector() as selector:
        for connection in slow:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Drop: ")
            selector.register(connection, selectors.EVENT_READ)
        assert proxy.ask("/", X_Forwarded_Proto="https").status == 200
        while selector.get_map():
            ready = selector.select(timeout=1)
            drip(selector)
            for key, _ in ready:
                selector.unregister(key.fileobj)
            assert time.monotonic() - began < CLOSED_WITHIN, f"{len(selector.get_map())} are open"
    for connection in slow:
        connection.close()


def drip(selector: selectors.BaseSelector) -> None:
    """Send one more byte, where there is still somebody to take it."""
    for key in selector.get_map().values():
        assert isinstance(key.fileobj, socket.socket)
        try:
            key.fileobj.send(b"a")
        except (BrokenPipeError, ConnectionResetError):
            continue  # it has been closed, which the next look shows


def test_slow_bodies_hold_no_worker(proxy: Proxy, server: Server) -> None:
    """A request whose body is still to come has not reached the application."""
    with proxy.connect() as connection:
        head = "POST /api/v1/ HTTP/1.1\r\nHost: localhost\r\nX-Request-ID: slow-body\r\n"
        connection.sendall(f"{head}Content-Length: 4\r\n\r\nab".encode())
        proxy.ask("/", X_Request_ID="after-it", X_Forwarded_Proto="https")
        access_of(server, "after-it")
        assert "slow-body" not in server.output
        connection.sendall(b"cd")
        access_of(server, "slow-body")


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/", {"X_Long": "a" * 20_000}, 431),
        ("/", {f"X_{number}": "a" * 9_000 for number in range(9)}, 431),
        ("/" + "a" * 20_000, {}, 414),
        ("/metrics", {}, 404),
    ],
    ids=["a line", "all lines", "path", "metrics"],
)
def test_refusals_are_problems(
    proxy: Proxy, path: str, headers: dict[str, str], status: int
) -> None:
    answer = proxy.ask(path, **headers)
    assert answer.status == status
    assert answer.problem["type"] == f"urn:problem:{answer.problem['code']}"


def test_bodies_have_an_end(proxy: Proxy) -> None:
    """The upload that the application allows passes, a byte more does not."""
    limit = MediaSettings.model_fields["max_upload_size"].default
    answer = proxy.ask("/", method="POST", Content_Length=str(limit + 1))
    assert (answer.status, answer.problem["code"]) == (413, "content_too_large")
    assert f"client_max_body_size {limit // 2**20}m;" in (SOURCES / "nginx.conf").read_text()


def test_the_application_answers_before_the_proxy_gives_up() -> None:
    found = re.search(r"proxy_read_timeout (\d+)s;", (SOURCES / "nginx.conf").read_text())
    assert found
    assert int(found[1]) > WebSettings.model_fields["request_timeout"].default + 5


def test_only_what_is_the_same_for_all_is_compressed(proxy: Proxy) -> None:
    accepted = {"Accept_Encoding": "gzip", "X_Forwarded_Proto": "https"}
    assert proxy.ask("/static/site.css", **accepted).headers["Content-Encoding"] == "gzip"
    assert proxy.ask("/", **accepted).headers["Content-Encoding"] is None


def test_application_is_away() -> None:
    with proxying(free_port()) as proxy:
        answer = proxy.ask("/api/v1/items/")
        assert (answer.status, answer.problem["code"]) == (502, "bad_gateway")
        assert answer.headers["Retry-After"] == "2"


def test_another_server_takes_over(server: Server) -> None:
    """One of two cannot be reached: nobody notices."""
    with proxying(free_port(), server.port) as proxy:
        statuses = {proxy.ask("/", X_Forwarded_Proto="https").status for _ in range(6)}
        assert statuses == {200}


@pytest.mark.parametrize(("method", "times"), [("GET", 2), ("POST", 1)])
def test_only_idempotent_requests_are_repeated(method: str, times: int) -> None:
    """Two servers take a request and hang up: a GET is tried on both, a POST on one."""
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as two,
    ):
        ports = [listener.getsockname()[1] for listener in (one, two)]
        with proxying(*ports) as proxy, proxy.connect() as client:
            client.sendall(f"{method} / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode())
            tried = sum(1 for _ in hang_up([one, two], client))
    assert tried == times


def hang_up(listeners: list[socket.socket], client: socket.socket) -> Iterator[None]:
    """Take each request and close, until the client has its answer."""
    with selectors.DefaultSelector() as selector:
        for watched in (*listeners, client):
            selector.register(watched, selectors.EVENT_READ)
        while True:
            ready = [key.fileobj for key, _ in selector.select()]
            for listener in listeners:
                if listener in ready:
                    connection, _ = listener.accept()
                    connection.recv(1000)
                    connection.close()
                    yield
            if client in ready:
                assert client.recv(1000).startswith(b"HTTP/1.1 502 ")
                return


def test_certificates_of_its_own(server: Server, tmp_path: Path, certificate: Path) -> None:
    """Nobody is believed about the scheme or the address but the connection."""
    with proxying(server.port, edge="tls", certificates=certificate) as proxy:
        context = ssl.create_default_context(cafile=str(certificate / "tls.crt"))
        with context.wrap_socket(proxy.connect(), server_hostname="localhost") as connection:
            lines = ["GET / HTTP/1.1", "Host: localhost", "X-Request-ID: over-tls"]
            lines += ["X-Forwarded-For: 203.0.113.9", "Connection: close", "", ""]
            connection.sendall("\r\n".join(lines).encode())
            assert connection.recv(20).startswith(b"HTTP/1.1 200 ")
        assert access_of(server, "over-tls")["client"] == "127.0.0.1"
