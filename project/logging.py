"""Logs: one sink on standard error, text for people or one JSON object a line.

Every library's records arrive here too. Values of local variables are never written
(loguru's `diagnose` would), so a secret cannot reach the log by way of a traceback.
"""

import json
import logging
import sys
import traceback
from contextvars import Context, ContextVar
from typing import TYPE_CHECKING, Any

from loguru import logger

from project.settings import Settings

if TYPE_CHECKING:
    from loguru import Record

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The id of the request that is being answered, in every lane and task of it."""

trace_id: ContextVar[str | None] = ContextVar("trace_id", default=None)
"""The trace that the request is part of, if the caller said so (`traceparent`)."""

QUIET = ("httpx2", "httpcore2", "asyncio", "PIL", "multipart", "python_multipart", "alembic")

# The access log's sentence says these already.
HIDDEN_IN_TEXT = frozenset(
    {
        *("logger", "method", "path", "route", "status", "duration_ms", "client"),
        *("lane_wait_ms", "queries", "user_id"),
    }
)


def configure_logging(settings: Settings) -> None:
    """Send everything that is logged in this process to standard error."""
    style = settings.logging.format or ("json" if settings.is_deployed else "text")
    logger.remove()
    logger.configure(patcher=_add_request_id)
    if style == "json":
        # What the format makes is not read: the shortest one costs least.
        logger.add(
            _write_json,
            level=settings.logging.level,
            format="{message}",
            diagnose=False,
            backtrace=False,
        )
    else:
        logger.add(
            sys.stderr,
            level=settings.logging.level,
            format=_text_format,
            diagnose=False,
            backtrace=False,
        )
    _capture_standard_logging(settings.logging.level)


def log_context() -> Context:
    """Return a context with the ids of this request and nothing else, for work that outlives it."""
    context = Context()
    for variable in (request_id, trace_id):
        context.run(variable.set, variable.get())
    return context


def _add_request_id(record: "Record") -> None:
    extra = record["extra"]
    extra.setdefault("request_id", request_id.get())
    if (trace := trace_id.get()) is not None:
        extra["trace_id"] = trace


def _text_format(record: "Record") -> str:
    """Leave out what a person at a terminal would only skip: ids of requests that went well."""
    if record["message"].startswith("Traceback (most recent call last)"):
        # A lifespan that failed arrives as text; its last line says it, to people.
        record["message"] = record["message"].strip().splitlines()[-1]
    extra = record["extra"]
    shown = [key for key in extra if key not in HIDDEN_IN_TEXT and extra[key] is not None]
    if record["level"].no < logger.level("WARNING").no:
        shown = [key for key in shown if key not in {"request_id", "trace_id"}]
    fields = "".join(f" {key}={{extra[{key}]}}" for key in shown)
    return (
        "<green>{time:HH:mm:ss.SSS}</green> <level>{level: <7}</level> {message}"
        f"<dim>{fields}</dim>\n{{exception}}"
    )


# `json.dumps` would make an encoder for each line.
_encode = json.JSONEncoder(default=str).encode


def _write_json(message: Any) -> None:
    record: Record = message.record
    line: dict[str, Any] = {
        "time": record["time"].isoformat(),
        "level": record["level"].name.lower(),
        "logger": record["extra"].get("logger") or record["name"],
        "message": record["message"],
        **{key: value for key, value in record["extra"].items() if key != "logger"},
    }
    if record["exception"] is not None:
        line["exception"] = "".join(traceback.format_exception(*record["exception"]))
    sys.stderr.write(_encode(line) + "\n")


class _Forwarder(logging.Handler):
    """Hands the standard library's records to loguru."""

    def emit(self, record: logging.LogRecord) -> None:
        level: str | int = record.levelname
        if level not in {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"}:
            level = record.levelno
        logger.bind(logger=record.name).opt(exception=record.exc_info).log(
            level, "{}", record.getMessage()
        )


def _capture_standard_logging(level: str) -> None:
    logging.basicConfig(handlers=[_Forwarder()], level=level, force=True)
    for name in ("uvicorn", "uvicorn.error"):
        library = logging.getLogger(name)
        library.handlers = []
        library.propagate = True
    logging.getLogger("uvicorn.access").disabled = True  # ours knows the route and the id
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
