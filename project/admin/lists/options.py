"""What a view may say about its list."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import JSON, Date, DateTime, Enum, Select, inspect
from sqlalchemy.dialects.postgresql import JSONB

from project.admin.lists.field_filters import DateFilter, kind_of_filter
from project.admin.lists.filters import ListFilter
from project.admin.lists.ordering import Ordering, order_by
from project.admin.lists.paths import find_path
from project.admin.lists.search import PREFIXES, search_condition
from project.errors import AppError

RESERVED = frozenset(
    {"search", "page", "pageSize", "sort", "sortBy", "after", "before", "note", "back", "_facets"}
)
"""What an address says already."""

FACETS = ("always", "on request", "never")


class ListOptions:
    """Django's options where SQLAdmin has none. Every one of them is looked at once, at the start.

    `column_searchable_list` takes Django's prefixes: `^email` is found by its beginning, `=id`
    only as a whole.
    """

    list_filter: ClassVar[Sequence[Any]] = ()
    """Columns, relations to one row, columns of related rows as `user.email`, or `ListFilter`s."""

    show_facets: ClassVar[str] = "on request"
    """Whether counts stand beside what can be chosen: always, on request, never."""

    date_hierarchy: ClassVar[Any] = None
    """A date column: years, months and days above the list."""

    column_choices: ClassVar[Mapping[str, Mapping[str, str]]] = {}
    """Labels of a column's values, for columns that hold one of a few."""

    list_timeout: ClassVar[float] = 3.0
    """Seconds that PostgreSQL may take for one statement of the list."""

    filters: tuple[ListFilter, ...]
    hierarchy: DateFilter | None

    # What the view has of SQLAdmin and of ModelAdmin.
    model: Any
    if TYPE_CHECKING:

        @property
        def search_columns(self) -> list[str]: ...
        @property
        def sort_columns(self) -> list[str]: ...
        @property
        def default_sort(self) -> list[tuple[Any, bool]]: ...
        def label_of(self, name: str) -> str: ...
        def _get_prop_name(self, prop: Any) -> str: ...

    def search_query(self, stmt: Select[Any], term: str) -> Select[Any]:
        """Find each word of the term in one of the searchable columns or another.

        `%` and `_` are just characters; rows without a related row are found by the others.
        """
        return stmt.where(search_condition(self.model, self._search_fields, term))

    _search_fields: list[str]

    def prepare_list(self) -> None:
        """Build the filters. Raises AppError for what cannot be filtered, searched or sorted by."""
        if self.show_facets not in FACETS:
            raise self._mistake(f"show_facets is one of {', '.join(FACETS)}")
        default = (self._get_prop_name(column) for column, _ in self.default_sort)
        sorted_by = (*self.sort_columns, *default)
        for name in (*self.search_columns, *sorted_by):
            if find_path(self.model, name) is None:
                raise self._mistake(f"'{name}' is no column, so nothing is found or sorted by it")
        for name in sorted_by:
            self._refuse_unsorted(name)
        self.filters = tuple(self._build(item) for item in self.list_filter)
        self.hierarchy = self._find_hierarchy()
        taken = set(RESERVED)
        for name in (name for found in self.all_filters for name in found.parameters()):
            if not name or name in taken:
                raise self._mistake(f"list_filter uses the name '{name}' twice; rename one")
            taken.add(name)

    def _refuse_unsorted(self, name: str) -> None:
        path = find_path(self.model, name)
        assert path is not None  # noqa: S101 - asked before
        if any(relation.property.uselist for relation in path.relations):
            # The join would show a row once for each of the others.
            raise self._mistake(f"'{name}' may be of several rows, so nothing is sorted by it")
        if isinstance(path.type, JSON) and not isinstance(path.type, JSONB):
            raise self._mistake(f"'{name}' is json, which PostgreSQL cannot sort; make it jsonb")

    @property
    def filter_columns(self) -> list[str]:
        """Names of the columns that the list is filtered by."""
        named = [item for item in self.list_filter if not isinstance(item, type)]
        hierarchy = [] if self.date_hierarchy is None else [self.date_hierarchy]
        return [self._get_prop_name(item) for item in (*named, *hierarchy)]

    @property
    def all_filters(self) -> tuple[ListFilter, ...]:
        """The filters, and the one behind the hierarchy of dates."""
        if self.hierarchy is None or self.hierarchy in self.filters:
            return self.filters
        return (*self.filters, self.hierarchy)

    def choices_of(self, name: str) -> Mapping[str, str]:
        """Return the labels of a column's values, if it holds one of a few."""
        if name in self.column_choices:
            return self.column_choices[name]
        path = find_path(self.model, name)
        if path is None or not isinstance(path.type, Enum):
            return {}
        return {value: value.replace("_", " ").capitalize() for value in path.type.enums}

    def is_reference(self, name: str) -> bool:
        """Whether a column holds the key of a row, this one or another."""
        path = find_path(self.model, name)
        if path is None:
            return False
        column = path.column.property.columns[0]
        return bool(column.primary_key or column.foreign_keys)

    def order_of(self, sort: Sequence[tuple[str, bool]]) -> Ordering:
        """Return the total order by these columns, or the one that nobody asked for."""
        default = [(self._get_prop_name(name), way) for name, way in self.default_sort]
        mapper = inspect(self.model)
        keys = [mapper.get_property_by_column(column).key for column in mapper.primary_key]
        return order_by(self.model, keys, sort or default)

    def _build(self, item: Any) -> ListFilter:
        if isinstance(item, type) and issubclass(item, ListFilter):
            return item()
        name = self._get_prop_name(item)
        path = find_path(self.model, name)
        if path is None:
            raise self._mistake(f"list_filter names '{name}', which is neither column nor filter")
        labels = self.choices_of(name)
        kind = kind_of_filter(path, has_labels=bool(labels))
        return kind(path, self.label_of(name), labels)

    def _find_hierarchy(self) -> DateFilter | None:
        if self.date_hierarchy is None:
            return None
        name = self._get_prop_name(self.date_hierarchy)
        path = find_path(self.model, name)
        if path is None or path.relations or not isinstance(path.type, Date | DateTime):
            raise self._mistake(f"date_hierarchy names '{name}', which is no date of the model")
        same = (found for found in self.filters if found.parameter_name == path.parameter)
        found = next(same, None)
        return found if isinstance(found, DateFilter) else DateFilter(path, self.label_of(name), {})

    def _mistake(self, sentence: str) -> AppError:
        return AppError(f"{type(self).__module__}.{type(self).__name__}: {sentence}.")


def bare_name(field: str) -> str:
    """Take the prefix off a searchable column."""
    return field.lstrip(PREFIXES)
