"""Requests without Locust, one at a time: enough to see whether journeys meet what they expect."""

import http.client
from contextlib import closing
from urllib.parse import urlsplit

from loadtests.visitor import Answer, Request, is_enough

PATIENCE = 30.0


class PlainTransport:
    """Opens a connection for each request; `sent` counts them."""

    def __init__(self, host: str) -> None:
        parts = urlsplit(host)
        is_https = parts.scheme == "https"
        self._kind = http.client.HTTPSConnection if is_https else http.client.HTTPConnection
        self._place = parts.netloc
        self.sent = 0

    def send(self, request: Request) -> Answer:
        """Make a request; the status is 0 where nobody answers."""
        self.sent += 1
        try:
            with closing(self._kind(self._place, timeout=PATIENCE)) as connection:
                body, headers = request.body, dict(request.headers)
                connection.request(request.method, request.path, body, headers)
                return _read(request, connection.getresponse())
        except (OSError, http.client.HTTPException):
            return Answer(status=0, content_type="", body=b"")


def _read(request: Request, response: http.client.HTTPResponse) -> Answer:
    body = b""
    if request.events:
        while not is_enough(request, body) and (line := response.readline()):
            body += line
    else:
        body = response.read()
    content_type = response.headers.get("Content-Type", "")
    return Answer(status=response.status, content_type=content_type, body=body)
