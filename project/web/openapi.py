"""What the OpenAPI document says of errors: what is really sent, `project.web.problems`."""

from typing import Any

from fastapi import FastAPI

from project.web.problems import MEDIA_TYPE

PROBLEM: dict[str, Any] = {
    "title": "Problem",
    "description": "What went wrong (RFC 9457). `code` is stable; the words are not.",
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance", "code", "request_id"],
    "properties": {
        "type": {"type": "string", "examples": ["urn:problem:not_found"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string", "description": "The path that was asked for."},
        "code": {"type": "string", "examples": ["not_found"]},
        "request_id": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "errors": {
            "type": "array",
            "description": "Invalid input alone: what is wrong, and where.",
            "items": {
                "type": "object",
                "required": ["loc", "msg", "type"],
                "properties": {
                    "loc": {
                        "type": "array",
                        "items": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
                    },
                    "msg": {"type": "string"},
                    "type": {"type": "string"},
                },
            },
        },
    },
}
CONTENT = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
FASTAPIS = ("HTTPValidationError", "ValidationError")
INVALID = "422"


def document_problems(app: FastAPI) -> None:
    """Let the document of the application speak of problems, where FastAPI's own would not."""
    describe = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            _put_problems(describe())
        return describe()

    app.openapi = openapi  # type: ignore[method-assign]


def _put_problems(document: dict[str, Any]) -> None:
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name in FASTAPIS:
        schemas.pop(name, None)
    schemas["Problem"] = PROBLEM
    for operations in document["paths"].values():
        for operation in operations.values():
            responses = operation["responses"]
            if INVALID in responses:
                responses[INVALID] = {"description": "Invalid input", "content": CONTENT}
            responses["default"] = {"description": "A problem", "content": CONTENT}
