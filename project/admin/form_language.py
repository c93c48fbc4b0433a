"""What WTForms itself says of a field, in the language of whoever fills it in."""

from functools import cache
from gettext import NullTranslations
from typing import Any

from wtforms import Form
from wtforms.i18n import get_translations

from project.i18n import ENGLISH, language
from project.i18n.catalogues import folder_name


class _Translations:
    """The catalogues first, then what WTForms brings along."""

    def gettext(self, message: str) -> str:
        found = language().messages.gettext(message)
        return _own(language().code).gettext(message) if found == message else found

    def ngettext(self, one: str, many: str, number: int) -> str:
        found = language().messages.ngettext(one, many, number)
        is_missing = found in {one, many}
        return _own(language().code).ngettext(one, many, number) if is_missing else found


@cache
def _own(code: str) -> NullTranslations:
    if code == ENGLISH:
        return NullTranslations()
    try:
        found: NullTranslations = get_translations([folder_name(code)])
    except OSError:  # it does not speak this one
        return NullTranslations()
    return found


def speaking(form: type[Form]) -> type[Form]:
    """Return the form with mistakes in the reader's language; an app's class stays as it is."""

    class Meta:
        def get_translations(self, form: Form) -> _Translations:  # noqa: ARG002 - WTForms passes it
            return _Translations()

    attributes: dict[str, Any] = {"Meta": Meta, "__module__": form.__module__}
    make: Any = type(form)
    spoken: type[Form] = make(form.__name__, (form,), attributes)
    return spoken
