"""Errors told to Sentry, or what speaks like it, if `SENTRY_DSN` names a place.

Every error of this project is a line of the log, so the log is what is reported: with the
request's id, without values of variables, bodies, headers or addresses. It leaves from a
thread of its own; a place that does not answer delays nobody.
"""

import atexit
import importlib
from typing import Any

from loguru import logger

from project import __version__
from project.errors import ImproperlyConfigured
from project.settings import Settings

PATIENCE = 2.0
"""Seconds that the last reports may take when the process ends."""

TAGS = ("request_id", "trace_id", "route")


def report_errors(settings: Settings) -> None:
    """Send what is logged as an error. Raises ImproperlyConfigured without the extra `sentry`."""
    dsn = settings.general.sentry_dsn
    if dsn is None:
        return
    try:
        sentry: Any = importlib.import_module("sentry_sdk")
    except ImportError as error:
        raise ImproperlyConfigured(
            "SENTRY_DSN is set, but sentry-sdk is not installed: install the extra `sentry`."
        ) from error
    try:
        sentry.init(
            dsn=dsn.get_secret_value(),
            environment=settings.general.environment,
            release=__version__,
            default_integrations=False,
            include_local_variables=False,
            send_default_pii=False,
            shutdown_timeout=PATIENCE,
        )
    except sentry.utils.BadDsn as error:
        raise ImproperlyConfigured(
            "SENTRY_DSN is not an address such as https://key@sentry.example.com/1."
        ) from error
    atexit.register(sentry.flush, PATIENCE)

    def send(message: Any) -> None:
        record = message.record
        with sentry.new_scope() as scope:
            for name in TAGS:
                if record["extra"].get(name):
                    scope.set_tag(name, record["extra"][name])
            scope.set_tag("logger", record["extra"].get("logger") or record["name"])
            if record["exception"] is not None and record["exception"].value is not None:
                sentry.capture_exception(record["exception"].value)
            else:
                sentry.capture_message(record["message"], level=record["level"].name.lower())

    logger.add(send, level="ERROR", format="{message}", diagnose=False, backtrace=False)
