"""What narrows a list: Django's `list_filter`, by the columns' types, or by a class of one's own.

class OrderAdmin(ModelAdmin, model=Order):
    list_filter = ("status", "user", "created_at", Expensive)
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import Select

from project.admin.lists.paths import Path
from project.admin.lists.values import WrongValue, parse_value
from project.i18n import gettext

if TYPE_CHECKING:
    from project.admin.views import ModelAdmin
    from project.web.principal import Principal

Narrow = Callable[[Select[Any]], Select[Any]]

SEPARATOR = "__"
IS_EMPTY = "isempty"


@dataclass(frozen=True)
class Scope:
    """The list that is filtered, and for whom."""

    view: "ModelAdmin"
    principal: "Principal"
    may_see: Callable[[type], bool]
    """Whether they may see the rows of a model."""


@dataclass(frozen=True)
class Choice:
    """A part of an address that narrows the list: one that was chosen, or one that is offered."""

    parameter: str
    value: str
    label: str
    narrow: Narrow


@dataclass(frozen=True)
class Input:
    """A box in which a bound, or a value, is typed."""

    parameter: str
    label: str
    kind: str = "text"
    has_lookup: bool = False


class ListFilter:
    """A filter of one's own, as Django's SimpleListFilter.

    class Expensive(ListFilter):
        title = "Price"
        parameter_name = "expensive"

        def lookups(self):
            return (("yes", "Over 1,000"),)

        def apply(self, statement, value):
            return statement.where(Order.total > 1000)
    """

    title: str = ""
    parameter_name: str = ""
    is_found = False
    """Whether the database says what there is to choose (`found`)."""

    def lookups(self) -> Sequence[tuple[str, str]]:
        """Return what may be chosen: the value in the address, and what people call it."""
        return ()

    def apply(self, statement: Select[Any], value: str) -> Select[Any]:
        """Narrow the list to what was chosen, which is one of the lookups."""
        raise NotImplementedError

    # -- what the list asks every filter ----------------------------------------------------

    def parameters(self) -> tuple[str, ...]:
        """Return what the filter reads of an address."""
        return (self.parameter_name,)

    def read(self, scope: Scope, parameter: str, value: str) -> Choice:  # noqa: ARG002 - others do
        """Return what a part of the address means. Raises WrongValue."""
        for choice in self.choices():
            if choice.value == value:
                return choice
        raise WrongValue(gettext("choose one of those that are offered."))

    def choices(self) -> Sequence[Choice]:
        """Return what is offered without asking the database."""
        return [
            Choice(self.parameter_name, value, gettext(label), lambda s, v=value: self.apply(s, v))  # type: ignore[misc]
            for value, label in self.lookups()
        ]

    def inputs(self) -> Sequence[Input]:
        """Return the boxes in which something may be typed."""
        return ()

    def is_offered(self, scope: Scope) -> bool:  # noqa: ARG002 - others do
        """Whether somebody may filter by this."""
        return True

    def found(self, scope: Scope) -> Any | None:  # noqa: ARG002 - others do
        """Return a subquery of values and labels to choose from; None if none is needed."""
        return None

    def found_choice(self, value: str, label: str) -> Choice:
        """Return the choice of a value that the database has found."""
        raise NotImplementedError

    def matching(self, value: Any) -> Any:
        """Return the condition that the column has one of the found values, an SQL expression."""
        raise NotImplementedError

    def chosen_label(self, scope: Scope, value: str) -> Select[Any] | None:  # noqa: ARG002 - others do
        """Return how to ask what a chosen value is called; None if it speaks for itself."""
        return None


class FieldFilter(ListFilter):
    """A filter by a column."""

    lookups_beside: ClassVar[tuple[str, ...]] = ()
    """What may follow the column's name in an address, as `__gte`, besides `__isempty`."""

    def __init__(self, path: Path, title: str, labels: Mapping[str, str]) -> None:
        self.path, self.title, self.labels = path, title, labels
        self.parameter_name = path.parameter

    def parameters(self) -> tuple[str, ...]:
        return (
            self.parameter_name,
            *(self._named(lookup) for lookup in (*self.lookups_beside, IS_EMPTY)),
        )

    def is_offered(self, scope: Scope) -> bool:
        """Filtering tells what the rows hold: only those may who may see them."""
        return all(scope.may_see(model) for model in self.path.models)

    def read(self, scope: Scope, parameter: str, value: str) -> Choice:
        lookup = parameter.removeprefix(self.parameter_name).removeprefix(SEPARATOR)
        if lookup != IS_EMPTY:
            return self._read(scope, lookup, value)
        if value not in {"true", "false"}:
            raise WrongValue(gettext("say true or false."))
        return self._emptiness(value == "true")

    def _read(self, scope: Scope, lookup: str, value: str) -> Choice:
        raise NotImplementedError

    def choices(self) -> Sequence[Choice]:
        return [*self._choices(), *self._empty_choices()]

    def _choices(self) -> Iterator[Choice]:
        yield from ()

    def _empty_choices(self) -> list[Choice]:
        if not self.path.is_nullable:
            return []
        return [self._emptiness(True), self._emptiness(False)]

    def _emptiness(self, is_wanted: bool) -> Choice:
        condition = self.path.is_missing(self._is_empty)
        if not is_wanted:
            condition = ~condition
        value, label = ("true", gettext("Empty")) if is_wanted else ("false", gettext("Not empty"))
        return Choice(self._named(IS_EMPTY), value, label, lambda s: s.where(condition))

    def _is_empty(self, column: Any) -> Any:
        return column.is_(None)

    def _named(self, lookup: str) -> str:
        return f"{self.parameter_name}{SEPARATOR}{lookup}"

    def _choice(self, lookup: str, value: str, label: str, condition: Any) -> Choice:
        """Make a choice of a condition on the column."""
        parameter = self._named(lookup) if lookup else self.parameter_name
        return Choice(parameter, value, label, lambda s: s.where(self.path.matches(condition)))

    def matching(self, value: Any) -> Any:
        return self.path.matches(lambda column: column == value)

    def found_choice(self, value: str, label: str) -> Choice:
        return self._equals(parse_value(self.path.type, value), value, label)

    def _equals(self, value: Any, text: str, label: str) -> Choice:
        return self._choice("", text, label, lambda column: column == value)
