"""What a view may say about the pages of one row."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy.orm import Mapper, RelationshipProperty

from project.admin.form_language import speaking
from project.admin.objects.object_page import ObjectPage
from project.errors import AppError
from project.runtime import Runtime

if TYPE_CHECKING:
    from project.admin.objects.inline import Inline

SECTION_OPTIONS = frozenset({"fields", "description", "classes"})


PAGE_NAME = re.compile(r"[a-z][a-z-]*")
TAKEN = frozenset({"action", "details", "edit", "history", "sign-ins"})
"""Pages of a row that are there already."""


class ObjectOptions:
    """Django's options where SQLAdmin has none. Every one of them is looked at once, at the start.

    `save_as` is SQLAdmin's: with it a changed row can be saved as a new one.
    """

    fieldsets: ClassVar[Sequence[tuple[str | None, Mapping[str, Any]]]] = ()
    """Sections of the form: (title, {"fields": (…), "description": …, "classes": ("collapse",)}).

    Names in a tuple of their own stand side by side.
    """

    readonly_fields: ClassVar[Sequence[Any]] = ()
    """Shown and never changed: columns, paths as `owner.email`, or methods `def margin(self, row)`.

    A method finds relations loaded that are read-only fields, or in the form, themselves.
    """

    inlines: ClassVar[Sequence[type["Inline"]]] = ()
    """Rows that belong to this one, in its own form."""

    prepopulated_fields: ClassVar[Mapping[str, Sequence[str]]] = {}
    """Text columns of a new row that are made from others, unless somebody fills them in."""

    radio_fields: ClassVar[Sequence[Any]] = ()
    """Columns whose few choices are radio buttons: an Enum, a flag that may be empty, those in
    `column_choices`, and relations to one row, as long as there are few to choose from."""

    object_pages: ClassVar[Sequence[type[ObjectPage]]] = ()
    """Pages of an app's own about one row, each with a button."""

    inline_views: list["Inline"]
    own_pages: dict[str, ObjectPage]

    # What the view has of SQLAdmin and of ModelAdmin.
    model: Any
    form_columns: ClassVar[Any]
    form_base_class: ClassVar[Any]
    _form_prop_names: list[str]
    if TYPE_CHECKING:

        @property
        def runtime(self) -> Runtime: ...
        def _refuse_secrets(self, names: Sequence[str]) -> None: ...

    def site_path(self, row: Any) -> str | None:  # noqa: ARG002 - for those who override this
        """Return where the site itself shows a row, for a link on its pages."""
        return None

    def pages_for(self, row: Any) -> frozenset[str]:
        """Name the app's own pages that make sense for a row."""
        pages = self.own_pages.items()
        return frozenset(name for name, page in pages if page.is_offered(self.runtime, row))

    @property
    def readonly_names(self) -> list[str]:
        """Names of what is shown and never changed."""
        return [name if isinstance(name, str) else name.key for name in self.readonly_fields]

    @property
    def radio_names(self) -> list[str]:
        """Names of what has radio buttons."""
        return [name if isinstance(name, str) else name.key for name in self.radio_fields]

    @property
    def section_names(self) -> list[str]:
        """Names of what stands in the sections, in their order."""
        fields = (options.get("fields", ()) for _, options in self.fieldsets)
        return [name for found in fields for row in rows_in(found) for name in row]

    def method_of(self, name: str) -> Callable[[Any], Any] | None:
        """Return the view's own method of a read-only field, if it is one."""
        if has_path(self.model, name) or name not in self.readonly_names:
            return None
        return getattr(self, name, None)

    def prepare_objects(self) -> None:
        """Take what is only read out of the form. Raises AppError for a name that nothing has."""
        readonly = self.readonly_names
        self._refuse_secrets(readonly)
        for name in readonly:
            if not (has_path(self.model, name) or callable(getattr(self, name, None))):
                raise self._wrong("readonly_fields", name, "neither a column nor a method")
        self._take_sections()
        self._form_prop_names = [name for name in self._form_prop_names if name not in readonly]
        for name, sources in self.prepopulated_fields.items():
            for used in (name, *sources):
                if used not in self._form_prop_names:
                    raise self._wrong("prepopulated_fields", used, "not in the form")
        self.own_pages = self._adopt_pages()
        self.inline_views = []  # the site's to make: they are views of their own

    def _take_sections(self) -> None:
        """Let the sections say what is in the form, unless `form_columns` does."""
        if not self.fieldsets:
            return
        names = self.section_names
        for name in names:
            is_own = hasattr(self.form_base_class, name)
            if not (is_own or name in self.readonly_names or has_path(self.model, name)):
                raise self._wrong("fieldsets", name, "no field")
            if names.count(name) > 1:
                raise self._wrong("fieldsets", name, "there twice")
        for _, options in self.fieldsets:
            for option in options.keys() - SECTION_OPTIONS:
                raise self._wrong("fieldsets", option, "no option of a section")
        if not self.form_columns:
            wanted = [name for name in names if has_path(self.model, name) and "." not in name]
            self._refuse_secrets(wanted)
            self._form_prop_names = wanted

    def _adopt_pages(self) -> dict[str, ObjectPage]:
        pages: dict[str, ObjectPage] = {}
        for page in self.object_pages:
            if not PAGE_NAME.fullmatch(page.name) or page.name in {*pages, *TAKEN}:
                raise self._wrong("object_pages", page.name, "no name of its own")
            pages[page.name] = page()
            pages[page.name].form = speaking(page.form)  # type: ignore[misc]  # of this one alone
        return pages

    def _wrong(self, option: str, name: str, what: str) -> AppError:
        place = f"{type(self).__module__}.{type(self).__name__}"
        return AppError(f"{place}: {option} names '{name}', which is {what}.")


def rows_in(fields: Sequence[Any]) -> Iterator[list[str]]:
    """Yield the lines of a section: names, or several that stand side by side."""
    for item in fields:
        names = item if isinstance(item, tuple | list) else (item,)
        yield [name if isinstance(name, str) else name.key for name in names]


def has_path(model: Any, path: str) -> bool:
    """Whether a model has such an attribute, or its related models have."""
    for part in path.split("."):
        attribute = getattr(model, part, None)
        if attribute is None:
            return False
        prop = getattr(attribute, "property", None)
        model = prop.mapper.class_ if isinstance(prop, RelationshipProperty) else None
    return True


def in_table_order(mapper: Mapper[Any], names: Sequence[str]) -> list[str]:
    """Sort names as the table's columns are; a relation stands in the place of its foreign key."""
    relations: dict[str, str] = {}
    for relation in mapper.relationships:
        for column in relation.local_columns if relation.key in names else ():
            if column.foreign_keys and not column.primary_key:
                relations[mapper.get_property_by_column(column).key] = relation.key
    ordered = [relations.get(prop.key, prop.key) for prop in mapper.column_attrs]
    found = [name for name in ordered if name in names]
    return list(dict.fromkeys([*found, *(n for n in names if n not in relations)]))
