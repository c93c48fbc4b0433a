"""How the fields of a form stand on the page: sections, lines, and what is only read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from wtforms import Field, Form

from project.admin.objects.options import rows_in
from project.admin.reading import Cell, Row
from project.admin.views import ModelAdmin


@dataclass(frozen=True)
class Slot:
    """A field that can be filled in, or a value that is only read."""

    name: str
    field: Field | None = None
    cell: Cell | None = None


@dataclass(frozen=True)
class Section:
    """Fields under a title."""

    title: str | None = None
    description: str = ""
    is_collapsed: bool = False
    lines: list[list[Slot]] = field(default_factory=list)

    @property
    def is_wrong(self) -> bool:
        """Whether one of its fields has to be looked at."""
        return any(slot.field is not None and slot.field.errors for slot in self.slots)

    @property
    def slots(self) -> Iterator[Slot]:
        """Yield its fields, line by line."""
        return (slot for line in self.lines for slot in line)


def lay_out(view: ModelAdmin, form: Form, row: Row | None) -> list[Section]:
    """Put a form's fields into the view's sections; what none of them names comes last."""
    slots = _slots(view, form, row)
    sections = [_section(title, options, slots) for title, options in view.fieldsets]
    named = set(view.section_names)
    rest = [[slot] for name, slot in slots.items() if name not in named]
    return [section for section in (*sections, Section(lines=rest)) if section.lines]


def _section(title: str | None, options: Mapping[str, Any], slots: Mapping[str, Slot]) -> Section:
    # A field may be taken out of the form for some: `adapt_form`.
    lines = [[slots[n] for n in names if n in slots] for names in rows_in(options["fields"])]
    return Section(
        title,
        options.get("description", ""),
        "collapse" in options.get("classes", ()),
        [line for line in lines if line],
    )


def _slots(view: ModelAdmin, form: Form, row: Row | None) -> dict[str, Slot]:
    cells = {} if row is None else {cell.name: cell for cell in row.cells}
    slots = {name: Slot(name, field=found) for name, found in form._fields.items()}
    readonly = (name for name in view.readonly_names if name in cells)
    return slots | {name: Slot(name, cell=cells[name]) for name in readonly}
