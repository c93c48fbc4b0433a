"""An argument parser whose errors are one line with a suggestion."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any, NoReturn

from project.errors import CommandError
from project.management.style import is_coloured

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class CommandParser(argparse.ArgumentParser):
    """Strict (no abbreviations), and it raises CommandError instead of ending the process."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(**(options | {"allow_abbrev": False}))
        self.color = is_coloured()  # Python 3.14 would decide by itself otherwise

    def error(self, message: str) -> NoReturn:
        raise CommandError(f"{self.prog}: {message}. See '{self.prog} --help'.", exit_code=2)

    def parse_strictly(
        self, arguments: Sequence[str], namespace: argparse.Namespace | None = None
    ) -> argparse.Namespace:
        """Parse, and name the first unknown argument with the option it resembles."""
        options, unknown = self.parse_known_args(arguments, namespace)
        if unknown:
            self._reject(unknown)
        return options

    def actions(self) -> list[argparse.Action]:
        """Every argument there is, those of subcommands included."""
        actions = list(self._actions)
        for action in self._actions:
            if isinstance(action.choices, dict):
                for parser in action.choices.values():
                    actions += parser.actions()
        return actions

    def _reject(self, unknown: list[str]) -> NoReturn:
        options = [argument for argument in unknown if argument.startswith("-")]
        if not options:
            self.error(f"unexpected argument {unknown[0]!r}")
        name = options[0].partition("=")[0]
        known = [string for action in self.actions() for string in action.option_strings]
        hint = suggestion(name, known)
        message = f"{self.prog}: unknown option {name!r}. "
        raise CommandError(message + (hint or f"See '{self.prog} --help'."), exit_code=2)


def positive(text: str) -> int:
    """Read a whole number from 1 on, 1_000_000 say. Raises argparse.ArgumentTypeError."""
    try:
        number = int(text.replace(",", ""))  # which takes underscores, too
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 on, not {text!r}")
    return number


def suggestion(word: str, known: Iterable[str]) -> str:
    """ "Did you mean …?" for the closest known word, or nothing."""
    import difflib  # noqa: PLC0415 -- for those who mistyped

    close = difflib.get_close_matches(word, list(known), n=1)
    return f"Did you mean {close[0]!r}?" if close else ""
