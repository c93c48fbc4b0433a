"""Servers that are kept warm for as long as somebody measures them."""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from types import TracebackType
from typing import Self

from sqlalchemy import URL

from loadtests.lab.server import Server, serving
from loadtests.lab.window import Config

Start = Callable[[Config, URL], AbstractContextManager[Server]]


class Running:
    """At most those servers that were asked for last; all are stopped at the end."""

    def __init__(self, url: URL, *, start: Start = serving) -> None:
        self.url = url
        self._start = start
        self._servers: dict[Config, tuple[Server, ExitStack]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.only()

    def only(self, *configs: Config) -> list[Server]:
        """Stop all others, start those that are missing, and return them in this order."""
        for config in [config for config in self._servers if config not in configs]:
            self._servers.pop(config)[1].close()
        return [self._one(config) for config in configs]

    def _one(self, config: Config) -> Server:
        if config not in self._servers:
            stack = ExitStack()
            self._servers[config] = (stack.enter_context(self._start(config, self.url)), stack)
        return self._servers[config][0]
