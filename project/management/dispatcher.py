"""Finds, helps with and runs the commands of `manage.py`.

A command is a file: `project/management/commands/<name>.py`, or `<app>/commands/<name>.py`
in an installed app. Its docstring is its help; `add_arguments(parser)` is optional;
`handle(options)` does the work and returns the exit code (None is 0). A command that hands
its arguments to another program sets `PASS_THROUGH = True` and finds them, untouched, in
`options.arguments`; with `HAS_VERBS = True` that program explains its verbs itself. Of all
command modules only the chosen one is imported.

Exit codes: 0 fine, 1 failed or pending, 2 wrong usage, 130 interrupted.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from typing import TYPE_CHECKING, Any

from project.collection import collect_as_usual, collect_no_more, collect_rarely
from project.errors import CommandError
from project.management import style
from project.management.catalogue import PROJECT, ROOT, Catalogue, Command, shown
from project.management.parser import CommandParser, suggestion

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

PROGRAM = "manage.py"
INTERRUPTED = 130  # 128 + SIGINT, as shells have it
GLOBAL_OPTIONS = {
    "--traceback": "show where an error comes from",
    "--no-color": "print without colour (the NO_COLOR variable does the same)",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and answer its exit code; what goes wrong is one line.

    Without `arguments` it is that of the process, which then ends.
    """
    collect_rarely()
    words = list(sys.argv[1:] if arguments is None else arguments)
    wants_traceback = "--traceback" in words
    if "--no-color" in words:
        os.environ["NO_COLOR"] = "1"  # subprocesses inherit it
    try:
        code = _run([word for word in words if word not in GLOBAL_OPTIONS])
        sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 -- the last place that can turn it into one line
        from project.management import failures  # noqa: PLC0415 -- only what fails pays for it

        return failures.report(error, wants_traceback=wants_traceback)
    finally:
        if arguments is None:
            collect_no_more()
        else:
            collect_as_usual()  # the process goes on: that of a test, say
    return code


def call_command(name: str, /, *arguments: str, **options: Any) -> int:
    """Run a command in this process and return its exit code.

    `arguments` are what one would type after the name; `options` go by their `dest` name
    and are taken as they are, without the parser's conversion. What the command prints
    goes to `sys.stdout`: capture it with `contextlib.redirect_stdout`. Errors are raised,
    never printed: CommandError for wrong usage and for what the command cannot do.
    """
    command = _find(name)
    module = _load(command)
    if _passes_through(module):
        return _handle(module, argparse.Namespace(arguments=list(arguments), **options))
    parser = _parser_for(command, module)
    _relax(parser, options)
    parsed = parser.parse_strictly(arguments)
    unknown = options.keys() - vars(parsed).keys()
    if unknown:
        raise CommandError(
            f"{name}: unknown option {min(unknown)!r}. "
            f"{suggestion(min(unknown), vars(parsed))}".rstrip(),
            exit_code=2,
        )
    vars(parsed).update(options)
    return _handle(module, parsed)


def _run(words: list[str]) -> int:
    name, *rest = words or ["help"]
    if name in {"help", "-h", "--help"}:
        return _help(rest)
    if name == "--version":
        print(_version())
        return 0
    if name.startswith("-"):
        hint = suggestion(name, [*GLOBAL_OPTIONS, "--help", "--version"])
        message = f"{PROGRAM}: unknown option {name!r}. "
        raise CommandError(message + (hint or f"See '{PROGRAM} help'."), exit_code=2)
    command = _find(name)
    module = _load(command)
    parser = _parser_for(command, module)
    if _passes_through(module) and not _asks_for_help(module, rest):
        return _handle(module, argparse.Namespace(arguments=rest))
    return _handle(module, parser.parse_strictly(rest))


def _help(names: list[str]) -> int:
    if len(names) > 1:
        raise CommandError(f"Usage: {PROGRAM} help [command]", exit_code=2)
    if names and not names[0].startswith("-"):
        command = _find(names[0])
        _parser_for(command, _load(command)).print_help()
        return 0
    catalogue = Catalogue.read()
    print(_listing(catalogue))
    for problem in catalogue.problems:
        print(style.warning(f"Warning: {problem}", sys.stderr), file=sys.stderr)
    return 0


def _listing(catalogue: Catalogue) -> str:
    lines = [
        f"Usage: {PROGRAM} <command> [options]",
        "",
        f"'{PROGRAM} help <command>' explains one command. Options of every command:",
        *(f"  {name:<12} {text}" for name, text in GLOBAL_OPTIONS.items()),
    ]
    commands = catalogue.commands.values()
    width = max((len(command.name) for command in commands), default=0) + 2
    others = dict.fromkeys(command.app for command in commands if command.app != PROJECT)
    for app in (PROJECT, *others):
        own = sorted(command for command in commands if command.app == app)
        lines += ["", style.heading(f"[{app.rpartition('.')[2]}]")]
        lines += [f"  {command.name:<{width}}{command.summary}".rstrip() for command in own]
    return "\n".join(lines)


def _find(name: str) -> Command:
    commands, problems = Catalogue.read()
    if name in commands:
        return commands[name]
    hint = suggestion(name, [*commands, "help"])
    # An app that cannot be found may be the very one that has the command.
    hint = hint or " ".join([f"'{PROGRAM} help' lists all commands.", *problems])
    raise CommandError(f"Unknown command {name!r}. {hint}", exit_code=2)


def _load(command: Command) -> ModuleType:
    module = importlib.import_module(command.module)
    if not callable(getattr(module, "handle", None)):
        where = shown(command.path)
        raise CommandError(f"{where} has no handle(options): define it, or rename the file to _*.")
    return module


def _parser_for(command: Command, module: ModuleType) -> CommandParser:
    parser = CommandParser(prog=f"{PROGRAM} {command.name}", description=module.__doc__)
    add_arguments = getattr(module, "add_arguments", None)
    if add_arguments is not None:
        add_arguments(parser)
    group = parser.add_argument_group("options of every command")
    for name, text in GLOBAL_OPTIONS.items():
        group.add_argument(name, action="store_true", help=text)
    return parser


def _passes_through(module: ModuleType) -> bool:
    return bool(getattr(module, "PASS_THROUGH", False))


def _asks_for_help(module: ModuleType, rest: list[str]) -> bool:
    """Whether the help that is wanted is this command's, not that of a verb which it hands on."""
    has_verb = getattr(module, "HAS_VERBS", False) and rest and not rest[0].startswith("-")
    return not has_verb and bool({"-h", "--help"} & set(rest))


def _relax(parser: CommandParser, given: dict[str, Any]) -> None:
    """What `call_command` got by name need not be typed as well."""
    for action in parser.actions():
        if action.dest in given:
            action.required = False


def _handle(module: ModuleType, options: argparse.Namespace) -> int:
    return int(module.handle(options) or 0)


def _version() -> str:
    import tomllib  # noqa: PLC0415 -- a third of the time that `help` takes

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return f"{project['name']} {project['version']}"
