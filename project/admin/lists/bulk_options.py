"""What a view may say about working on many rows: actions, editing in the list, files."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from project.admin.actions import Action, action, find_actions
from project.errors import AppError
from project.i18n import mark

if TYPE_CHECKING:
    from sqlalchemy.orm import Mapper, Session
    from wtforms import Form

    from project.admin.recording import Actor
    from project.runtime import Runtime
    from project.web.principal import Principal

DELETE = "delete_chosen"
PLAIN = ("view", "add", "change", "delete")


class BulkOptions:
    """Django's options where it has them. Every one of them is looked at once, at the start."""

    actions: ClassVar[Sequence[str]] = ()
    """Methods marked with `@action`, in the order in which they are offered."""

    list_editable: ClassVar[Sequence[Any]] = ()
    """Columns of the list that can be changed in it; they are columns of the form, too."""

    export_permission: ClassVar[str] = "view"
    """What somebody needs to export, if `can_export`: `view`, say, or a permission's full name."""

    import_key: ClassVar[Any] = None
    """A unique column by which an imported row finds the one it changes; without, the key."""

    bulk_actions: tuple[Action, ...]
    editable_columns: tuple[str, ...]
    form_class_for_list: "type[Form]"

    # What the view has of SQLAdmin and of ModelAdmin.
    model: Any
    can_delete: ClassVar[bool]
    can_import: ClassVar[bool]
    if TYPE_CHECKING:
        form_class_for_edit: type[Form]

        @property
        def runtime(self) -> Runtime: ...
        @property
        def mapper(self) -> Mapper[Any]: ...
        @property
        def can_be_imported(self) -> bool: ...
        @property
        def list_columns(self) -> list[str]: ...
        def permits(self, principal: Principal, action: str) -> bool: ...
        def _is_held(self, principal: Principal, action: str) -> bool: ...
        def _get_prop_name(self, prop: Any) -> str: ...
        def _mistake(self, sentence: str) -> AppError: ...
        def delete_rows(self, session: Session, rows: Sequence[Any]) -> None: ...

    @action(label=mark("Delete"), permission="delete", confirm=mark("This cannot be undone."))
    def delete_chosen(
        self,
        session: "Session",
        actor: "Actor",  # noqa: ARG002 - actions are told
        rows: Sequence[Any],
        values: dict[str, Any],  # noqa: ARG002 - the same
    ) -> int:
        """Delete the rows; offered wherever rows can be deleted."""
        self.delete_rows(session, rows)
        return len(rows)

    def prepare_bulk(self) -> None:
        """Find the actions and what is edited. Raises AppError for what cannot work."""
        names = [*self.actions, DELETE] if self.can_delete else list(self.actions)
        try:
            self.bulk_actions = tuple(find_actions(self, names))
        except LookupError as error:
            raise self._mistake(
                f"actions names '{error}', which is no method marked with @action"
            ) from error
        for found in self.bulk_actions:
            self._require(found.told.permission, f"action {found.name}")
        self._require(self.export_permission, "export_permission")
        self._prepare_editing()
        if self.can_import and not self.can_be_imported:
            raise self._mistake(
                "can_import needs a form that waits for nothing (prepare_values) "
                "and is the same for every row (adapt_form)"
            )

    def _require(self, permission: str, place: str) -> None:
        if "." in permission:
            where = f"{type(self).__module__}.{type(self).__name__}, {place},"
            self.runtime.permissions.require(permission, where)
        elif permission not in PLAIN:
            raise self._mistake(f"{place} asks for '{permission}', which is no permission")

    def _prepare_editing(self) -> None:
        names = [self._get_prop_name(name) for name in self.list_editable]
        form = self.form_class_for_edit
        for name in names:
            if name not in self.list_columns or name not in self.mapper.column_attrs:
                raise self._mistake(f"list_editable names '{name}', which is no column of the list")
            if name not in form()._fields:
                raise self._mistake(f"list_editable names '{name}', which is not in the form")
        self.editable_columns = tuple(names)

    @property
    def is_list_editable(self) -> bool:
        """Whether rows can be changed in the list."""
        return bool(self.editable_columns)

    @property
    def imports_by(self) -> str:
        """Name the column by which an imported row finds the one that it changes; or nothing."""
        if self.import_key is not None:
            return self._get_prop_name(self.import_key)
        keys = [self.mapper.get_property_by_column(c).key for c in self.mapper.primary_key]
        return keys[0] if len(keys) == 1 else ""

    def allows(self, principal: "Principal", permission: str) -> bool:
        """Whether somebody holds what an action, or the export, needs."""
        if permission == "view":
            return self.permits(principal, permission)
        if permission in PLAIN:
            return self._is_held(principal, permission)
        return principal.is_superuser or principal.has_permission(permission)

    def actions_on(self, row: Any) -> frozenset[str]:
        """Name the actions that make sense for a row."""
        return frozenset(found.name for found in self.bulk_actions if found.applies_to(row))

    def actions_for(self, principal: "Principal") -> list[Action]:
        """Return what somebody may do with rows of this list."""
        return [a for a in self.bulk_actions if self.allows(principal, a.told.permission)]
