"""How a declared view becomes one of this application's: safe defaults, and what is refused."""

from difflib import get_close_matches
from typing import Any

from sqladmin import ModelView
from sqladmin.helpers import prettify_class_name
from sqlalchemy import String, inspect
from sqlalchemy.orm import Mapper

from project.admin.views import ModelAdmin, is_secret
from project.errors import AppError
from project.i18n import gettext


def adopt(view: type[ModelView], app: str) -> type[ModelAdmin]:
    """Return a class of this application's own for a view that an app declares.

    SQLAdmin keeps its state on the class; two applications in one process would share it.
    A plain `ModelView` gets the safe defaults as well. Raises AppError for what is not safe.
    """
    _refuse_unsafe(view)
    options = {name: dict(given) for name, given in view.form_args.items()}
    for given in options.values():
        if "validators" in given:
            given["validators"] = list(given["validators"])  # SQLAdmin adds to it
    bases = (view,) if issubclass(view, ModelAdmin) else (view, ModelAdmin)
    hierarchy = getattr(view, "date_hierarchy", None)
    names = {"name": view.name, "name_plural": view.name_plural, **_names(view)}
    attributes = {
        **{name: Label(label) for name, label in names.items()},
        "declared_name": names["name"],
        "declared_plural": names["name_plural"],
        "__module__": view.__module__,
        "form_args": options,
        # By name: a column that is an attribute by itself wants an instance of the model.
        "date_hierarchy": getattr(hierarchy, "key", hierarchy),
        "form_ajax_refs": {**_default_lookups(view.model), **view.form_ajax_refs},
    }
    make: Any = type(view)
    adopted: type[ModelAdmin] = make(view.__name__, bases, attributes)
    # SQLAdmin names a view after its model alone; two apps may both have a `Category`.
    adopted.identity = f"{app}-{view.identity}"
    return adopted


class Label:
    """A declared name, in the language of whoever reads it; forms and sites are made in English."""

    def __init__(self, message: str) -> None:
        self.message = message

    def __get__(self, view: object, owner: type | None = None) -> str:
        return gettext(self.message)


def _names(view: type[ModelView]) -> dict[str, str]:
    """Write the names that SQLAdmin makes up as sentences do: `Order lines`, not `Order Lines`."""
    made_up = prettify_class_name(view.model.__name__)
    if view.name != made_up:
        return {}
    first, *rest = made_up.split()
    name = " ".join([first, *(word if word.isupper() else word.lower() for word in rest)])
    is_plural_given = view.name_plural != f"{made_up}s"
    return {"name": name, "name_plural": view.name_plural if is_plural_given else f"{name}s"}


def _default_lookups(model: type) -> dict[str, dict[str, Any]]:
    """Let each relation to one row be searched by the target's unique texts, or its key."""
    lookups = {}
    mapper: Mapper[Any] = inspect(model)
    for relation in mapper.relationships:
        if not relation.uselist and not relation.viewonly:
            columns = relation.mapper.column_attrs
            unique = [
                prop.key
                for prop in columns
                if getattr(prop.columns[0], "unique", False)
                and isinstance(prop.columns[0].type, String)
                and not is_secret(prop.key)
            ]
            keys = [
                relation.mapper.get_property_by_column(c).key for c in relation.mapper.primary_key
            ]
            lookups[relation.key] = {"fields": tuple(unique or keys)}
    return lookups


SIMILAR = 0.88
"""How alike two names are, from 0 to 1, of which one is a slip."""

UNUSED = (
    "on_model_change",
    "after_model_change",
    "on_model_delete",
    "after_model_delete",
    "insert_model",
    "update_model",
    "delete_model",
    "column_filters",
    "sort_query",
)
"""What SQLAdmin offers and this admin does not call: it would be silently ignored."""


def _refuse_unsafe(view: type[ModelView]) -> None:
    for name in UNUSED:
        if getattr(view, name) != getattr(ModelView, name):
            raise AppError(
                f"{view.__module__}.{view.__name__} sets {name}, which this admin does not use: "
                "see project/admin/views.py for its own hooks."
            )
    if any(hasattr(member, "_action") for member in vars(view).values()):
        raise AppError(f"{view.__module__}.{view.__name__}: @action changes state by GET.")
    _refuse_misspelt(view)


def _refuse_misspelt(view: type[ModelView]) -> None:
    """Refuse what nobody would ever call: an option or a hook, but for a letter or two."""
    known = [name for name in dir(ModelAdmin) if not name.startswith("_")]
    named = {*getattr(view, "readonly_fields", ()), *getattr(view, "actions", ())}
    for name in vars(view):
        if name.startswith("_") or name in named or hasattr(ModelAdmin, name):
            continue
        meant = get_close_matches(name, known, n=1, cutoff=SIMILAR)
        if meant:
            raise AppError(
                f"{view.__module__}.{view.__name__} has no option '{name}'; "
                f"is '{meant[0]}' meant? Else give it another name."
            )
