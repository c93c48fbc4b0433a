"""Every error the project raises on purpose.

ProjectError
├── ImproperlyConfigured     a setting is missing or wrong
├── AppError                 an installed app is broken or missing
├── CommandError             a command cannot do what was asked
└── DomainError              what a client did wrong, or must wait for
    ├── Unauthenticated 401
    ├── Forbidden 403
    │   └── PermissionDenied
    ├── NotFound 404
    ├── Conflict 409
    ├── PreconditionFailed 412
    ├── Invalid 422
    ├── TooManyRequests 429
    └── Unavailable 503

The first three end a command with one line on standard error. A domain error becomes an
`application/problem+json` answer; it carries a status, a stable code and a sentence.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar


class ProjectError(Exception):
    """The root of the tree: catch it to catch everything raised on purpose."""


class ImproperlyConfigured(ProjectError):
    """A setting is missing or wrong; the message names it and the mend."""


class AppError(ProjectError):
    """An installed app cannot be loaded; the message names the app and the mend."""


class CommandError(ProjectError):
    """A command cannot go on.

    `exit_code` is 1 for work that failed or is pending and 2 for wrong usage.
    """

    def __init__(self, message: str, *, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class DomainError(ProjectError):
    """What a service refuses to do.

    Subclasses set `status` (the HTTP status), `code` (stable, for programs) and `title`
    (for people); the message is the sentence that explains this very case.
    """

    status: ClassVar[int] = 400
    code: ClassVar[str] = "bad_request"
    title: ClassVar[str] = "Bad request"
    field: str | None = None
    """The one part of the input that is to blame, if it is one."""

    def __init__(self, detail: str | None = None) -> None:
        self.detail = detail or self.title
        super().__init__(self.detail)

    @property
    def headers(self) -> dict[str, str]:
        """Response headers that belong to this error."""
        return {}


class Unauthenticated(DomainError):
    status = 401
    code = "unauthenticated"
    title = "Sign in first"

    @property
    def headers(self) -> dict[str, str]:
        return {"WWW-Authenticate": "Bearer"}


class Forbidden(DomainError):
    status = 403
    code = "forbidden"
    title = "Not allowed"


class PermissionDenied(Forbidden):
    """Somebody lacks a permission, which the sentence names."""

    code = "permission_denied"
    title = "You are not allowed to do this"

    def __init__(self, permission: str) -> None:
        super().__init__(f"This needs the permission {permission}.")
        self.permission = permission


class NotFound(DomainError):
    status = 404
    code = "not_found"
    title = "Not found"


class Conflict(DomainError):
    status = 409
    code = "conflict"
    title = "Conflict"


class PreconditionFailed(DomainError):
    status = 412
    code = "precondition_failed"
    title = "Precondition failed"


class Invalid(DomainError):
    status = 422
    code = "invalid"
    title = "Invalid input"


class TooManyRequests(DomainError):
    """The client has to slow down; `headers` say until when (`project.web.throttling`)."""

    status = 429
    code = "too_many_requests"
    title = "Too many requests"

    def __init__(self, detail: str | None = None, *, headers: Mapping[str, str]) -> None:
        super().__init__(detail)
        self._headers = dict(headers)

    @property
    def headers(self) -> dict[str, str]:
        return self._headers


class Unavailable(DomainError):
    """The server cannot answer now; `retry_after` is in whole seconds."""

    status = 503
    code = "unavailable"
    title = "Try again later"

    def __init__(self, detail: str | None = None, *, retry_after: int = 1) -> None:
        super().__init__(detail)
        self.retry_after = retry_after

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(self.retry_after)}
