"""The filters that the types of columns ask for."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import (
    Boolean,
    Date,
    DateTime,
    Double,
    Float,
    Integer,
    Numeric,
    Select,
    String,
    Uuid,
    cast,
    or_,
)

from project.admin.lists.distinct import distinct_values
from project.admin.lists.filters import Choice, FieldFilter, Input, Scope
from project.admin.lists.paths import Path
from project.admin.lists.values import (
    NO,
    YES,
    Period,
    WrongValue,
    day_start,
    next_day,
    parse_value,
)
from project.i18n import gettext

MOST_CHOICES = 20
"""Choices that are shown as links; for more of them something has to be typed."""


class BooleanFilter(FieldFilter):
    """Yes or no."""

    def _read(self, scope: Scope, lookup: str, value: str) -> Choice:  # noqa: ARG002 - has none
        return self._flag(parse_value(self.path.type, value))

    def _choices(self) -> Iterator[Choice]:
        yield from (self._flag(True), self._flag(False))

    def _flag(self, value: bool) -> Choice:
        text, label = (YES, gettext("Yes")) if value else (NO, gettext("No"))
        return self._choice("", text, label, lambda column: column.is_(value))


class ChoiceFilter(FieldFilter):
    """One of some values that have labels: an Enum's, or those of `column_choices`."""

    def _read(self, scope: Scope, lookup: str, value: str) -> Choice:  # noqa: ARG002 - has none
        if value not in self.labels:
            raise WrongValue(gettext("choose one of those that are offered."))
        return self._labelled(value)

    def _choices(self) -> Iterator[Choice]:
        return (self._labelled(value) for value in self.labels)

    def _labelled(self, value: str) -> Choice:
        return self._equals(parse_value(self.path.type, value), value, gettext(self.labels[value]))


class RangeFilter(FieldFilter):
    """From here to there, or exactly this: numbers."""

    lookups_beside = ("gte", "lte", "gt", "lt")
    input_kind = "number"

    def _read(self, scope: Scope, lookup: str, value: str) -> Choice:  # noqa: ARG002 - not asked
        parsed = parse_value(self.path.type, value)
        return self._bound(lookup, value, parsed) if lookup else self._equals(parsed, value, value)

    def _bound(self, lookup: str, text: str, parsed: Any) -> Choice:
        match lookup:
            case "gte":
                return self._choice(
                    lookup,
                    text,
                    gettext("from %(value)s", value=text),
                    lambda column: column >= parsed,
                )
            case "gt":
                return self._choice(
                    lookup,
                    text,
                    gettext("over %(value)s", value=text),
                    lambda column: column > parsed,
                )
            case "lte":
                return self._choice(
                    lookup,
                    text,
                    gettext("to %(value)s", value=text),
                    lambda column: column <= parsed,
                )
        return self._choice(
            lookup, text, gettext("under %(value)s", value=text), lambda column: column < parsed
        )

    def inputs(self) -> Sequence[Input]:
        return (
            Input(self._named("gte"), gettext("From"), self.input_kind),
            Input(self._named("lte"), gettext("To"), self.input_kind),
        )


class DateFilter(RangeFilter):
    """Today, this month, 2026-11, from here to there; days count as a whole, in UTC."""

    input_kind = "date"

    def _read(self, scope: Scope, lookup: str, value: str) -> Choice:
        if not lookup:
            return self._period(value)
        try:
            day = parse_value(Date(), value)
        except WrongValue:
            return super()._read(scope, lookup, value)
        if lookup in {"lte", "gt"}:  # the day that is named belongs to what comes before
            bound = day_start(self.path.type, next_day(day))
            kind = "lt" if lookup == "lte" else "gte"
            narrowed = self._bound(kind, value, bound).narrow
            return Choice(
                self._named(lookup), value, self._bound(lookup, value, bound).label, narrowed
            )
        return self._bound(lookup, value, day_start(self.path.type, day))

    def _choices(self) -> Iterator[Choice]:
        return (self._period(name) for name in Period.NAMES)

    def _period(self, text: str) -> Choice:
        first, end = Period(text).bounds(self.path.type)
        label = gettext(Period.NAMES[text]) if text in Period.NAMES else text
        return self._choice("", text, label, lambda column: (column >= first) & (column < end))


class TextFilter(FieldFilter):
    """One of the column's values, as long as they are few; else what is typed."""

    is_found = True

    def _read(self, scope: Scope, lookup: str, value: str) -> Choice:  # noqa: ARG002 - has none
        return self._equals(parse_value(self.path.type, value), value, self._label(value))

    def inputs(self) -> Sequence[Input]:
        return (
            Input(self.parameter_name, gettext("%(title)s is exactly", title=gettext(self.title))),
        )

    def found(self, scope: Scope) -> Any:
        return distinct_values(scope.view, scope.principal, self.path, MOST_CHOICES + 1)

    def found_choice(self, value: str, label: str) -> Choice:
        return super().found_choice(value, label or self._label(value))

    def _label(self, value: str) -> str:
        return gettext(self.labels[value]) if value in self.labels else value

    def _is_empty(self, column: Any) -> Any:
        return or_(column.is_(None), column == "")


class ValueFilter(FieldFilter):
    """Exactly what is typed: types that have no order worth filtering by."""

    def _read(self, scope: Scope, lookup: str, value: str) -> Choice:  # noqa: ARG002 - has none
        return self._equals(parse_value(self.path.type, value), value, value)

    def inputs(self) -> Sequence[Input]:
        return (
            Input(self.parameter_name, gettext("%(title)s is exactly", title=gettext(self.title))),
        )


class ReferenceFilter(FieldFilter):
    """Rows that refer to a certain row, named by its key or by a unique text."""

    is_found = True

    def _read(self, scope: Scope, lookup: str, value: str) -> Choice:  # noqa: ARG002 - has none
        key = read_key(self.path, value)
        if key is not None:
            return self._equals(key, str(key), str(key))
        if "\0" in value:
            raise WrongValue(gettext("this cannot be looked for."))
        rows = self._rows(scope)
        matches = or_(*(cast(column, String) == value for column in self._texts(scope)))
        found = rows.where(matches).with_only_columns(self._key())
        return self._choice("", value, value, lambda column: column.in_(found))

    def inputs(self) -> Sequence[Input]:
        return (
            Input(
                self.parameter_name,
                gettext("%(title)s, by id or name", title=gettext(self.title)),
                has_lookup=True,
            ),
        )

    def found(self, scope: Scope) -> Any:
        texts = self._texts(scope)
        # In the order of the first text, which is unique and so has an index.
        rows = self._labelled(scope).order_by(texts[0]).limit(MOST_CHOICES + 1)
        return rows.subquery()

    def chosen_label(self, scope: Scope, value: str) -> Select[Any] | None:
        key = read_key(self.path, value)
        return None if key is None else self._labelled(scope).where(self._key() == key)

    def _labelled(self, scope: Scope) -> Select[Any]:
        label = cast(self._texts(scope)[0], String).label("label")
        return self._rows(scope).with_only_columns(self._key().label("value"), label)

    def _rows(self, scope: Scope) -> Select[Any]:
        return scope.view.references_for(scope.principal, self.target)

    def _texts(self, scope: Scope) -> list[Any]:
        return scope.view.labels_of(self.target)

    def _key(self) -> Any:
        (key,) = self._mapper().primary_key
        return getattr(self.target, self._mapper().get_property_by_column(key).key)

    def _mapper(self) -> Any:
        return self.target.__mapper__  # type: ignore[attr-defined]

    @property
    def target(self) -> type:
        """The model of the rows."""
        assert self.path.target is not None  # noqa: S101 - it is a filter of those
        return self.path.target


def read_key(path: Path, value: str) -> Any | None:
    """Read the key out of `12`, or of what a lookup suggests: `ada@example.com #12`."""
    try:
        return parse_value(path.type, value.rpartition("#")[2].strip())
    except WrongValue:
        return None


def kind_of_filter(path: Path, *, has_labels: bool) -> type[FieldFilter]:
    """Choose the filter that fits a column."""
    if path.target is not None:
        return ReferenceFilter
    if has_labels:
        return ChoiceFilter
    for kinds, kind in KINDS:
        if isinstance(path.type, kinds):
            return kind
    return FieldFilter


KINDS: Sequence[tuple[Any, type[FieldFilter]]] = (
    (Boolean, BooleanFilter),
    ((Date, DateTime), DateFilter),
    ((Integer, Numeric, Float, Double), RangeFilter),
    (String, TextFilter),
    (Uuid, ValueFilter),
)
"""By type. For all others there is only empty and not empty."""
