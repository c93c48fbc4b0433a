"""A page in the place of an application that cannot be loaded, for whoever is writing it."""

from __future__ import annotations

import html
import importlib
import json
import linecache
import os
import sys
import traceback
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from project.management import style
from project.management.catalogue import ROOT, shown
from project.management.failures import sentence

if TYPE_CHECKING:
    from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, Scope

TOKENS = ROOT / "project" / "static" / "lintel.css"
AROUND = 4
"""Lines of code shown before and after the one that fails."""

PAGE = Template("""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>The application cannot be loaded</title>
<style>
$tokens
body { margin: 0; background: var(--lt-paper); color: var(--lt-ink);
  font: 16px/1.5 var(--lt-sans); }
main { max-width: 60rem; margin: 0 auto; padding: 3rem 1.5rem; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 1rem; }
.what { border-left: 4px solid var(--lt-danger); padding-left: 1rem; overflow-wrap: anywhere; }
.where, .next { color: var(--lt-muted); }
pre { background: var(--lt-night); color: var(--lt-on-night); padding: 1rem; overflow: auto;
  border-radius: 6px; font: 14px/1.6 var(--lt-mono); }
mark { display: inline-block; min-width: 100%; background: var(--lt-danger); color: #fff; }
summary { cursor: pointer; }
</style>
<main>
<h1>The application cannot be loaded</h1>
<p class="what">$what</p>
$excerpt
<p class="next" role="status">Save the mended file: the server starts anew, this page as well.</p>
<details><summary>Traceback</summary><pre>$trace</pre></details>
</main>
<script>
setInterval(async () => {
  try {
    const answer = await fetch(location.href, { method: "HEAD", cache: "no-store" });
    if (answer.headers.get("X-Broken") !== "$mark") location.reload();
  } catch { /* it is just starting anew */ }
}, 700);
</script>
""")


class Explained:
    """An application; or, if it cannot be loaded or started, what is wrong with it."""

    def __init__(self, name: str) -> None:
        """Import the application of this name, `package.module:attribute`."""
        module, _, attribute = name.partition(":")
        self._error: BaseException | None = None
        try:
            self._application = getattr(importlib.import_module(module), attribute)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - all that is wrong is shown
            self._fail(error)

    async def __call__(
        self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
        elif self._error is None:
            await self._application(scope, receive, send)
        elif scope["type"] == "http":
            await self._explain(self._error, scope, send)

    async def _live(
        self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        """Run the lifespan; one that fails to begin is an error to show, like any other."""

        async def send_unless_failed(message: Any) -> None:
            if message["type"] != "lifespan.startup.failed":
                await send(message)

        if self._error is None:
            try:
                await self._application(scope, receive, send_unless_failed)
            except Exception as error:  # noqa: BLE001 - the same
                self._fail(error)
            else:
                return
        else:
            await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})

    def _fail(self, error: BaseException) -> None:
        self._error = error
        line = " ".join(f"Error: {_sentence(error)}".split())
        print(style.failure(line, sys.stderr), file=sys.stderr, flush=True)

    async def _explain(self, error: BaseException, scope: Any, send: ASGISendCallable) -> None:
        headers = dict(scope["headers"])
        is_page = b"text/html" in headers.get(b"accept", b"")
        kind, body = _page(error) if is_page else _problem(error)
        await send(
            {
                "type": "http.response.start",
                "status": 500,
                "headers": [
                    (b"content-type", kind),
                    (b"content-length", str(len(body)).encode()),
                    (b"cache-control", b"no-store"),
                    (b"x-broken", _mark().encode()),
                ],
                "trailers": False,
            }
        )
        content = b"" if scope["method"] == "HEAD" else body
        await send({"type": "http.response.body", "body": content, "more_body": False})


def _mark() -> str:
    """Return what tells one start of the server from another: then the page looks again."""
    return str(os.getpid())


def _problem(error: BaseException) -> tuple[bytes, bytes]:
    content = {
        "type": "about:blank",
        "title": "The application cannot be loaded",
        "status": 500,
        "detail": _sentence(error),
        "code": "application_broken",
    }
    return b"application/problem+json", json.dumps(content).encode()


def _page(error: BaseException) -> tuple[bytes, bytes]:
    page = PAGE.substitute(
        tokens=TOKENS.read_text(encoding="utf-8"),
        what=html.escape(_sentence(error)),
        excerpt=_excerpt(*_place(error)),
        trace=html.escape("".join(traceback.format_exception(error))),
        mark=_mark(),
    )
    return b"text/html; charset=utf-8", page.encode()


def _sentence(error: BaseException) -> str:
    if isinstance(error, Exception):
        return sentence(error)
    return f"The code ends the process: {type(error).__name__}({error})"


def _place(error: BaseException) -> tuple[str, int]:
    """Return file and line of the innermost cause that lies in code of the project."""
    while error.__cause__ is not None:
        error = error.__cause__
    if isinstance(error, SyntaxError) and error.filename:
        return error.filename, error.lineno or 0
    frames = [
        (frame.filename, frame.lineno or 0)
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).is_relative_to(ROOT) and "site-packages" not in frame.filename
    ]
    return frames[-1] if frames else ("", 0)


def _excerpt(file: str, line: int) -> str:
    """Return the lines around the one that fails as HTML, that one marked."""
    linecache.checkcache(file)
    lines = linecache.getlines(file)
    if not 0 < line <= len(lines):
        return ""
    first, last = max(1, line - AROUND), min(len(lines), line + AROUND)
    rows = []
    for number in range(first, last + 1):
        row = html.escape(f"{number:>5}  {lines[number - 1].rstrip()}")
        rows.append(f"<mark>{row}</mark>" if number == line else row)
    where = html.escape(f"{shown(file)}, line {line}")
    return f'<p class="where">{where}</p>\n<pre>{chr(10).join(rows)}</pre>'
