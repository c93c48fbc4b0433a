"""What is wrong with settings, said so that it can be mended, and never what a secret holds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from dotenv.parser import parse_stream
from pydantic import SecretBytes, SecretStr, ValidationError
from pydantic.fields import FieldInfo

LONGEST_VALUE = 60
SECRET_NAME = re.compile(r"secret|password|token|key", re.IGNORECASE)
CREDENTIALS = re.compile(r"(?<=://).*@", re.DOTALL)


def explain(error: ValidationError, group: type[Any], prefix: str) -> list[str]:
    """Say of each variable what it holds, unless that is secret, and what is wrong with it."""
    return [
        f"{_given(group, prefix, found)} {_reason(found['msg'])}"
        for found in error.errors(include_url=False, include_context=False)
    ]


def find_malformed_lines(env_file: Path | None) -> list[str]:
    """Name the lines that python-dotenv would skip; what they hold may be secret."""
    if env_file is None or not env_file.is_file():
        return []
    try:
        with env_file.open(encoding="utf-8") as stream:
            lines = list(_malformed(stream))
    except UnicodeDecodeError:
        return [f"{env_file.name} is not UTF-8: save it as that"]
    if not lines:
        return []
    what = f"line {lines[0]} is" if len(lines) == 1 else f"lines {', '.join(map(str, lines))} are"
    return [f"{env_file.name}, {what} not NAME=value: close an open quote, or put # before it"]


def _malformed(stream: Any) -> Iterator[int]:
    for binding in parse_stream(stream):
        if binding.error:
            text = binding.original.string  # with the empty lines before it
            yield binding.original.line + text[: -len(text.lstrip())].count("\n")


def _given(group: type[Any], prefix: str, found: Any) -> str:
    if not found["loc"]:  # several settings do not go together
        return prefix.rstrip("_")
    field = str(found["loc"][0])
    name = f"{prefix}{field}".upper()
    if _is_secret(field, group.model_fields.get(field)):
        return name
    return f"{name}={_shortened(found['input'])}"


def _shortened(value: Any) -> str:
    shown = CREDENTIALS.sub("***@", str(value))
    return repr(shown if len(shown) <= LONGEST_VALUE else f"{shown[: LONGEST_VALUE - 1]}…")


def _is_secret(name: str, field: FieldInfo | None) -> bool:
    """Whether its type says so, or `repr=False`, or the name of what is no number."""
    if field is None or not field.repr or _mentions(field.annotation, SecretStr, SecretBytes):
        return True
    return bool(SECRET_NAME.search(name)) and not _mentions(field.annotation, int, float)


def _mentions(kind: Any, *wanted: type) -> bool:
    return kind in wanted or any(_mentions(part, *wanted) for part in get_args(kind))


def _reason(message: str) -> str:
    message = message.removeprefix("Value error, ").removeprefix("Input ")
    return message[0].lower() + message[1:]
