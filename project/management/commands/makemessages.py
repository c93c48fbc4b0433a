"""Collect the admin's and the apps' messages into catalogues, to be translated.

    python manage.py makemessages fr        begin with a language
    python manage.py makemessages           bring the catalogues that are there up to date
    python manage.py makemessages --check   write nothing, exit with 1 if a translation is missing

Translations stay; messages that are gone go with theirs. Translate the .po files with any editor
for them, then run `compilemessages`.
"""

import argparse
import os

from project.checks import Subject
from project.errors import CommandError
from project.i18n import ENGLISH
from project.management import style
from project.management.catalogue import shown
from project.management.messages import require_babel


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("languages", nargs="*", metavar="language", help="such as de, or pt-BR")
    parser.add_argument("--check", action="store_true", help="only say what is missing")


def handle(options: argparse.Namespace) -> int:
    require_babel("makemessages")
    # A language that has no catalogue yet must not stop this from making one.
    os.environ.update(LANGUAGE_CODE=ENGLISH, LANGUAGES=ENGLISH)
    from project.management.message_files import collect, untranslated, updated  # noqa: PLC0415

    sources = collect(Subject.load())
    known = sorted({code for source in sources for code in source.languages()})
    codes = options.languages or known
    if not codes:
        raise CommandError("There are no catalogues: name a language, `makemessages de`.")
    missing = 0
    for code in codes:
        for source in sources:
            path = source.path(code, "po")
            if not options.check:
                written = updated(source, code)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(written)
            lacking = untranslated(source, code)
            missing += len(lacking)
            total = len(source.messages)
            print(f"{shown(path)}: {total - len(lacking)} of {total} messages are translated.")
            if options.check:
                print("".join(style.failure(f"  {message}\n") for message in lacking), end="")
    return 1 if options.check and missing else 0
