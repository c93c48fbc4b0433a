"""One line for whatever ends a command, naming the place and the mend."""

from __future__ import annotations

import os
import select
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from project.errors import CommandError, ImproperlyConfigured, ProjectError
from project.management import style
from project.management.catalogue import ROOT, installed_apps, package_folder, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

FAILED = 1
TYPED = "<shell>"  # the file name of code that a person typed
PIPE_CLOSED = 141  # 128 + SIGPIPE, as shells have it
INSTALL = "run it as `uv run manage.py …`, or `pip install -r requirements/dev.txt` first"


def report(error: Exception, *, wants_traceback: bool = False) -> int:
    """Print `error` on standard error and return the exit code that belongs to it."""
    if isinstance(error, BrokenPipeError) and _reader_is_gone():
        return PIPE_CLOSED
    code = error.exit_code if isinstance(error, CommandError) else FAILED
    if wants_traceback and code == FAILED:
        traceback.print_exception(error)
        return code
    # Exactly one line, whatever the message holds.
    line = " ".join(f"Error: {sentence(error)}".split())
    print(style.failure(line, sys.stderr), file=sys.stderr)
    return code


def sentence(error: Exception) -> str:
    """What went wrong, where, and what to do."""
    if isinstance(error, ProjectError):
        return str(error)
    if isinstance(error, ModuleNotFoundError) and _is_foreign(error.name):
        return _not_installed(error)
    name = type(error).__name__
    app = _app_being_loaded(error)
    places = list(_places(error, app))
    where = f" ({places[-1][0]}, line {places[-1][1]})" if places else ""
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    what = f"{name}: {text}{where}" if text else f"{name}{where}"
    if app:
        return f"App {app!r} cannot be loaded: {what}. Mend it, or take it out of INSTALLED_APPS."
    return f"{what}. Run again with --traceback to see more."


def _not_installed(error: ModuleNotFoundError) -> str:
    places = list(_places(error))
    who = f"{places[-1][0]} needs {error.name!r}, which" if places else repr(error.name)
    return f"{who} is not installed in {sys.executable}: {INSTALL}."


def _places(error: BaseException, app: str | None = None) -> Iterator[tuple[str, int]]:
    """File and line of every frame in code that people edit: the project and its apps.

    Of an app that is being loaded only its own: what the machinery refuses is mended there.
    """
    folders = [_app_folders()[app]] if app else [ROOT, *_app_folders().values()]
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename == TYPED or _is_edited(frame.filename, folders):
            yield shown(frame.filename), frame.lineno or 0
    file = (error.filename if isinstance(error, SyntaxError) else None) or ""
    if isinstance(error, SyntaxError) and (file == TYPED or _is_edited(file, folders)):
        yield shown(file), error.lineno or 0


def _app_being_loaded(error: BaseException) -> str | None:
    """The app whose module was being imported when `error` was raised."""
    files = [
        frame.filename
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.name == "<module>"
    ]
    if isinstance(error, SyntaxError) and error.filename:
        files.append(error.filename)
    folders = _app_folders()
    for file in reversed(files):
        for app, folder in folders.items():
            if Path(file).is_relative_to(folder):
                return app
    return None


def _app_folders() -> dict[str, Path]:
    try:
        folders = {app: package_folder(app) for app in installed_apps()}
    except ImproperlyConfigured:
        return {}
    return {app: folder for app, folder in folders.items() if folder}


def _is_edited(file: str, folders: list[Path]) -> bool:
    path = Path(file)
    in_environment = {"site-packages", ".venv"} & set(path.parts)
    return any(
        path.is_relative_to(folder) and not (folder == ROOT and in_environment)
        for folder in folders
    )


def _is_foreign(module: str | None) -> bool:
    """Whether a module that was not found belongs to neither the project nor an app."""
    top = (module or "").partition(".")[0]
    ours = {app.partition(".")[0] for app in _app_folders()}
    return bool(top) and top not in ours and not (ROOT / top).is_dir()


def _reader_is_gone() -> bool:
    """Whether whoever read standard output (`| head`) has closed it.

    A database connection that breaks raises the same exception, hence the look.
    """
    if not hasattr(select, "poll"):  # Windows
        return False
    poll = select.poll()
    poll.register(sys.stdout, select.POLLOUT)
    if not any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0)):
        return False
    # The interpreter flushes once more at its end; that must not fail aloud.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return True
