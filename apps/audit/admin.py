from typing import ClassVar

from markupsafe import Markup, escape

from apps.audit.models import Change
from project.admin.formats import display
from project.admin.history.reading import verb_of
from project.admin.views import ModelAdmin
from project.i18n import gettext


def _write(row: Change, _: str) -> Markup:
    """Write the changes as lines; an arrow leads from what was to what is."""
    lines = []
    for name, values in row.changes.items():
        called = gettext(name.replace("_", " ").capitalize())
        told = Markup(" → ").join(map(display, (values[0], values[-1]))) if values else ""
        lines.append(
            Markup("{}: {}").format(called, told)
            if values
            else gettext("%(name)s: changed", name=called)
        )
    return Markup("<br>").join(map(escape, lines))


def _name_action(row: Change, _: str) -> str:
    return verb_of(row.action)


class ChangeAdmin(ModelAdmin, model=Change):
    """All that is recorded, to look at: whoever may, sees the changes of every model."""

    name, name_plural = "Recorded change", "Recorded changes"
    can_create = can_edit = can_delete = False
    column_list = (
        *(Change.id, Change.created_at, Change.actor_label, Change.action),
        *(Change.model, Change.object_id, Change.object_label),
    )
    column_details_list = (
        *column_list,
        *(Change.changes, Change.request_id, Change.address),
    )
    column_searchable_list = (Change.actor_label, Change.object_id, Change.request_id)
    column_sortable_list = (Change.id,)
    column_default_sort = (Change.id, True)
    column_formatters: ClassVar = {Change.action: _name_action}
    column_formatters_detail: ClassVar = {Change.action: _name_action, Change.changes: _write}
    column_labels: ClassVar = {
        "created_at": "When",
        "actor_label": "Who",
        "object_id": "ID of the row",
        "object_label": "Its name then",
        "request_id": "Request",
    }


views = (ChangeAdmin,)
