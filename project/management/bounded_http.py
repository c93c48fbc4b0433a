"""uvicorn's HTTP protocol, with an end to headers.

Its fast parser keeps whatever comes before the body, however long it is; the slow one (h11) has a
limit. A proxy has one as well, but not every server stands behind a proxy.
"""

import json
from typing import Any

from httptools import HttpRequestParser
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LIMIT = 65_536
"""Bytes of a request's first line and headers together; what h11 allows, too."""

REFUSAL = {
    "type": "about:blank",
    "title": "Request Header Fields Too Large",
    "status": 431,
    "detail": f"The first line and the headers of a request may have {LIMIT:,} bytes.",
    "code": "headers_too_large",
}


class HeadersTooLarge(Exception):
    pass


class BoundedHttp(HttpToolsProtocol):
    """Answers 431 and hangs up when a request's head gets too long."""

    parser: HttpRequestParser
    _head = 0
    """Bytes of chunks that began in a head which is not complete yet."""

    _chunk = 0
    _is_in_head = True
    _is_too_large = False

    def data_received(self, data: bytes) -> None:
        if self._is_too_large:
            return  # the connection is being closed
        self._chunk = len(data)
        if self._is_in_head:
            self._head += self._chunk
        super().data_received(data)
        if self._is_in_head and self._head > LIMIT and not self.transport.is_closing():
            self._refuse()

    def on_message_complete(self) -> None:
        # What comes next is another head; what of it came with this request is not counted here.
        self._is_in_head, self._head = True, 0
        super().on_message_complete()

    def on_headers_complete(self) -> None:
        # A body that came with the headers is counted as well, so look twice.
        if max(self._head, self._chunk) > LIMIT and self._size_of_headers() > LIMIT:
            self._is_too_large = True
            raise HeadersTooLarge  # which the parser reports to `send_400_response`
        self._is_in_head, self._head = False, 0
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        if self._is_too_large:
            self._refuse()
        else:
            super().send_400_response(msg)

    def _size_of_headers(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def _refuse(self) -> None:
        self._is_too_large = True
        body = json.dumps(REFUSAL).encode()
        head: list[Any] = [
            "HTTP/1.1 431 Request Header Fields Too Large",
            "content-type: application/problem+json",
            f"content-length: {len(body)}",
            "connection: close",
        ]
        self.transport.write("\r\n".join([*head, "", ""]).encode() + body)
        self.transport.close()
