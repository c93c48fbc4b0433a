"""Rows that belong to a row, in its own form: the lines of an order.

    class OrderLineInline(Inline, model=OrderLine):
        form_columns = (OrderLine.item, OrderLine.quantity)
        readonly_fields = ("line_total",)
        extra = 2

    class OrderAdmin(ModelAdmin, model=Order):
        inlines = (OrderLineInline,)

An inline is a `ModelAdmin` of its own: its hooks and the permissions of its model hold for each
of its rows. The hooks that it does not have (`permits`, `rows_for`, `authorise`, `prepare_values`,
`create_row`, `update_row`, `delete_row`) are those of the model's own view, if there is one; only
`adapt_form` is not, because the form is another.
"""

from collections.abc import Iterator
from typing import Any, ClassVar

from sqlalchemy import ForeignKeyConstraint, Select
from sqlalchemy.orm import RelationshipProperty, Session

from project.admin.declaring import adopt
from project.admin.views import ModelAdmin, Values
from project.errors import AppError
from project.runtime import Runtime
from project.web.principal import Principal

MOST_ROWS = 200
"""Rows that a page shows; beyond, there is the list."""


class Inline(ModelAdmin):
    """Rows of another model that refer to the one that is shown, as a table in its form."""

    extra: ClassVar[int] = 1
    """Blank rows; with a script there is a button for more."""

    min_num: ClassVar[int] = 0
    """Rows that there have to be."""

    max_num: ClassVar[int] = MOST_ROWS
    """Rows that there may be."""

    fk_name: ClassVar[str | None] = None
    """The foreign key's column, or its relation, where there are several."""

    parent_columns: list[tuple[str, str]]
    """Attributes of the row that refer to the parent, each with the parent's own."""

    def rows_for(self, principal: Principal, statement: Select[Any]) -> Select[Any]:
        """Narrow what somebody may see; the rules of the model's own view hold here, too."""
        for view in self.other_views():
            statement = view.rows_for(principal, statement)
        return statement

    def permits(self, principal: Principal, action: str) -> bool:
        """Whether somebody may take an action here; a view with a rule of its own is asked, too.

        Without such a rule, what that view offers (`can_create`, …) is about its own pages alone.
        """
        if not super().permits(principal, action):
            return False
        return all(view.permits(principal, action) for view in self._views_with("permits"))

    def authorise(
        self, session: Session, principal: Principal, action: str, row: Any, values: Values
    ) -> None:
        """Ask the model's own views."""
        for view in self.other_views():
            view.authorise(session, principal, action, row, values)

    async def prepare_values(self, runtime: Runtime, values: Values) -> None:
        """Let the model's own view prepare what its service is given."""
        view = self._view_with("prepare_values")
        if view is not None:
            await view.prepare_values(runtime, values)

    def create_row(self, session: Session, values: Values) -> Any:
        """Make the row as the model's own view does."""
        view = self._view_with("create_row")
        return (view.create_row if view else super().create_row)(session, values)

    def update_row(self, session: Session, row: Any, values: Values) -> None:
        """Change the row as the model's own view does."""
        view = self._view_with("update_row")
        (view.update_row if view else super().update_row)(session, row, values)

    def delete_row(self, session: Session, row: Any) -> None:
        """Delete the row as the model's own view does."""
        view = self._view_with("delete_row")
        (view.delete_row if view else super().delete_row)(session, row)

    @property
    def has_row_rule(self) -> bool:
        """Whether a rule of its own, or of the model's own view, may hide rows."""
        has_own = type(self).rows_for is not Inline.rows_for
        return has_own or any(view.has_row_rule for view in self.other_views())

    def _views_with(self, hook: str) -> Iterator[ModelAdmin]:
        """Yield the model's own views that have a hook of their own."""
        default = getattr(ModelAdmin, hook)
        return (view for view in self.other_views() if getattr(type(view), hook) is not default)

    def _view_with(self, hook: str) -> ModelAdmin | None:
        """Return the model's own view whose hook holds here, if one has such a hook."""
        return next(self._views_with(hook), None)

    def other_views(self) -> list[ModelAdmin]:
        """Return the views that show this model by itself."""
        views = self._admin_ref.views
        return [view for view in views if isinstance(view, ModelAdmin) and view.model is self.model]

    @property
    def key(self) -> str:
        """What the names of its fields begin with: no two inlines of a page share a table."""
        return str(self.table.name)

    @property
    def shown_names(self) -> list[str]:
        """Names of the table's columns."""
        return [*self._form_prop_names, *self.readonly_names]

    def keys_of(self, parent: Any) -> dict[str, Any]:
        """Return the foreign key's values that make a row this parent's."""
        return {own: getattr(parent, other) for own, other in self.parent_columns}

    def prepare_inline(self, parent: ModelAdmin) -> None:
        """Find the way to the parent, and build the forms. Raises AppError."""
        key = self._key_to(parent)
        own, other = self.mapper.get_property_by_column, parent.mapper.get_property_by_column
        self.parent_columns = [
            (own(element.parent).key, other(element.column).key) for element in key.elements
        ]
        taken = {name for name, _ in self.parent_columns} | set(self._relations_over(key))
        self._form_prop_names = [name for name in self._form_prop_names if name not in taken]
        if self.inlines or self.fieldsets:
            raise AppError(f"{_name_of(self)}: an inline has neither inlines nor fieldsets.")
        for name in self.radio_names:
            if name in self.mapper.relationships:
                raise self._wrong("radio_fields", name, "a relation, which rows of an inline type")
        self.prepare_forms()

    def _key_to(self, parent: ModelAdmin) -> ForeignKeyConstraint:
        keys = [
            key
            for key in self.table.foreign_key_constraints
            if key.referred_table is parent.table and self._is_meant(key)
        ]
        if len(keys) != 1:
            found = "several ways lead" if keys else "no foreign key leads"
            raise AppError(f"{_name_of(self)}: {found} to {parent.table.name}; say fk_name.")
        return keys[0]

    def _is_meant(self, key: ForeignKeyConstraint) -> bool:
        names = [column.key for column in key.columns]
        return self.fk_name is None or self.fk_name in {*names, *self._relations_over(key)}

    def _relations_over(self, key: ForeignKeyConstraint) -> list[str]:
        columns = set(key.columns)
        return [
            relation.key
            for relation in self.mapper.relationships
            if isinstance(relation, RelationshipProperty) and relation.local_columns == columns
        ]


def adopt_inlines(site: Any, app: str, parent: ModelAdmin) -> list[Inline]:
    """Make a parent's inlines this application's own, as `site.register` does with views."""
    adopted: list[Inline] = []
    for declared in parent.inlines:
        if not issubclass(declared, Inline):
            raise AppError(f"{_name_of(parent)}: {declared.__name__} is no Inline.")
        made = adopt(declared, app)
        made._admin_ref = site  # noqa: SLF001 - as SQLAdmin does with views
        made.session_maker = site.session_maker
        made.templates = site.templates
        inline = made()
        assert isinstance(inline, Inline)  # noqa: S101 - its class is made of one
        inline.prepare_inline(parent)
        if inline.key in {other.key for other in adopted}:
            raise AppError(f"{_name_of(parent)} has two inlines of {inline.table.name}.")
        adopted.append(inline)
    return adopted


def _name_of(view: ModelAdmin) -> str:
    return f"{type(view).__module__}.{type(view).__name__}"
