"""Errors as `application/problem+json` (RFC 9457), or as a page for a person's browser.

Nothing that a client sent is echoed: not in the sentence, not in the list of errors.
"""

import json
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from loguru import logger
from sqlalchemy.exc import SQLAlchemyError
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import Scope

from project.db.errors import diagnose
from project.errors import DomainError
from project.logging import request_id
from project.runtime import runtime_of

MEDIA_TYPE = "application/problem+json"
MACHINE_PATHS = ("/api/", "/health/", "/metrics")
SERVER_ERROR = 500

# RFC 9110's names. Python's changed in 3.13, and a code must not depend on the interpreter.
PHRASES = {
    413: "Content Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    422: "Unprocessable Content",
}
_STANDARD = frozenset(HTTPStatus)


def problem(
    scope: Scope,
    *,
    status: int,
    title: str,
    code: str,
    detail: str | None = None,
    headers: Mapping[str, str] | None = None,
    errors: Sequence[Mapping[str, Any]] | None = None,
) -> Response:
    """Build the answer for an error."""
    body: dict[str, Any] = {
        "type": f"urn:problem:{code}",
        "title": title,
        "status": status,
        "detail": detail or title,
        "instance": scope["path"],
        "code": code,
        "request_id": request_id.get(),
    }
    if errors is not None:
        body["errors"] = errors
    return Response(
        # ASCII escapes carry whatever a path may hold, lone surrogates included.
        json.dumps(body, ensure_ascii=True),
        status_code=status,
        headers={**(headers or {}), "Cache-Control": "no-store"},
        media_type=MEDIA_TYPE,
    )


def status_problem(
    scope: Scope, status: int, detail: str | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """Build the answer for a bare HTTP status."""
    phrase = _phrase(status)
    code = re.sub(r"[^a-z]+", "_", phrase.lower().replace("'", ""))
    return problem(scope, status=status, title=phrase, code=code, detail=detail, headers=headers)


def domain_problem(scope: Scope, error: DomainError) -> Response:
    """Build the answer for an error that was raised on purpose."""
    return problem(
        scope,
        status=error.status,
        title=error.title,
        code=error.code,
        detail=error.detail,
        headers=error.headers,
        errors=_blamed(error),
    )


def _blamed(error: DomainError) -> list[dict[str, Any]] | None:
    """Name the field as validation would, so that a form has one way to show both."""
    if error.field is None:
        return None
    return [{"loc": ["body", error.field], "msg": error.detail, "type": error.code}]


def _phrase(status: int) -> str:
    if status in PHRASES:
        return PHRASES[status]
    return HTTPStatus(status).phrase if status in _STANDARD else "Error"


def install_error_handlers(app: FastAPI) -> None:
    """Register the handlers, once, for every route of the application."""
    app.add_exception_handler(DomainError, _on_domain_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(SQLAlchemyError, _on_database_error)


async def _on_domain_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, DomainError)  # noqa: S101 - for mypy: registered for this class
    if wants_page(request.scope):
        return _page(request, error.status, error.detail, error.headers)
    return domain_problem(request.scope, error)


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - the same
    status = error.status_code
    is_default = status in _STANDARD and error.detail == HTTPStatus(status).phrase
    detail = None if is_default else error.detail
    if wants_page(request.scope):
        return _page(request, status, detail, error.headers)
    return status_problem(request.scope, status, detail, error.headers)


async def _on_validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - the same
    return problem(
        request.scope,
        status=422,
        title="Invalid input",
        code="invalid",
        detail="Some of the input is missing or wrong; `errors` says which and why.",
        errors=[_describe(found) for found in error.errors()],
    )


def _describe(found: Mapping[str, Any]) -> dict[str, Any]:
    """Say where and why, without the value (`input`) and the context that may repeat it."""
    return {"loc": list(found["loc"]), "msg": found["msg"], "type": found["type"]}


async def _on_database_error(request: Request, error: Exception) -> Response:
    diagnosis = diagnose(error)
    if diagnosis is None:
        raise error
    level = "WARNING" if diagnosis.error.status >= SERVER_ERROR else "INFO"
    kind, sqlstate = type(error).__name__, diagnosis.sqlstate
    logger.log(level, "{}: {}", diagnosis.error.title, kind, sqlstate=sqlstate)
    return await _on_domain_error(request, diagnosis.error)


def wants_page(scope: Scope) -> bool:
    """Whether a person's browser asks, for something that is not an API."""
    if scope["path"].startswith(MACHINE_PATHS):
        return False
    return "text/html" in Headers(scope=scope).get("accept", "")


def _page(
    request: Request, status: int, detail: str | None, headers: Mapping[str, str] | None
) -> Response:
    return runtime_of(request).templates.error_page(
        request,
        status,
        detail=detail or "",
        request_id=request_id.get() or "",
        headers=headers,
    )


def server_error(request: Request) -> Response:
    """Build the answer for an error that nobody foresaw: it says nothing about the cause."""
    if wants_page(request.scope):
        return _page(request, SERVER_ERROR, None, None)
    return problem(
        request.scope,
        status=SERVER_ERROR,
        title="Internal server error",
        code="internal_server_error",
        detail="Something went wrong here. The request id helps us to find out what.",
    )
