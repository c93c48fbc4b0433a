"""The listening connection, when the network between it and the server is to blame."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import URL, Engine, create_engine, text
from sqlalchemy.orm import Session

from project.db import notifications
from project.db.notifications import CHANNEL, Listener
from tests.database import TestDatabase

pytestmark = [pytest.mark.anyio, pytest.mark.committed]


class Wire:
    """A TCP connection to the server that can go dead without a word, or be cut."""

    def __init__(self, url: URL) -> None:
        self._url = url
        self._pairs: list[tuple[asyncio.Task[None], asyncio.StreamWriter]] = []

    async def start(self) -> int:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back_reader, back_writer = await self._open()
        for source, target in ((reader, back_writer), (back_reader, writer)):
            self._pairs.append((asyncio.create_task(self._forward(source, target)), target))

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host = str(self._url.query.get("host") or self._url.host)
        port = int(str(self._url.query.get("port") or self._url.port or 5432))
        if host.startswith("/"):
            return await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        return await asyncio.open_connection(host, port)

    async def _forward(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            target.write(data)
        target.close()

    def fall_silent(self) -> None:
        """Forward nothing more on the connections that are open; none of them is closed."""
        for task, _ in self._pairs:
            task.cancel()

    async def end(self) -> None:
        self.fall_silent()
        self._server.close()
        for _, writer in self._pairs:
            writer.close()


@pytest.fixture
async def wire(database: TestDatabase) -> AsyncIterator[Wire]:
    wire = Wire(database.engine.url)
    yield wire
    await wire.end()


def through(port: int, database: TestDatabase) -> Engine:
    url = database.engine.url.difference_update_query(["host", "port"])
    return create_engine(url.set(host="127.0.0.1", port=port))


async def test_silence_is_noticed(
    monkeypatch: pytest.MonkeyPatch, wire: Wire, database: TestDatabase, session: Session
) -> None:
    """A server that vanished says nothing at all; it is asked, and given up."""
    monkeypatch.setattr(notifications, "HEARTBEAT", 0.2)
    monkeypatch.setattr(notifications, "PATIENCE", 0.2)
    connected, heard = asyncio.Queue[None](), asyncio.Queue[str]()
    engine = through(await wire.start(), database)
    listener = Listener(
        engine, on_notify=heard.put_nowait, on_connect=lambda: connected.put_nowait(None)
    )
    task = asyncio.create_task(listener.run())
    async with asyncio.timeout(60):
        await connected.get()
        wire.fall_silent()
        await connected.get()
        session.execute(text(f"NOTIFY {CHANNEL}, 'again'"))
        session.commit()
        assert await heard.get() == "again"
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    engine.dispose()
