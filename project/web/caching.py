"""What lets a client keep an answer instead of asking for it again."""

from collections.abc import Mapping

YEAR = 31_536_000
FOR_EVER = f"public, max-age={YEAR}, immutable"
"""For an address that never means anything else: it names the version it leads to."""

ASK_AGAIN = "public, max-age=60, must-revalidate"
"""For an address whose answer may change; the ETag makes asking cheap."""


def is_known(headers: Mapping[str, str], etag: str) -> bool:
    """Whether a request's `If-None-Match` names this ETag, weak or not (RFC 9110, 13.1.2)."""
    tags = [tag.strip().removeprefix("W/") for tag in headers.get("if-none-match", "").split(",")]
    return etag in tags or tags == ["*"]
