"""The headers by which a browser protects whoever looks at an answer.

What an answer says itself wins: a page with needs of its own sets its own policy. An inline script
or style of a template runs only with the answer's nonce, which is made when one is asked for:

    <script nonce="{{ csp_nonce(request) }}">…</script>
"""

from secrets import token_urlsafe

from starlette.requests import Request
from starlette.types import Scope

from project.settings import Settings

Pair = tuple[bytes, bytes]
Pairs = tuple[Pair, ...]

NONCE = "lintel.nonce"
"""Where the scope keeps a list: empty until a template asks for the nonce."""

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'{nonce}; style-src 'self'{nonce}; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
NO_SNIFFING: Pair = (b"x-content-type-options", b"nosniff")
PAGE: Pairs = (
    NO_SNIFFING,
    (b"content-security-policy", CONTENT_SECURITY_POLICY.format(nonce="").encode()),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
)
# Over plain HTTP a browser ignores it, and complains.
OPENER: Pair = (b"cross-origin-opener-policy", b"same-origin")
# A browser that is led to an answer of the API shows text, and nothing in it does anything.
DATA: Pairs = (
    NO_SNIFFING,
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
REST: Pairs = (NO_SNIFFING,)
FORGET: Pair = (b"cache-control", b"no-store")
# For what has an ETag: the one it was sent to may keep it, and asks each time.
ASK_AGAIN: Pair = (b"cache-control", b"private, no-cache")

KINDS = {b"text/html": PAGE, b"application/json": DATA, b"application/problem+json": DATA}
NOT_MODIFIED = 304
REDIRECTS = range(300, 400)


class ProtectiveHeaders:
    """Completes the headers of every answer; what never changes is put together beforehand."""

    def __init__(self, settings: Settings) -> None:
        hsts = strict_transport_security(settings)
        secure = _with(() if hsts is None else (hsts,))
        secure[b"text/html"] += (OPENER,)
        self._by_scheme = {"http": _with(()), "https": secure}

    def complete(
        self, scope: Scope, status: int, headers: list[Pair], *, is_personal: bool
    ) -> None:
        """Add what the answer does not say itself."""
        if status == NOT_MODIFIED:
            return  # it would change the headers of what the client has kept
        present = dict(headers)
        kinds = self._by_scheme["https" if scope["scheme"] == "https" else "http"]
        kind = present.get(b"content-type", b"").partition(b";")[0]
        if not kind and status in REDIRECTS:
            kind = b"text/html"
        headers += [pair for pair in kinds.get(kind) or kinds[b""] if pair[0] not in present]
        if (is_personal or b"set-cookie" in present) and b"cache-control" not in present:
            headers.append(ASK_AGAIN if b"etag" in present else FORGET)
        if scope[NONCE]:
            _allow_nonce(headers, scope[NONCE][0])


def strict_transport_security(settings: Settings) -> Pair | None:
    """Return the header that lets a browser speak HTTPS alone; where strangers come, only."""
    web = settings.web
    if not settings.is_deployed or not web.hsts_seconds:
        return None
    value = f"max-age={web.hsts_seconds}"
    value += "; includeSubDomains" if web.hsts_include_subdomains else ""
    value += "; preload" if web.hsts_preload else ""
    return (b"strict-transport-security", value.encode())


def csp_nonce(request: Request) -> str:
    """Return the nonce of this answer, for `nonce="…"` of an inline script or style."""
    nonces: list[str] = request.scope.setdefault(NONCE, [])
    if not nonces:
        nonces.append(token_urlsafe(16))
    return nonces[0]


def _with(more: Pairs) -> dict[bytes, Pairs]:
    return {b"": REST + more, **{kind: pairs + more for kind, pairs in KINDS.items()}}


def _allow_nonce(headers: list[Pair], nonce: str) -> None:
    """Put the nonce into our own policy; a page that has its own says itself what may run."""
    allowing = CONTENT_SECURITY_POLICY.format(nonce=f" 'nonce-{nonce}'").encode()
    headers[:] = [
        (name, allowing) if (name, value) == PAGE[1] else (name, value) for name, value in headers
    ]
