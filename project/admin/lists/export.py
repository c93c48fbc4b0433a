"""Writing a list into a file: row by row off a cursor, whatever its length.

The thread that reads runs ahead of the client by a few pieces at most; a client that has gone
ends it at the next one.
"""

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import TimeoutError as TooSlow
from dataclasses import dataclass
from time import monotonic
from typing import Any

from sqlalchemy import Select
from sqlalchemy.orm import Session, aliased

from project.admin.lists.loading import load_alias
from project.admin.lists.paths import find_path
from project.admin.lists.plain_files import CSV, as_cell, as_json, as_reference
from project.admin.lists.selection import Selection
from project.admin.recording import Actor
from project.admin.rows import with_relations, without_secrets
from project.admin.views import ModelAdmin
from project.trail import Entry

EXPORT = "export"
PIECE = 1_000
"""Rows that are read and written at a time."""

AHEAD = 4
SLOWEST_READER = 20.0
"""Seconds for a client to take one piece; PostgreSQL ends idle transactions not much later."""

BOM = "\ufeff".encode()
"""What makes Excel read UTF-8."""


class ClientGone(Exception):
    """Nobody reads any more, or too slowly."""


class Pipe:
    """From a thread to a coroutine: bounded, and closed from either end."""

    def __init__(self, longest: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._pieces: asyncio.Queue[bytes] = asyncio.Queue(AHEAD)
        self._ends = monotonic() + longest
        self.is_closed = False

    def write(self, piece: bytes) -> None:
        """Hand a piece over, from the thread. Raises ClientGone."""
        if self.is_closed or monotonic() > self._ends:
            raise ClientGone
        put = asyncio.run_coroutine_threadsafe(self._pieces.put(piece), self._loop)
        try:
            put.result(SLOWEST_READER)
        except TooSlow:
            put.cancel()
            raise ClientGone from None

    def close(self) -> None:
        """Let the thread end: it may be waiting for room."""
        self.is_closed = True
        while not self._pieces.empty():
            self._pieces.get_nowait()

    async def read(self, work: "asyncio.Future[Any]") -> bytes | None:
        """Return the next piece, None after the last, or raise what the thread has raised."""
        piece = asyncio.ensure_future(self._pieces.get())
        try:
            await asyncio.wait({piece, work}, return_when=asyncio.FIRST_COMPLETED)
            if piece.done():
                return piece.result()
        finally:
            piece.cancel()
        work.result()
        return None if self._pieces.empty() else self._pieces.get_nowait()


@dataclass(frozen=True)
class Order:
    """What is to be written, and how."""

    selection: Selection
    names: Sequence[str]
    kind: str
    has_bom: bool = False
    filters: str = ""


@dataclass
class Written:
    """How far an export has come."""

    rows: int = 0
    is_whole: bool = False


def export_names(view: ModelAdmin) -> list[str]:
    """Name the columns that are exported; secrets are never among them."""
    return [name for name in view.get_export_columns() if isinstance(name, str)]


def write_rows(session: Session, order: Order, actor: Actor, pipe: Pipe, written: Written) -> None:
    """Write all rows into the pipe, and the export into the history, however far it came."""
    try:
        for piece, rows in _pieces(session, order):
            pipe.write(piece)
            written.rows += rows
        written.is_whole = True
    except ClientGone:
        pass
    record_export(session, order, actor, written)


def record_export(session: Session, order: Order, actor: Actor, written: Written) -> None:
    """Write down who has taken what: how many rows, which columns, which filters."""
    view = order.selection.view
    trail = view.runtime.trail
    if trail is None:
        return
    filters = order.filters if order.selection.is_everything else "chosen rows"
    entry = Entry(
        actor_id=actor.principal.id,
        actor_label=actor.principal.email,
        action=EXPORT,
        model=view.model_label,
        object_id="",
        object_label=f"{written.rows:,} {view.declared_plural.lower()}",
        changes={
            "rows": [None, written.rows],
            "complete": [None, written.is_whole],
            "columns": [None, ", ".join(order.names)],
            "filters": [None, filters],
            "format": [None, order.kind],
        },
        request_id=actor.request_id,
        address=actor.address,
    )
    trail.record(session, [entry])


def _pieces(session: Session, order: Order) -> Iterator[tuple[bytes, int]]:
    statement, readers = _select(order)
    write = _csv_writer(order.names) if order.kind == CSV else _json_writer(order.names)
    head = write(None) if order.kind == CSV else ""
    yield (BOM if order.has_bom else b"") + head.encode(), 0
    result = session.execute(statement, execution_options={"yield_per": PIECE})
    for rows in result.partitions():
        lines = [[read(row) for read in readers] for row in rows]
        yield write(lines).encode(), len(lines)


def _csv_writer(names: Sequence[str]) -> Callable[[Any], str]:
    def write(lines: Sequence[Sequence[Any]] | None) -> str:
        text = io.StringIO()
        writer = csv.writer(text)
        if lines is None:
            writer.writerow(names)
        else:
            writer.writerows([as_cell(value) for value in line] for line in lines)
        return text.getvalue()

    return write


def _json_writer(names: Sequence[str]) -> Callable[[Any], str]:
    encode = json.JSONEncoder(ensure_ascii=False).encode

    def write(lines: Sequence[Sequence[Any]]) -> str:
        return "".join(
            encode(dict(zip(names, map(as_json, line), strict=True))) + "\n" for line in lines
        )

    return write


def _select(order: Order) -> tuple[Select[Any], list[Callable[[Any], Any]]]:
    """Select plain columns where that is enough, and rows as objects where it is not.

    Columns come three times as fast. A relation is one row more, joined.
    """
    selection, view = order.selection, order.selection.view
    statement, entities = selection.statement(), list[Any]()
    options: list[Any] = []
    readers: list[Callable[[Any], Any]] = []

    def reader(number: int, follow: Callable[[Any], Any] | None) -> Callable[[Any], Any]:
        return (lambda row: follow(row[number])) if follow else (lambda row: row[number])

    for name in order.names:
        path = find_path(view.model, name)
        number = len(entities)
        if path is None or path.relations:
            entities.append(view.model)
            options += [*without_secrets(view), *with_relations(view, [name])]
            readers.append(reader(number, _follow(name)))
        elif path.target is not None:
            target: Any = aliased(path.target)
            relation = getattr(view.model, name)
            statement = statement.outerjoin(relation.of_type(target))
            entities.append(target)
            options += load_alias(target)
            readers.append(reader(number, as_reference))
        else:
            entities.append(path.column)
            readers.append(reader(number, None))
    return _sorted(order, statement).with_only_columns(
        *entities, maintain_column_froms=True
    ).options(*options), readers


def _sorted(order: Order, statement: Select[Any]) -> Select[Any]:
    query, view = order.selection.query, order.selection.view
    ordering = view.order_of(()) if query is None else query.ordering
    joined, columns = ordering.join(statement)
    return joined.order_by(None).order_by(*ordering.clauses(columns))


def _follow(name: str) -> Callable[[Any], Any]:
    def follow(row: Any) -> Any:
        for part in name.split("."):
            row = None if row is None else getattr(row, part)
        return row

    return follow


async def stream(pipe: Pipe, work: "asyncio.Future[Any]", first: bytes) -> AsyncIterator[bytes]:
    """Yield the pieces; whoever stops reading ends the thread."""
    try:
        yield first
        while (piece := await pipe.read(work)) is not None:
            yield piece
    finally:
        pipe.close()
