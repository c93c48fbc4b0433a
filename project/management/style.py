"""Colour for what commands print: only on a terminal, and never when NO_COLOR is set."""

from __future__ import annotations

import os
import sys
from typing import TextIO


def is_coloured(stream: TextIO | None = None) -> bool:
    """Whether `stream` (standard output unless given) shows colour."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return (sys.stdout if stream is None else stream).isatty()


def heading(text: str, stream: TextIO | None = None) -> str:
    return _paint("1", text, stream)


def success(text: str, stream: TextIO | None = None) -> str:
    return _paint("32", text, stream)


def warning(text: str, stream: TextIO | None = None) -> str:
    return _paint("33", text, stream)


def failure(text: str, stream: TextIO | None = None) -> str:
    return _paint("31", text, stream)


def faint(text: str, stream: TextIO | None = None) -> str:
    return _paint("2", text, stream)


def _paint(code: str, text: str, stream: TextIO | None) -> str:
    return f"\033[{code}m{text}\033[0m" if is_coloured(stream) else text
