"""Open a Python shell with all models and a database session at hand.

IPython is used if it is installed. Nothing you change is kept until you say
`session.commit()`. Code given by `-c`, or on standard input, runs as one transaction
instead: it is committed at its end, and rolled back if it fails.
"""

from __future__ import annotations

import code
import importlib
import importlib.util
import sys
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from project.apps import Registry
from project.db.base import Base
from project.db.session import Database
from project.errors import CommandError
from project.management import style
from project.management.failures import TYPED
from project.settings import INSTALLED_APPS, load_settings

if TYPE_CHECKING:
    import argparse

    from sqlalchemy.orm import Mapper

INTERFACES = ("ipython", "python")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-c", "--command", metavar="CODE", help="run this code and end")
    parser.add_argument("-i", "--interface", choices=INTERFACES, help="the shell to open")


def handle(options: argparse.Namespace) -> None:
    if options.interface == "ipython" and not importlib.util.find_spec("IPython"):
        raise CommandError("IPython is not installed: `uv sync`, or `pip install ipython`.")
    settings = load_settings()
    Registry.load(INSTALLED_APPS).import_models()
    database = Database.from_settings(settings)
    names: dict[str, Any] = {**find_models(), "settings": settings, "select": select, "func": func}
    try:
        with database.sessions() as session:
            names["session"] = session
            source = _source(options)
            if source is None:
                _interact(names, options.interface)
                return
            exec(compile(source, TYPED, "exec"), names)  # noqa: S102 - it is what a shell does
            session.commit()
    finally:
        database.close()


def find_models() -> dict[str, type]:
    """Every mapped class by its name; a name that two apps use gets the app's label in front."""
    models: dict[str, type] = {}
    for mapper in sorted(Base.registry.mappers, key=_by_place):
        model = mapper.class_
        label = model.__module__.removesuffix(".models").rpartition(".")[2]
        name = model.__name__
        models[f"{label}_{name}" if name in models else name] = model
    return models


def _by_place(mapper: Mapper[Any]) -> tuple[str, str]:
    return mapper.class_.__module__, mapper.class_.__name__


def _source(options: argparse.Namespace) -> str | None:
    """The code to run without a conversation, if there is any."""
    if options.command is not None:
        return str(options.command)
    if sys.stdin is None:  # it was closed
        raise CommandError("There is no standard input to read code from: use -c.", exit_code=2)
    return None if sys.stdin.isatty() else sys.stdin.read()


def _interact(names: dict[str, Any], interface: str | None) -> None:
    print(_banner(names))
    if interface != "python" and importlib.util.find_spec("IPython"):
        ipython = importlib.import_module("IPython")
        ipython.start_ipython(argv=["--no-banner"], user_ns=names)
        return
    _complete_with_tab(names)
    code.interact(banner="", local=names, exitmsg="")


def _banner(names: dict[str, Any]) -> str:
    by_module: dict[str, list[str]] = {}
    for name, value in names.items():
        if isinstance(value, type) and issubclass(value, Base):
            by_module.setdefault(value.__module__, []).append(name)
    lines = [f"from {module} import {', '.join(found)}" for module, found in by_module.items()]
    return "\n".join(
        [
            *(style.faint(line) for line in lines),
            "Also here: session, settings, select, func. Nothing is kept until session.commit().",
        ]
    )


def _complete_with_tab(names: dict[str, Any]) -> None:
    try:
        readline = importlib.import_module("readline")
    except ImportError:  # not on every platform
        return
    completer = importlib.import_module("rlcompleter").Completer(names)
    readline.set_completer(completer.complete)
    readline.parse_and_bind("tab: complete")
