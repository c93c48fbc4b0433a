"""What apps declare: SQLAdmin's `ModelView` with defaults that are safe.

    class ItemAdmin(ModelAdmin, model=Item):
        column_list = (Item.id, Item.name, Item.price)
        form_columns = (Item.name, Item.price)

    views = (ItemAdmin,)

The declarations are SQLAdmin's own. What reads and writes is not (`reading`, `writing`):
SQLAdmin's hooks are asynchronous, get no session and run after the commit, or from inside a
worker thread. The hooks here are plain functions that get the session.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqladmin import ModelView
from sqladmin.ajax import QueryAjaxModelLoader
from sqlalchemy import JSON, Select, Table, delete, inspect, select, tuple_
from sqlalchemy.orm import ColumnProperty, Mapper, RelationshipProperty, Session
from sqlalchemy.orm.attributes import flag_modified
from wtforms import Form
from wtforms.fields.core import UnboundField

from project.admin.form_language import speaking
from project.admin.forms import Converter, lookup_columns
from project.admin.lists.bulk_options import BulkOptions
from project.admin.lists.options import ListOptions, bare_name
from project.admin.objects.options import ObjectOptions, has_path, in_table_order
from project.admin.radios import as_radios
from project.errors import AppError
from project.i18n import gettext
from project.runtime import Runtime
from project.web.principal import Principal

SECRET = re.compile(r"(^|_)(password|passwd|secret|token|api_key|private_key)(_|$)")
"""Columns with such a name are in no list, no form, no search and on no page."""

OFFERED = {"add": "can_create", "change": "can_edit", "delete": "can_delete"}
"""SQLAdmin's switches: what a view does not offer is permitted to nobody."""

Values = dict[str, Any]
"""What a form says, by column; a relation to one row stands as its foreign key."""


class ModelAdmin(ListOptions, BulkOptions, ObjectOptions, ModelView):
    """One model in the admin. Options are SQLAdmin's; the methods below are ours."""

    page_size = 25
    page_size_options = (25, 50, 100)
    can_export = False
    form_converter = Converter
    create_template = edit_template = "sqladmin/form.html"
    declared_name: str
    declared_plural: str
    """The names as the code has them; `name` and `name_plural` speak the reader's language."""

    form_class_for_create: type[Form]
    form_class_for_edit: type[Form]

    def rows_for(self, principal: Principal, statement: Select[Any]) -> Select[Any]:  # noqa: ARG002 - for rules
        """Narrow what somebody may see and change at all; override it with a rule of your own.

        Every page asks it: lists, single rows, lookups, whatever is written. A row that it leaves
        out is not there: 404.
        """
        return statement

    async def prepare_values(self, runtime: Runtime, values: Values) -> None:
        """Change the values in ways that need no connection, or another lane: hash, resize."""

    def create_row(self, session: Session, values: Values) -> Any:
        """Make the row; override it to call the app's service. May raise a DomainError."""
        row = self.model(**values)
        session.add(row)
        return row

    def create_rows(self, session: Session, values: Sequence[Values]) -> Sequence[Any]:
        """Make many rows, as an import does; override it if the app's service can do so at once.

        One by one where `create_row` is the app's own.
        """
        if type(self).create_row is not ModelAdmin.create_row:
            return [self.create_row(session, given) for given in values]
        rows = [self.model(**given) for given in values]
        session.add_all(rows)
        return rows

    def update_row(
        self,
        session: Session,  # noqa: ARG002 - for services of those who override this
        row: Any,
        values: Values,
    ) -> None:
        """Change the row, which is locked; `values` holds only what was changed."""
        for name, value in values.items():
            setattr(row, name, value)
            if name in self.mapper.columns and isinstance(self.mapper.columns[name].type, JSON):
                flag_modified(row, name)  # SQLAlchemy would leave out what Python calls equal

    def delete_row(self, session: Session, row: Any) -> None:
        """Delete the row, which is locked; what refers to it is left to the database's rules.

        Override it to call the app's service.
        """
        delete_by_key(session, self.mapper, [row])

    def delete_rows(self, session: Session, rows: Sequence[Any]) -> None:
        """Delete rows, which are locked; they may refer to each other, so all at once.

        One by one where `delete_row` is the app's own.
        """
        if type(self).delete_row is ModelAdmin.delete_row:
            delete_by_key(session, self.mapper, rows)
            return
        for row in rows:
            self.delete_row(session, row)

    def authorise(
        self, session: Session, principal: Principal, action: str, row: Any, values: Values
    ) -> None:
        """Refuse what somebody who holds the permission may still not do; raise a DomainError.

        `action` is add, change or delete; `row` is None for add. It is asked before a form is
        shown, without values, and before anything is written, in the transaction that writes.
        """

    def adapt_form(
        self, session: Session, form: Form, principal: Principal, row: Any | None
    ) -> None:
        """Take fields out of a form, or fill in those of its own, for whoever sees it."""

    def permits(self, principal: Principal, action: str) -> bool:
        """Whether this view offers an action, and somebody may take it here.

        Whoever may change rows may see them, as in Django.
        """
        if action == "view":
            return self._is_held(principal, "view") or self._is_held(principal, "change")
        return bool(getattr(self, OFFERED[action])) and self._is_held(principal, action)

    def _is_held(self, principal: Principal, action: str) -> bool:
        name = self.runtime.permissions.name_of(self.model, action)
        return principal.is_superuser or (name is not None and principal.has_permission(name))

    def label_of(self, name: str) -> str:
        """Return what people call a column."""
        return gettext(self.declared_label(name))

    def declared_label(self, name: str) -> str:
        """Return what a column is called in the code, or after its name."""
        default = name.rpartition(".")[2].replace("_", " ").capitalize()
        label: str = self._column_labels.get(name, "ID" if name == "id" else default)
        return label

    # -- what is used of SQLAdmin's private parts, pinned by test_contract.py ---------------

    @property
    def runtime(self) -> Runtime:
        """The application's settings, lanes and storage."""
        site: Any = self._admin_ref
        runtime: Runtime = site.runtime
        return runtime

    @property
    def model_label(self) -> str:
        """What the model is called in the history of changes: `items.item`."""
        return self.runtime.permissions.label_of(self.model)

    @property
    def can_be_imported(self) -> bool:
        """Whether all rows have one form, whose values are written without work in between."""
        hooks = ("prepare_values", "adapt_form")
        return all(getattr(type(self), hook) is getattr(ModelAdmin, hook) for hook in hooks)

    @property
    def has_row_rule(self) -> bool:
        """Whether `rows_for` may hide rows from some who may see others."""
        return type(self).rows_for is not ModelAdmin.rows_for

    @property
    def mapper(self) -> Mapper[Any]:
        """SQLAlchemy's mapper of the model."""
        mapper: Mapper[Any] = self._mapper
        return mapper

    @property
    def table(self) -> Table:
        """The table behind the model."""
        table = self.mapper.local_table
        assert isinstance(table, Table)  # noqa: S101 - models here are declared with a table
        return table

    @property
    def list_columns(self) -> list[str]:
        """Names of what a list shows."""
        return self._list_prop_names

    @property
    def details_columns(self) -> list[str]:
        """Names of what a details page shows."""
        return self._details_prop_names

    @property
    def search_columns(self) -> list[str]:
        """Names of what is searched, relations as `owner.email`."""
        return [bare_name(field) for field in self._search_fields]

    @property
    def sort_columns(self) -> list[str]:
        """Names of what a list can be sorted by."""
        return self._sort_fields

    @property
    def default_sort(self) -> list[tuple[Any, bool]]:
        """Columns of the order that nobody asked for, and whether each is descending."""
        return self._get_default_sort()

    @property
    def lookups(self) -> Mapping[str, QueryAjaxModelLoader]:
        """How the fields that name another row search for it; none but those in the form."""
        names = self._form_prop_names
        return {name: found for name, found in self._form_ajax_refs.items() if name in names}

    def references_for(self, principal: Principal, model: type) -> Select[Any]:
        """Select the rows of another model that somebody may choose from."""
        rows: Select[Any] = select(model)
        for view in self._views_of_model(model):
            rows = view.rows_for(principal, rows)
        return rows

    def may_see(self, principal: Principal, model: type) -> bool:
        """Whether somebody may see rows of another model, be it shown in the admin or not."""
        views = self._views_of_model(model)
        name = self.runtime.permissions.name_of(model, "view")
        if views:
            return any(view.permits(principal, "view") for view in views)
        return principal.is_superuser or principal.has_permission(name or "")

    def _views_of_model(self, model: type) -> list["ModelAdmin"]:
        views = self._admin_ref.views
        return [view for view in views if isinstance(view, ModelAdmin) and view.model is model]

    def labels_of(self, model: type) -> list[Any]:
        """Return the columns by which people know rows that this model refers to."""
        loaders = (found for found in self._form_ajax_refs.values() if found.model is model)
        loader = next(loaders, None)
        return lookup_columns(loader) if loader is not None else [*inspect(model).primary_key]

    def views_of(self, table: Table) -> list["ModelAdmin"]:
        """Return the admin's views of a table, this one's or another."""
        views = self._admin_ref.views
        return [view for view in views if isinstance(view, ModelAdmin) and view.table is table]

    def name_of_table(self, table: str | None) -> str:
        """Return what people call the rows of a table, of this model or another."""
        for view in self._admin_ref.views:
            if isinstance(view, ModelAdmin) and view.table.name == table:
                return view.name_plural
        return gettext("Other rows")

    def formatter_of(self, name: str, *, is_list: bool) -> Callable[..., Any] | None:
        """Return the view's own formatter of a column, if it has one."""
        return (self._list_formatters if is_list else self._detail_formatters).get(name)

    def prepare_forms(self) -> None:
        """Build the forms once, at the start, where a mistake is seen.

        SQLAdmin builds them again for each page, asynchronously, because selects load whole
        tables. Ours load nothing, so the coroutine ends without ever waiting.
        """
        self._refuse_unknown_columns()
        self.prepare_list()
        self.prepare_objects()
        self._refuse_names_of_forms()
        self.form_class_for_create = self._build_form(self._form_create_rules)
        self.form_class_for_edit = self._build_form(self._form_edit_rules)
        self.prepare_bulk()

    def _build_form(self, rules: list[str]) -> type[Form]:
        coroutine = self.scaffold_form(rules)
        try:
            coroutine.send(None)
        except StopIteration as done:
            return speaking(
                _put_own_fields_last(self._with_radios(done.value), self.form_base_class)
            )
        except Exception as error:
            raise AppError(f"{_name_of(self)}: its form cannot be built: {error}") from error
        coroutine.close()
        raise AppError(f"{_name_of(self)}: its form waits for something; it must not.")

    def _with_radios(self, form: type[Form]) -> type[Form]:
        for name in self.radio_names:
            column = self.table.columns.get(name)
            is_optional = column is not None and bool(column.nullable)
            labels = self.choices_of(name)
            field = as_radios(getattr(form, name, None), labels, is_optional=is_optional)
            if field is not None:
                setattr(form, name, field)
            elif name not in self._form_prop_names or hasattr(form, name):
                raise self._wrong("radio_fields", name, "no column of the form with choices")
        return form

    def _refuse_names_of_forms(self) -> None:
        """A field cannot be called as what every form has: `data`, `errors`, `meta`."""
        taken = {*dir(Form), *vars(Form())}
        for name in self._form_prop_names:
            if name in taken:
                raise AppError(
                    f"{_name_of(self)}: a form cannot have a field '{name}'; leave the column out "
                    "(form_excluded_columns), or give its attribute another name."
                )

    def _refuse_unknown_columns(self) -> None:
        self._refuse_secrets([*self.search_columns, *self.sort_columns, *self.filter_columns])
        for name in {
            *self.list_columns,
            *self.details_columns,
            *self.get_export_columns(),
            *self._form_prop_names,
            *self.search_columns,
            *self.sort_columns,
        }:
            if not has_path(self.model, name):
                raise AppError(f"{_name_of(self)} names '{name}', which its model has not.")

    def _build_column_list(
        self, defaults: list[str], include: Any = None, exclude: Any = None
    ) -> list[str]:
        """Take secrets, relations to many and what is not loaded out of every default."""
        if include and include != "__all__":
            names = [self._get_prop_name(item) for item in include]
            self._refuse_secrets(names)
            return names
        left_out = {self._get_prop_name(item) for item in exclude or ()}
        names = self._prop_names if include or exclude else defaults
        names = [name for name in names if name not in left_out and self._is_presentable(name)]
        return in_table_order(self.mapper, names)

    def _refuse_secrets(self, names: Sequence[str]) -> None:
        for name in names:
            if is_secret(name):
                raise AppError(f"{_name_of(self)} shows '{name}', which holds a secret.")

    def _is_presentable(self, name: str) -> bool:
        if is_secret(name):
            return False
        prop = self._mapper.attrs.get(name)
        if prop is None:
            return True  # misspelt, or of a related model: looked at when the forms are built
        if isinstance(prop, RelationshipProperty):
            return not prop.uselist
        return isinstance(prop, ColumnProperty) and not prop.deferred


def delete_by_key(session: Session, mapper: Mapper[Any], rows: Sequence[Any]) -> None:
    """Delete rows with one statement.

    SQLAlchemy's own way would set the foreign keys of related rows to NULL first, and orphan them
    in silence, unless each relationship says `passive_deletes`.
    """
    session.flush()
    if mapper.inherits is not None:  # a row lies in several tables
        for row in rows:
            session.delete(row)
        return
    keys = [mapper.primary_key_from_instance(row) for row in rows]
    statement = delete(mapper.class_).where(tuple_(*mapper.primary_key).in_(keys))
    session.execute(statement, execution_options={"synchronize_session": False})
    for row in rows:
        session.expunge(row)


def is_secret(name: str) -> bool:
    """Whether a column's name says that nobody should see what it holds."""
    return SECRET.search(name.rpartition(".")[2].lower()) is not None


def _put_own_fields_last(form: type[Form], base: type[Form]) -> type[Form]:
    """Number the fields of the form's base class anew: WTForms sorts by when they were made."""
    for name, field in vars(base).items():
        if isinstance(field, UnboundField):
            setattr(form, name, UnboundField(field.field_class, *field.args, **field.kwargs))
    return form


def _name_of(view: ModelView) -> str:
    return f"{type(view).__module__}.{type(view).__name__}"
