"""OpenTelemetry, if the standard variables name a collector (`OTEL_EXPORTER_OTLP_ENDPOINT`).

FastAPI makes the spans and metrics of requests, and exports them from a thread of its own, so a
collector that is gone delays nobody. What is added here: a span for each SQL statement, and that
no span says more than a line of the log would.
"""

import importlib
import os
from typing import TYPE_CHECKING, Any

from fastapi.telemetry import TelemetryConfig
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import ExceptionContext
from starlette.types import Scope

from project.errors import ImproperlyConfigured
from project.metrics.paths import UNSEEN_PATHS
from project.web.redaction import LIKE_A_SECRET

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import Span

ENDPOINTS = (
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
    "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
)
SPAN = "lintel_statement_span"


def is_exporting() -> bool:
    """Whether the environment names a collector, and does not switch it off."""
    is_disabled = os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
    return not is_disabled and any(os.environ.get(name) for name in ENDPOINTS)


def configure_telemetry() -> TelemetryConfig:
    """Return what FastAPI shall do. Raises ImproperlyConfigured if the extra is not installed."""
    if not is_exporting():
        return {"auto_configure": False}
    try:
        importlib.import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
    except ImportError as error:
        raise ImproperlyConfigured(
            "OTEL_EXPORTER_OTLP_ENDPOINT is set, but nothing is installed that exports: "
            "install the extra `otel`, or set OTEL_SDK_DISABLED=true."
        ) from error
    _provide_traces()
    return {"auto_configure": True, "exclude": _is_unseen}


def _provide_traces() -> None:
    """Make this process's provider, to which FastAPI adds the exporter when it starts."""
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider  # noqa: PLC0415 - 60 ms

    if isinstance(trace.get_tracer_provider(), TracerProvider):
        return

    class Redaction(SpanProcessor):
        """Takes out what may be a secret before the exporter, which comes after, sees it."""

        def on_start(self, span: "Span", parent_context: object = None) -> None:  # noqa: ARG002
            attributes = span.attributes or {}
            if "url.query" in attributes:
                span.set_attribute("url.query", "REDACTED")
            if "url.path" in attributes:
                path = LIKE_A_SECRET.sub("{token}", str(attributes["url.path"]))
                span.set_attribute("url.path", path)

    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(Redaction())
    trace.set_tracer_provider(provider)


def _is_unseen(scope: Scope) -> bool:
    return str(scope.get("path", "")).startswith(UNSEEN_PATHS)


def current_trace_id() -> str | None:
    """Return the trace of the span around this request, in hexadecimal, if there is one."""
    context = trace.get_current_span().get_span_context()
    return f"{context.trace_id:032x}" if context.is_valid else None


def trace_statements(*engines: Engine) -> None:
    """Give each statement a span with its text, never its values; once per engine.

    Our own, because the instrumentation that OpenTelemetry offers ends at SQLAlchemy 2.0.
    """
    for engine in engines:
        if not event.contains(engine, "before_cursor_execute", _begin):
            event.listen(engine, "before_cursor_execute", _begin)
            event.listen(engine, "after_cursor_execute", _end)
            event.listen(engine, "handle_error", _fail)


def _begin(connection: Connection, _cursor: Any, statement: str, *_: Any) -> None:
    operation = statement.split(None, 1)[0].upper() if statement.strip() else "SQL"
    connection.info[SPAN] = trace.get_tracer("lintel.sql").start_span(
        operation,
        kind=SpanKind.CLIENT,
        attributes={
            "db.system.name": "postgresql",
            "db.namespace": connection.engine.url.database or "",
            "db.operation.name": operation,
            "db.query.text": statement,
        },
    )


def _end(connection: Connection, *_: Any) -> None:
    if (span := connection.info.pop(SPAN, None)) is not None:
        span.end()


def _fail(context: ExceptionContext) -> None:
    connection = context.connection
    span = connection.info.pop(SPAN, None) if connection is not None else None
    if span is not None:
        code = getattr(context.original_exception, "sqlstate", None)
        span.set_attribute("error.type", code or type(context.original_exception).__name__)
        span.set_status(StatusCode.ERROR)
        span.end()
