"""Shows a result: a summary here, and a page to keep or to send.

    python manage.py loadtest report
    python manage.py loadtest report loadtests/results/20261123-210500-sweep.json --open

Without a file it is the latest result. The page is one file beside it, for browsers without a
network.
"""

import argparse
import shutil
import sys
import webbrowser
from pathlib import Path

from loadtests.lab.report import summarise, write_html
from loadtests.lab.result import Result, Unreadable
from project.errors import CommandError
from project.management import style

RESULTS = Path(__file__).resolve().parents[2] / "results"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say which result, and where the page goes."""
    parser.add_argument("result", nargs="?", type=Path, help="a result's file; the latest if none")
    parser.add_argument("--html", type=Path, metavar="PATH", help="where the page goes")
    parser.add_argument(
        "--json", type=Path, metavar="PATH", help="write what was concluded, without the windows"
    )
    parser.add_argument("--open", action="store_true", help="show the page in a browser")


def handle(options: argparse.Namespace) -> int:
    """Print the summary and write the page."""
    source: Path = options.result or latest()
    result = read(source)
    target: Path = options.html or source.with_suffix(".html")
    try:
        write_html(result, target)
        if options.json:
            result.without_windows().write(options.json)
    except OSError as error:
        raise CommandError(f"{error.filename} cannot be written: {error.strerror}.") from error
    print(summary(result), end="")
    print(f"\n{target}")
    if options.open and not webbrowser.open(target.resolve().as_uri()):
        print(f"There is no browser here: open {target} in one.", file=sys.stderr)
    return 0


def latest() -> Path:
    """Return the newest result by its name, which is when it began."""
    found = sorted(RESULTS.glob("*.json"))
    if not found:
        message = (
            f"There is no result in {RESULTS}: name a file, or run `manage.py loadtest sweep`."
        )
        raise CommandError(message, exit_code=2)
    return found[-1]


def read(path: Path) -> Result:
    """Read a result, or say in a line why not."""
    try:
        return Result.load(path)
    except (Unreadable, UnicodeDecodeError) as error:
        message = str(error) if isinstance(error, Unreadable) else f"{path} is no result: not text."
        raise CommandError(message, exit_code=2) from error


def summary(result: Result) -> str:
    """Return the summary as this terminal can show it."""
    width = shutil.get_terminal_size().columns
    return summarise(result, width=width, colour=style.is_coloured())
