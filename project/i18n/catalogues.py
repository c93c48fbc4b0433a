"""Where translations lie, and which languages there are.

`project/admin/locale/<language>/LC_MESSAGES/messages.mo` has the sentences of the admin, an app's
own `locale/` its labels, wherever the app is installed. An app comes before the admin, and an
earlier one before a later one, so a project's app can give any sentence other words.
"""

from collections.abc import Iterable, Sequence
from gettext import GNUTranslations, NullTranslations
from pathlib import Path

from project.errors import AppError
from project.i18n import ENGLISH, Language

ADMIN_FOLDER = Path(__file__).resolve().parent.parent / "admin" / "locale"
DOMAIN = "messages"

Languages = dict[str, Language]


def folder_name(code: str) -> str:
    """Return what a language's folder is called: `pt_BR` for `pt-BR`."""
    return code.replace("-", "_")


def catalogue_path(folder: Path, code: str, ending: str) -> Path:
    """Return where a catalogue is: its text (`po`), or what is read of it (`mo`)."""
    return folder / folder_name(code) / "LC_MESSAGES" / f"{DOMAIN}.{ending}"


def load_languages(codes: Iterable[str], app_folders: Sequence[Path]) -> Languages:
    """Read the catalogues of the languages that are offered.

    Raises AppError for a language that has none, and for a file that is none.
    """
    return {code: load_language(code, [*app_folders, ADMIN_FOLDER]) for code in codes}


def load_language(code: str, folders: Sequence[Path]) -> Language:
    """Read one language's catalogues; the first that has a message wins."""
    paths = [catalogue_path(folder, code, "mo") for folder in folders]
    found = [_read(path) for path in paths if path.is_file()]
    if not found and code != ENGLISH:
        raise AppError(
            f"LANGUAGES names '{code}', which has no catalogue: run `manage.py makemessages "
            f"{code}`, translate, and run `manage.py compilemessages`."
        )
    first: NullTranslations = found[0] if found else NullTranslations()
    for other in found[1:]:
        first.add_fallback(other)
    return Language(code, first)


def _read(path: Path) -> GNUTranslations:
    try:
        with path.open("rb") as file:
            return GNUTranslations(file)
    except (OSError, UnicodeError, ValueError) as error:
        raise AppError(
            f"{path} is no catalogue ({error}): run `manage.py compilemessages`."
        ) from error


def find_language(languages: Languages, tag: str) -> Language | None:
    """Return the language that a tag means: `de` for `de-AT`, where only German is offered."""
    tags = {code.lower(): found for code, found in languages.items()}
    tag = tag.strip().lower()
    while tag:
        if tag in tags:
            return tags[tag]
        tag = tag.rpartition("-")[0]
    return None


def preferred(languages: Languages, header: str, default: str) -> Language:
    """Choose by `Accept-Language`; what is wrong in it is passed over."""
    wanted = sorted(_weighed(header), key=lambda pair: -pair[0])
    found = (find_language(languages, tag) for weight, tag in wanted if weight > 0)
    return next((language for language in found if language is not None), languages[default])


def _weighed(header: str) -> Iterable[tuple[float, str]]:
    for part in header[:LONGEST_HEADER].split(","):
        tag, _, weight = part.partition(";")
        weight = weight.strip().removeprefix("q=") or "1"
        try:
            yield float(weight), tag
        except ValueError:
            continue


LONGEST_HEADER = 500
