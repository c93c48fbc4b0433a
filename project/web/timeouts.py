"""No request outlives REQUEST_TIMEOUT, whatever it waits for."""

import asyncio
from time import monotonic

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from project.deadline import Deadline, RequestTimeout, current_deadline
from project.web.problems import domain_problem


class RequestTimeouts:
    """Answers 503 when a request has no answer in time.

    An answer that has begun may take its time: a client reads slowly, a stream has no end. What
    a thread is doing for the request comes to nothing: it does not commit any more
    (`project.deadline`), and PostgreSQL's own deadlines are shorter than this one.
    """

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self.app = app
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def watch(message: Message) -> None:
            if message["type"] == "http.response.start":
                deadline.end = None
                timeout.reschedule(None)
            await send(message)

        deadline = Deadline(monotonic() + self.seconds)
        token = current_deadline.set(deadline)
        try:
            async with asyncio.timeout(self.seconds) as timeout:
                await self.app(scope, receive, watch)
        except TimeoutError:
            if not timeout.expired():
                raise
            response = domain_problem(scope, RequestTimeout())
            await response(scope, receive, send)
        finally:
            current_deadline.reset(token)
