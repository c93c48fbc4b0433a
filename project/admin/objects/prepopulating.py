"""Texts that are made from others: an address's part from a title."""

import re
import unicodedata

from wtforms import Form

from project.admin.views import ModelAdmin


def prepopulate(view: ModelAdmin, form: Form) -> None:
    """Fill in what was left empty, as the browser's script does while one types."""
    for name, sources in view.prepopulated_fields.items():
        target = form._fields.get(name)
        if target is None or (target.data or "").strip():
            continue
        text = " ".join(str(form[source].data or "") for source in sources if source in form)
        length = getattr(view.mapper.columns[name].type, "length", None)
        target.data = slug_of(text)[:length].rstrip("-")
        target.raw_data = [target.data]


LETTERS = {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th"}
"""Letters that are no accented ones, so that nothing would be left of them."""

_PLAIN = str.maketrans(LETTERS)


def slug_of(text: str) -> str:
    """Return a text as a part of an address: `Crème brûlée!` is `creme-brulee`."""
    parts = unicodedata.normalize("NFKD", text.lower().translate(_PLAIN))
    plain = parts.encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
