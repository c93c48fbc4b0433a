"""The way of a new picture into the storage and the database.

The files come first and the row second, so that no row ever names a file that is not there.
If the row does not come about, the files go again.
"""

import asyncio
import secrets
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from apps.items import services
from apps.items.lanes import FILES
from apps.items.models import Item
from apps.items.rendering import Rendered
from project.errors import Unavailable
from project.runtime import Runtime

T = TypeVar("T")
Hop = Callable[[Callable[[Session, Item], T]], Coroutine[Any, Any, T]]
"""Runs work on the item, which is locked, in a transaction of its own."""


async def keep_image(
    runtime: Runtime, rendered: Rendered, change: Hop[T], show: Callable[[Item], T]
) -> T:
    """Store a picture and make it the item's; return what `show` makes of the item.

    Once begun it goes on to its end, even if nobody waits for it any more.
    """
    return await asyncio.shield(asyncio.ensure_future(_keep(runtime, rendered, change, show)))


async def _keep(
    runtime: Runtime, rendered: Rendered, change: Hop[T], show: Callable[[Item], T]
) -> T:
    # A key of its own for every upload, not the hash of the content: two uploads of the same
    # picture share no file, so that deleting the one never takes the other away.
    token = secrets.token_hex(16)
    key = f"items/{token[:2]}/{token}"
    lane, files = runtime.lanes[FILES], runtime.storage

    def set_image(session: Session, item: Item) -> T:
        services.set_image(
            session,
            item=item,
            key=key,
            digest=rendered.digest,
            width=rendered.width,
            height=rendered.height,
            files=files,
        )
        return show(item)

    try:
        await lane.run(_put_all, runtime, key, rendered)
        return await change(set_image)
    except Exception as error:
        # A connection that broke while it committed leaves open whether the row is there; a
        # file too many does less harm than one that is missing.
        if not getattr(error, "connection_invalidated", False):
            with suppress(Unavailable):
                await lane.run(files.delete, *services.file_names(key).values())
        raise


def _put_all(runtime: Runtime, key: str, rendered: Rendered) -> None:
    for size, name in services.file_names(key).items():
        runtime.storage.put(name, rendered.renditions[size])
