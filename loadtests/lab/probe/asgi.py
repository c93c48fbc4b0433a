"""The application of a worker, for servers: the one that is measured, with the probe around it."""

import importlib
from collections import deque
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from project.mail.mailers import MemoryMailer

from . import channel
from .monitor import Monitor
from .pools import watch_pools
from .requests import Requests, count_all_queries


class Announced:
    """Says when the worker is ready, and watches it from then on if it is to be probed."""

    def __init__(self, app: ASGIApp, inner: Any, written: channel.Channel) -> None:
        self.app = app
        self.inner = inner
        self.written = written
        self.monitor: Monitor | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await self.app(scope, receive, send)
            return

        async def announce(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                self._begin()
            await send(message)

        try:
            await self.app(scope, receive, announce)
        finally:
            if self.monitor is not None:
                self.monitor.stop()

    def _begin(self) -> None:
        if isinstance(self.app, Requests):
            self.monitor = Monitor(self.app, runtime_of(self.inner), self.written)
            self.monitor.start()
        self.written.write(is_ready=True)


def build() -> Announced:
    """Import the application and put around it what is asked for."""
    written = channel.Channel()
    if channel.is_probed():
        watch_pools()
        count_all_queries()
    module, _, name = channel.application().partition(":")
    inner = getattr(importlib.import_module(module), name)
    throw_mail_away(inner)
    return Announced(Requests(inner) if channel.is_probed() else inner, inner, written)


def throw_mail_away(inner: Any) -> None:
    """Keep none of what MAIL_URL=memory: keeps for tests: hours of load would fill the memory."""
    mailer: Any = getattr(runtime_of(inner), "mailer", None)
    if isinstance(mailer, MemoryMailer):
        vars(mailer)["sent"] = deque(maxlen=0)


def runtime_of(inner: Any) -> Any:
    """Return what the project's own application holds; None for any other."""
    return getattr(getattr(inner, "state", None), "runtime", None)


app = build()
