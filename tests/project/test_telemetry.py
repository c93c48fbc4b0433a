"""Spans and errors as a collector and Sentry get them from a real server."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from sqlalchemy import URL

from project.settings import ROOT
from tests.copies import ProjectCopy
from tests.database import TestDatabase
from tests.processes import Server, environment_for, free_port, fresh_database, serving, until
from tests.receivers import Receiver, receiving

TRACE = "0af7651916cd43dd8448eb211c80319c"
CANARY = "canary-7b1e"
BROKEN = """

@router.get("/broken/{token}")
async def broken(token: str) -> str:
    held = token + "-held"
    raise RuntimeError("this route is broken")
"""
HASTE = {"OTEL_BSP_SCHEDULE_DELAY": "100", "OTEL_METRICS_EXPORTER": "none"}


class Watched(NamedTuple):
    server: Server
    receiver: Receiver

    def get(self, path: str, **headers: str) -> int:
        request = urllib.request.Request(f"http://127.0.0.1:{self.server.port}{path}")
        request.headers.update(headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    def spans(self) -> list[Span]:
        return spans_of(self.receiver)


def spans_of(receiver: Receiver) -> list[Span]:
    found = []
    for body in receiver.bodies("/v1/traces"):
        request = ExportTraceServiceRequest.FromString(body)
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                found += scope.spans
    return found


def attributes(span: Span) -> dict[str, str]:
    return {it.key: it.value.string_value or str(it.value.int_value) for it in span.attributes}


@pytest.fixture(scope="module")
def url(engine_database: TestDatabase) -> Iterator[URL]:
    with fresh_database(engine_database.engine, is_migrated=True) as url:
        yield url


@pytest.fixture(scope="module")
def watched(url: URL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    folder = tmp_path_factory.mktemp("watched")
    copy = ProjectCopy.make(folder, url)
    routes = copy.root / "apps" / "health" / "routes.py"
    routes.write_text(routes.read_text() + BROKEN)
    with receiving() as receiver:
        env = {
            **copy.environment,
            **HASTE,
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{receiver.port}",
            "OTEL_SERVICE_NAME": "shop",
            "SENTRY_DSN": f"http://key@127.0.0.1:{receiver.port}/1",
            "LOG_FORMAT": "json",
        }
        words = ("runserver", "--no-reload")
        with serving(*words, env=env, log=folder / "log", root=copy.root) as server:
            yield Watched(server, receiver)


@pytest.mark.needs("items", "health")
def test_a_request_and_its_statements_are_one_trace(watched: Watched) -> None:
    parent = f"00-{TRACE}-b7ad6b7169203331-01"
    assert watched.get(f"/api/v1/items/?search={CANARY}", traceparent=parent) == 200
    until(lambda: any(span.name == "SELECT" for span in watched.spans()), "the statement's span")
    own = [span for span in watched.spans() if span.trace_id.hex() == TRACE]
    (request,) = (span for span in own if span.kind == Span.SPAN_KIND_SERVER)
    assert attributes(request)["http.route"] == "/api/v1/items/"
    statements = [attributes(span) for span in own if span.kind == Span.SPAN_KIND_CLIENT]
    assert any("FROM items" in it["db.query.text"] for it in statements)
    assert CANARY.encode() not in watched.receiver.everything


@pytest.mark.needs("items", "health")
def test_a_trace_that_begins_here_is_in_the_log(watched: Watched) -> None:
    assert watched.get("/api/v1/items/?limit=3") == 200
    lines = [json.loads(it) for it in watched.server.output.splitlines() if it.startswith("{")]
    line = next(it for it in reversed(lines) if it.get("route") == "/api/v1/items/")
    until(
        lambda: line["trace_id"] in {span.trace_id.hex() for span in watched.spans()}, "its spans"
    )


@pytest.mark.needs("health")
def test_errors_are_reported_without_secrets(watched: Watched) -> None:
    token = f"{CANARY}-{'x' * 40}"
    assert watched.get(f"/health/broken/{token}", **{"X-Request-ID": "asked-1"}) == 500
    until(lambda: watched.receiver.bodies("/api/1/envelope"), "the report")
    (report,) = (
        json.loads(line)
        for body in watched.receiver.bodies("/api/1/envelope")
        for line in body.splitlines()
        if b'"exception"' in line
    )
    (error,) = report["exception"]["values"]
    assert (error["type"], error["value"]) == ("RuntimeError", "this route is broken")
    assert report["tags"]["request_id"] == "asked-1"
    assert CANARY.encode() not in watched.receiver.everything


@pytest.mark.needs("health")
def test_what_machines_ask_for_makes_no_span(watched: Watched) -> None:
    before = {span.span_id for span in watched.spans()}
    for path in ("/health/live", "/health/ready", "/api/v1/"):
        watched.get(path)
    until(lambda: {span.span_id for span in watched.spans()} - before, "the last one's span")
    paths = {attributes(span).get("url.path", "") for span in watched.spans()}
    assert "/api/v1/" in paths
    assert not any(path.startswith("/health/") for path in paths)


@pytest.mark.needs("items")
@pytest.mark.parametrize("workers", [1, 2])
def test_the_last_spans_leave_before_the_end(url: URL, tmp_path: Path, workers: int) -> None:
    """They would have waited for a minute; each worker has an exporter of its own."""
    with receiving() as receiver:
        address = f"http://127.0.0.1:{receiver.port}"
        delay = {"OTEL_BSP_SCHEDULE_DELAY": "60000", "OTEL_METRICS_EXPORTER": "none"}
        env = environment_for(url, OTEL_EXPORTER_OTLP_ENDPOINT=address, **delay)
        words = ("runserver", "--no-reload", "--workers", str(workers))
        with serving(*words, env=env, log=tmp_path / "log") as server:
            for _ in range(6):
                assert server.read("/api/v1/items/")[0] == 200
            assert spans_of(receiver) == []
            assert server.end(signal.SIGTERM) == 0
        requests = [it for it in spans_of(receiver) if it.kind == Span.SPAN_KIND_SERVER]
        asked = [it for it in requests if attributes(it).get("http.route") == "/api/v1/items/"]
        assert len(asked) == 6


@pytest.mark.needs("items")
def test_a_collector_that_is_gone_delays_nobody(url: URL, tmp_path: Path) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    env = environment_for(
        url,
        OTEL_EXPORTER_OTLP_ENDPOINT=nowhere,
        SENTRY_DSN=f"{nowhere.replace('//', '//key@')}/1",
        **HASTE,
    )
    with serving("runserver", "--no-reload", env=env, log=tmp_path / "log") as server:
        assert [server.read("/api/v1/items/")[0] for _ in range(20)] == [200] * 20
        began = time.monotonic()
        assert server.end(signal.SIGTERM) == 0
        assert time.monotonic() - began < 25  # below the grace periods in deploy/


@pytest.mark.parametrize(
    ("name", "value", "missing", "said"),
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9", "opentelemetry.exporter", "`otel`"),
        ("SENTRY_DSN", "http://key@127.0.0.1:9/1", "sentry_sdk", "`sentry`"),
        ("SENTRY_DSN", "nonsense", None, "https://key@sentry.example.com/1"),
    ],
)
def test_what_is_missing_is_one_line(
    name: str, value: str, missing: str | None, said: str, tmp_path: Path
) -> None:
    """The package is hidden as if it had not been installed."""
    (tmp_path / "sitecustomize.py").write_text(f"import sys\nsys.modules[{missing!r}] = None\n")
    env = {**os.environ, name: value, "ENVIRONMENT": "test"}
    if missing:
        env["PYTHONPATH"] = str(tmp_path)
    finished = subprocess.run(
        [sys.executable, "manage.py", "routes"],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode != 0
    assert said in finished.stderr
    assert len(finished.stderr.strip().splitlines()) == 1
