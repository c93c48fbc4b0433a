"""An HTTP protocol whose connections end with an answer instead of in the middle of a request.

uvicorn closes whatever is idle when it is told to end. A request that is on its way at that moment,
over a connection just opened or one kept alive, would be lost: the client sees a reset, and may
not repeat a POST. Here such connections stay open for a moment longer, and whoever uses one is
answered, with `Connection: close`.
"""

from project.management.bounded_http import BoundedHttp

LAST_CALL = 0.5
"""Seconds in which an idle connection may still bring a request."""


class DrainingHttp(BoundedHttp):
    """Answers what is on its way when the server is told to end."""

    _is_ending = False

    def shutdown(self) -> None:
        self._is_ending = True
        if self.cycle is None or self.cycle.response_complete:
            self.loop.call_later(LAST_CALL, super().shutdown)
        else:
            super().shutdown()

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        if self._is_ending:
            self.cycle.keep_alive = False
