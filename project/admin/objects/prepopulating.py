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


def slug_of(text: str) -> str:
    """Return a text as a part of an address: `Crème brûlée!` is `creme-brulee`."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")
