"""Finds and runs the verbs of `manage.py loadtest`.

A verb is a file, `commands/<verb>.py`. Its docstring is its help; `add_arguments(parser)` is
optional; `handle(options)` does the work and returns an exit code of `result.ExitCode`.
Of all verbs only the chosen one is imported, so that `help` is quick.
"""

import argparse
import importlib
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from project.errors import CommandError
from project.management import failures
from project.management.catalogue import Command
from project.management.parser import CommandParser, suggestion

PROGRAM = "manage.py loadtest"
FOLDER = Path(__file__).parent / "commands"
PACKAGE = "loadtests.lab.commands"
INTERRUPTED = 130  # 128 + SIGINT, as shells have it
TERMINATED = 143
CODES = """Exit codes: 0 all is well, 1 a budget is broken, 2 wrong usage, 3 worse than the base,
4 the measurement is void, 5 inconclusive, 6 the server locked up or died, 130 interrupted."""


class Terminated(BaseException):
    """SIGTERM came; whoever started something stops it on the way out."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and answer its exit code; what goes wrong is one line."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        with _termination_unwinds():
            return _run(words)
    except KeyboardInterrupt:
        return INTERRUPTED
    except Terminated:
        return TERMINATED
    except Exception as error:  # noqa: BLE001 - the last place that can turn it into one line
        wants_traceback = "--traceback" in words
        return failures.report(error, wants_traceback=wants_traceback)


def verbs() -> dict[str, Command]:
    """All verbs by name, found by listing files; none is imported."""
    paths = sorted(path for path in FOLDER.glob("*.py") if not path.stem.startswith("_"))
    return {path.stem: Command(path.stem, "lab", f"{PACKAGE}.{path.stem}", path) for path in paths}


def listing() -> str:
    """The verbs with their summaries, and what their exit codes mean."""
    found = verbs()
    width = max(map(len, found), default=0) + 2
    lines = [f"  {name:<{width}}{verb.summary}".rstrip() for name, verb in found.items()]
    return "\n".join([f"Usage: {PROGRAM} <verb> [options]", "", *lines, "", CODES])


def _run(words: list[str]) -> int:
    name, *rest = words or ["help"]
    if name in {"help", "-h", "--help"}:
        if not rest or rest[0].startswith("-"):
            print(listing())
            return 0
        name, rest = rest[0], ["--help"]
    verb = _find(name)
    module = importlib.import_module(verb.module)
    options = _parser_for(verb, module).parse_strictly(rest)
    code: int = module.handle(options)
    return int(code)


def _find(name: str) -> Command:
    found = verbs()
    if name in found:
        return found[name]
    what = "option" if name.startswith("-") else "verb"
    hint = suggestion(name, [*found, "help"]) or f"'{PROGRAM} help' lists all verbs."
    raise CommandError(f"{PROGRAM}: unknown {what} {name!r}. {hint}", exit_code=2)


def _parser_for(verb: Command, module: Any) -> CommandParser:
    parser = CommandParser(prog=f"{PROGRAM} {verb.name}", description=module.__doc__)
    add_arguments = getattr(module, "add_arguments", None)
    if add_arguments is not None:
        add_arguments(parser)
    parser.add_argument("--traceback", action="store_true", help=argparse.SUPPRESS)
    return parser


@contextmanager
def _termination_unwinds() -> Iterator[None]:
    """Let SIGTERM end what runs as Ctrl-C does: every server and generator is stopped."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise Terminated

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
