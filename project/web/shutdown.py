"""What has to end when the server is told to end, before it waits for open answers."""

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def called_at_shutdown(callback: Callable[[], None]) -> Iterator[None]:
    """Call back in the event loop as soon as SIGINT or SIGTERM comes.

    A server waits for open answers first and ends the lifespan afterwards. That would be too
    late for streams: they are open until somebody ends them. So this goes before the handler of
    the server, which is called as ever. Without one, or outside the main thread, where there
    are no signals, nothing happens.
    """
    loop = asyncio.get_running_loop()
    previous: dict[int, Callable[[int, FrameType | None], object]] = {}

    def handle(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(callback)
        previous[number](number, frame)

    if threading.current_thread() is threading.main_thread():
        for number in SIGNALS:
            handler = signal.getsignal(number)
            if callable(handler):
                previous[number] = handler
                signal.signal(number, handle)
    try:
        yield
    finally:
        for installed, handler in previous.items():
            signal.signal(installed, handler)
