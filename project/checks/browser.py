"""Checks of what protects a browser in a place where strangers come: Django's, translated.

They look at what the application answers and not only at settings, so a middleware that somebody
took out, or a policy that somebody loosened, is noticed. Ids that begin with `security.W0` are
Django's.
"""

import asyncio
from collections.abc import Iterator

from loguru import logger
from starlette.types import Message, Scope

from project.checks.framework import Problem, Rule, Subject, check, check_rules
from project.web.headers import strict_transport_security
from project.web.same_origin import CrossSiteWrite

ACCESS_LOG = "project.web.middleware"
YEAR = 31_536_000
OPENER = b"cross-origin-opener-policy"
POLICY = b"content-security-policy"
WANTED = {
    b"x-frame-options": ("security.W002", "Other sites may frame this one."),
    b"x-content-type-options": ("security.W006", "A browser may guess what an answer is."),
    b"referrer-policy": ("security.W022", "Addresses of pages, and what is in them, leak."),
    POLICY: ("security.W105", "Whatever gets into a page may run in it."),
}
DOCUMENTATION = "/api/docs"


def _has_hsts(subject: Subject) -> bool:
    """A year and all subdomains is what auditors ask for (ASVS 3.4.1)."""
    is_sent = strict_transport_security(subject.settings) is not None
    return is_sent and subject.settings.web.hsts_seconds >= YEAR


SETTINGS = check_rules(
    "security",
    Rule(
        "security.W004",
        lambda subject: not _has_hsts(subject),
        "HSTS_SECONDS is less than a year, or this is no deployment, which sends it.",
        "Leave it unset, once everything here speaks HTTPS.",
    ),
    Rule(
        "security.W005",
        lambda subject: _has_hsts(subject) and not subject.settings.web.hsts_include_subdomains,
        "HSTS leaves out the names below this host.",
        "Set HSTS_INCLUDE_SUBDOMAINS=true if all of them speak HTTPS.",
    ),
    Rule(
        "security.W021",
        lambda subject: _has_hsts(subject) and not subject.settings.web.hsts_preload,
        "Browsers may not have HSTS built in for this host: its first visit is in the clear.",
        "Set HSTS_PRELOAD=true to hand it in for their list.",
    ),
    Rule(
        "security.W008",
        lambda subject: not subject.settings.is_https_only,
        "HTTPS_ONLY is off: passwords and tokens may come in the clear.",
        "Leave it unset, and let the proxy say X-Forwarded-Proto.",
    ),
    Rule(
        "security.W104",
        lambda subject: subject.runtime.limiter is None,
        "Nothing counts wrong passwords: they can be guessed as fast as argon2 goes.",
        "Leave THROTTLING_ENABLED unset, and apps.throttling in INSTALLED_APPS.",
    ),
    deploy=True,
)


@check("security", deploy=True)
def pages_are_protected(subject: Subject) -> Iterator[Problem]:
    status, headers = _ask(subject, "GET", "/")
    for name, (number, message) in WANTED.items():
        if name not in headers:
            yield Problem(
                number,
                message,
                hint="RequestContext sends the header (project/web/headers.py): put it back.",
                obj=f"{name.decode()} of / ({status})",
            )
    if OPENER not in headers and b"text/html" in headers.get(b"content-type", b""):
        yield Problem(
            "security.W024",
            "A page that opened ours keeps a hold of its window.",
            hint="Send Cross-Origin-Opener-Policy: same-origin (project/web/headers.py).",
        )
    if POLICY in headers:
        yield from _loosened(headers[POLICY])


@check("security", deploy=True)
def writes_of_other_sites_are_refused(subject: Subject) -> Iterator[Problem]:
    """The admin has a cookie, so a browser lends it to whichever page asks."""
    if subject.runtime.authenticator is None:
        return
    status, _ = _ask(subject, "POST", "/admin/logout", (b"sec-fetch-site", b"cross-site"))
    if status != CrossSiteWrite.status:
        yield Problem(
            "security.W003",
            f"Another site's page may sign staff out, and worse: it was answered {status}.",
            hint="RefuseCrossSiteWrites stands around the admin (project/admin/guard.py).",
        )


@check("security", deploy=True)
def documentation_is_not_public(subject: Subject) -> Iterator[Problem]:
    status, _ = _ask(subject, "GET", DOCUMENTATION)
    if status == 200:  # noqa: PLR2004 - the status everybody knows
        yield Problem(
            "security.W103",
            "Everybody can read how the whole API is called.",
            hint="ENVIRONMENT=production does not serve it.",
            obj=DOCUMENTATION,
        )


def _loosened(policy: bytes) -> Iterator[Problem]:
    scripts = [part for part in policy.split(b";") if part.strip().startswith(b"script-src ")]
    if not scripts or b"'unsafe-inline'" in scripts[0] or b"*" in scripts[0].split():
        yield Problem(
            "security.W106",
            "The Content-Security-Policy lets any script run.",
            hint="Give inline scripts the nonce: csp_nonce(request).",
        )


def _ask(
    subject: Subject, method: str, path: str, *headers: tuple[bytes, bytes]
) -> tuple[int, dict[bytes, bytes]]:
    """Return status and headers of what the application answers over HTTPS."""
    hosts = subject.settings.web.allowed_hosts
    host = (hosts[0] if hosts else "localhost").lstrip("*.").encode()
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "https",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", host), (b"accept", b"text/html"), *headers],
        "client": None,
        "server": None,
        "state": {},
    }
    start: Message = {"status": 0, "headers": []}

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            start.update(message)

    logger.disable(ACCESS_LOG)  # nobody has asked for anything
    try:
        asyncio.run(subject.application(scope, receive, send))
    finally:
        logger.enable(ACCESS_LOG)
    return start["status"], dict(start["headers"])
