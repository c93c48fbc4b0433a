"""Print what makes a shell complete commands and their options: bash, zsh or fish.

    source <(python manage.py completion bash)          bash, zsh
    python manage.py completion fish | source           fish

It completes `python manage.py …`, `uv run manage.py …` and `./manage.py …`.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

from project.errors import CommandError
from project.management.catalogue import Catalogue
from project.management.dispatcher import GLOBAL_OPTIONS

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

PASS_THROUGH = True  # the words to be completed may look like options of this command

SHELLS = ("bash", "zsh", "fish")
SCRIPTS = Path(__file__).parent.parent / "completion"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """For the help alone."""
    parser.add_argument("shell", choices=SHELLS, help="the shell that completes")


def handle(options: argparse.Namespace) -> None:
    """Print a script; or, asked by that script, what the last of the words after `--` may be."""
    first, *words = options.arguments or [""]
    if first == "--":
        print(*complete(words), sep="\n")
    elif first in SHELLS and not words:
        print((SCRIPTS / f"completion.{first}").read_text(encoding="utf-8"), end="")
    else:
        raise CommandError(_refusal(first, words), exit_code=2)


def _refusal(shell: str, more: list[str]) -> str:
    *others, last = SHELLS
    known = f"{', '.join(others)} or {last}"
    if shell in SHELLS:
        return f"Name one shell alone, {known}; what is {more[0]!r}?"
    return f"There is no completion for {shell!r}: name {known}." if shell else f"Name {known}."


def complete(words: list[str]) -> list[str]:
    """Return what the last word may become, given those before it."""
    *before, begun = words or [""]
    return sorted(word for word in set(_candidates(before)) if word.startswith(begun))


def _candidates(before: list[str]) -> Iterator[str]:
    commands = Catalogue.read().commands
    if not before or before == ["help"]:
        yield from commands
        yield from ["help"] if not before else []
    elif before[0] in commands:
        yield from GLOBAL_OPTIONS
        yield from _arguments(commands[before[0]].path)


def _arguments(path: Path) -> Iterator[str]:
    """Find the options and choices that a command's file declares, without importing it."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "add_argument":
            yield from (word for word in map(_text, node.args) if word.startswith("-"))
            for keyword in node.keywords:
                if keyword.arg == "choices" and isinstance(keyword.value, ast.List | ast.Tuple):
                    yield from map(_text, keyword.value.elts)


def _text(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
