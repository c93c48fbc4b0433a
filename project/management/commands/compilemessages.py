"""Compile the catalogues of translations into what is read at run time.

    python manage.py compilemessages           write the .mo file beside each .po file
    python manage.py compilemessages --check   write nothing, exit with 1 if one is out of date

A translation whose placeholders are not those of its message is refused: it would break the page.
"""

import argparse

from project.errors import CommandError
from project.management import style
from project.management.catalogue import shown
from project.management.environment import load_registry
from project.management.messages import catalogues, require_babel


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--check", action="store_true", help="only say what is out of date")


def handle(options: argparse.Namespace) -> int:
    require_babel("compilemessages")
    from project.management.message_files import (  # noqa: PLC0415 - needs Babel
        compiled,
        is_current,
        wrong_translations,
    )

    found = list(catalogues(load_registry()))
    if not found:
        raise CommandError("There are no catalogues: begin with `makemessages de`.")
    wrong = [f"{shown(po)}: {line}" for po, code in found for line in wrong_translations(po, code)]
    if wrong:
        raise CommandError("\n".join(["Correct these translations first:", *wrong]))
    stale = [(po, code) for po, code in found if not is_current(po, code)]
    for po, code in stale:
        if options.check:
            print(style.failure(f"{shown(po)} is not compiled."))
        else:
            po.with_suffix(".mo").write_bytes(compiled(po, code))
            print(f"Compiled {shown(po)}.")
    if not stale:
        print("Every catalogue is compiled.")
    return 1 if options.check and stale else 0
