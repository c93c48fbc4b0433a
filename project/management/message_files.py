"""Catalogues of messages as files: collected out of the code, compared, compiled. Needs Babel."""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from string import Formatter

from babel.core import Locale, UnknownLocaleError
from babel.messages import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import PoFileError, read_po, write_po

from project.admin.site import AdminSite
from project.apps import ROOT, AppConfig
from project.checks import Subject
from project.errors import CommandError
from project.i18n.catalogues import ADMIN_FOLDER, catalogue_path, folder_name
from project.management.declared_labels import Labels, declared_labels

KEYWORDS = {"_": None, "gettext": None, "mark": None, "ngettext": (1, 2)}
PYTHON, TEMPLATE = "python", "jinja2.ext:babel_extract"
TEMPLATE_OPTIONS = {"trimmed": "true", "newstyle_gettext": "true", "silent": "false"}
COMMENTS = ("Translators:",)
WIDTH = 98

CHATTER = re.compile(
    rb'^"(Project-Id-Version|Report-Msgid-Bugs-To|POT-Creation-Date|PO-Revision-Date|Last-Translator'
    rb"|Language-Team|Generated-By): .*\n",
    re.MULTILINE,
)
"""Heads that Babel fills with the names of nobody, or that differ each time."""


@dataclass(frozen=True)
class Source:
    """What has a catalogue: the admin, or an app."""

    label: str
    folder: Path
    messages: Catalog
    """Every message of it, untranslated."""

    def languages(self) -> list[str]:
        """Return the languages that there are catalogues of."""
        found = sorted(path.parent.parent.name for path in self.folder.glob("*/LC_MESSAGES/*.po"))
        return [name.replace("_", "-") for name in found]

    def path(self, code: str, ending: str) -> Path:
        """Return where a catalogue is."""
        return catalogue_path(self.folder, code, ending)


def collect(subject: Subject) -> list[Source]:
    """Collect the messages of the admin and of the apps that lie in this project.

    Apps that are installed from elsewhere bring their catalogues along.
    """
    runtime = subject.runtime
    labels = declared_labels(_site_of(subject), runtime.registry, runtime.permissions)
    admin = _admin_messages(labels)
    apps = [app for app in runtime.registry if _is_ours(app)]
    own = [Source(a.label, a.folder / "locale", _app_messages(a, labels, admin)) for a in apps]
    return [Source("admin", ADMIN_FOLDER, admin), *(source for source in own if source.messages)]


def _site_of(subject: Subject) -> AdminSite | None:
    for route in subject.application.routes:
        site = getattr(getattr(getattr(route, "app", None), "state", None), "site", None)
        if isinstance(site, AdminSite):
            return site
    return None


def _is_ours(app: AppConfig) -> bool:
    folder = app.folder
    return folder.is_relative_to(ROOT) and "site-packages" not in folder.parts


def _admin_messages(labels: Labels) -> Catalog:
    catalog = _new_catalog()
    for folder in (ROOT / "project" / "admin", ROOT / "project" / "i18n"):
        _add(catalog, _extracted(folder, "**.py", PYTHON))
    _add(catalog, _extracted(ROOT / "templates" / "sqladmin", "**.html", TEMPLATE))
    for text in sorted(labels[""]):
        catalog.add(text)
    return catalog


def _app_messages(app: AppConfig, labels: Labels, admin: Catalog) -> Catalog:
    """Collect what the app says and the admin does not: that is translated with the admin."""
    catalog = _new_catalog()
    _add(catalog, _extracted(app.folder, "**.py", PYTHON), besides=admin)
    _add(catalog, _extracted(app.folder / "templates", "**.html", TEMPLATE), besides=admin)
    for text in sorted(labels[app.label]):
        if text not in admin:
            catalog.add(text, auto_comments=["A label."])
    return catalog


Found = Iterator[tuple[str, str | tuple[str, ...], list[str]]]


def _extracted(folder: Path, pattern: str, method: str) -> Found:
    found = extract_from_dir(
        str(folder),
        [(pattern, method)],
        {pattern: TEMPLATE_OPTIONS if method == TEMPLATE else {}},
        KEYWORDS,
        COMMENTS,
        strip_comment_tags=True,
    )
    for name, _, message, comments, _ in found:
        yield (folder / name).relative_to(ROOT).as_posix(), message, comments


def _add(catalog: Catalog, found: Found, besides: Catalog | None = None) -> None:
    for place, message, comments in found:
        first = message if isinstance(message, str) else message[0]
        if first and (besides is None or first not in besides):
            catalog.add(message, locations=[(place, 0)], auto_comments=comments)


def _new_catalog(code: str | None = None) -> Catalog:
    return Catalog(
        _locale(code),
        header_comment="# Made by `manage.py makemessages`; then `manage.py compilemessages`.",
        charset="utf-8",
        fuzzy=False,
    )


def _locale(code: str | None) -> Locale | None:
    if code is None:
        return None
    try:
        return Locale.parse(folder_name(code))
    except (UnknownLocaleError, ValueError) as error:
        raise CommandError(f"'{code}' is no language: write de, or pt-BR.", exit_code=2) from error


def read_catalogue(path: Path, code: str) -> Catalog:
    """Read a catalogue's text; one that is not there is empty. Raises CommandError."""
    if not path.is_file():
        return _new_catalog(code)
    try:
        with path.open("rb") as file:
            return read_po(file, locale=_locale(code), abort_invalid=True)
    except (PoFileError, ValueError) as error:
        raise CommandError(f"{path} is no catalogue: {error}.") from error


def updated(source: Source, code: str) -> bytes:
    """Return what a catalogue's text has to be: every message, with the translations it had."""
    catalog = read_catalogue(source.path(code, "po"), code)
    catalog.update(source.messages, no_fuzzy_matching=True, update_creation_date=False)
    written = io.BytesIO()
    write_po(written, catalog, WIDTH, sort_output=True, ignore_obsolete=True, include_lineno=False)
    return CHATTER.sub(b"", written.getvalue())


def untranslated(source: Source, code: str) -> list[str]:
    """Return the messages of the code that a catalogue lacks, or has without a translation."""
    catalog = read_catalogue(source.path(code, "po"), code)
    return [
        _key(message)
        for message in source.messages
        if message.id and not _is_done(catalog, message)
    ]


def _is_done(catalog: Catalog, message: Message) -> bool:
    found = catalog.get(_key(message))
    if found is None or found.fuzzy:
        return False
    return all(_texts(found))


def _texts(message: Message) -> list[str]:
    found = message.string or ""
    return list(found) if isinstance(found, tuple | list) else [found]


def _key(message: Message) -> str:
    return message.id if isinstance(message.id, str) else message.id[0]


def wrong_translations(path: Path, code: str) -> list[str]:
    """Return what is wrong with translations: other placeholders, above all."""
    catalog = read_catalogue(path, code)
    wrong = {_key(message): str(errors[0]) for message, errors in catalog.check()}
    for message in catalog:
        if message.id and not message.pluralizable:  # one of something may go without its number
            text, key = _texts(message)[0], _key(message)
            if text and _placeholders(text) != _placeholders(key):
                wrong.setdefault(key, f"{text!r} has other placeholders")
    return [f"{key!r}: {why}" for key, why in wrong.items()]


def _placeholders(text: str) -> set[str]:
    if "%(" in text:
        return set(re.findall(r"%\(\w+\)\w", text))
    try:
        return {name for _, name, _, _ in Formatter().parse(text) if name}
    except ValueError:
        return {text}


def compiled(path: Path, code: str) -> bytes:
    """Return a catalogue as it is read at run time."""
    written = io.BytesIO()
    write_mo(written, read_catalogue(path, code))
    return written.getvalue()


def is_current(po: Path, code: str) -> bool:
    """Whether what is read at run time says what the text says."""
    mo = po.with_suffix(".mo")
    if not mo.is_file():
        return False
    with mo.open("rb") as file:
        return _translations(read_mo(file)) == _translations(
            read_mo(io.BytesIO(compiled(po, code)))
        )


def _translations(catalog: Catalog) -> dict[str, list[str]]:
    return {_key(message): _texts(message) for message in catalog if message.id}
