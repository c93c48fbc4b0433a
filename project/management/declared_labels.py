"""What apps declare and the admin shows: labels that no function call marks in the code.

Many of them are made up: `Created at` stands nowhere but in the name of a column. So the built
site is asked, and not the source.
"""

from collections.abc import Iterator
from typing import Any

from wtforms import Form
from wtforms.fields.core import UnboundField

from project.admin.actions import Action
from project.admin.lists.filters import ListFilter
from project.admin.site import AdminSite
from project.admin.views import ModelAdmin, is_secret
from project.apps import AppConfig, Registry
from project.errors import DomainError
from project.permissions import Permissions, describe, name_rows

Labels = dict[str, set[str]]
"""By the app's label; what is the machinery's own is below the empty one."""


def declared_labels(site: AdminSite | None, registry: Registry, known: Permissions) -> Labels:
    """Collect the labels of each app; without an admin there are few."""
    found: Labels = {"": set(), **{app.label: set() for app in registry}}
    for app in registry:
        found[app.label] |= {app.title or app.label, *_of_permissions(app, known)}
    for error in _subclasses(DomainError):
        label = _owner(registry, error.__module__)
        if label is not None:
            found[label].add(error.title)
    for shown, labels in [] if site is None else _of_site(site):
        label = _owner(registry, type(shown).__module__)
        if label is not None:
            found[label] |= set(labels)
    return {label: {text for text in labels if text} for label, labels in found.items()}


def _owner(registry: Registry, module: str) -> str | None:
    """Return the app that a module belongs to; None for code of neither an app nor ours."""
    for app in registry:
        if module == app.package or module.startswith(f"{app.package}."):
            return app.label
    return "" if module.startswith("project.") else None


def _subclasses(kind: type[DomainError]) -> Iterator[type[DomainError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from _subclasses(below)


def _of_permissions(app: AppConfig, known: Permissions) -> Iterator[str]:
    for name in known:
        if name.startswith(f"{app.label}."):
            yield describe(name)
    for model, label in known.labels.items():
        if label == app.label:
            yield name_rows(known.label_of(model).partition(".")[2])


def _of_site(site: AdminSite) -> Iterator[tuple[Any, Iterator[str]]]:
    for view in site.model_views():
        yield view, _of_view(view)
        for inline in view.inline_views:
            yield inline, _of_view(inline)
    for page in site.extra_pages:
        yield page, iter([str(page.name)])
    for panel in site.panels:
        yield panel, iter([panel.title, getattr(panel, "unit", "")])


def _of_view(view: ModelAdmin) -> Iterator[str]:
    yield from (view.declared_name, view.declared_plural)
    names = _columns_of(view)
    yield from (view.declared_label(name) for name in names)
    for name in names:
        yield from view.choices_of(name).values()
    for form in (view.form_class_for_create, view.form_class_for_edit):
        yield from _of_form(form, names)
    for title, options in view.fieldsets:
        yield from (title or "", options.get("description", ""))
    for action in view.bulk_actions:
        yield from _of_action(action)
    for page in view.own_pages.values():
        yield from (page.label, page.explanation, page.done, *_of_form(page.form))
    for found in view.all_filters:
        yield from _of_filter(found)


def _columns_of(view: ModelAdmin) -> list[str]:
    columns = [name for name in view.mapper.column_attrs.keys() if not is_secret(name)]  # noqa: SIM118
    shown = (*view.list_columns, *view.details_columns, *view.get_export_columns())
    fields = (*view.form_class_for_edit()._fields, *view.readonly_names)
    named = [name for name in fields if name in view.mapper.attrs or name in view.readonly_names]
    return list(dict.fromkeys([*shown, *named, *columns]))


def _of_form(form: type[Form], columns: list[str] | None = None) -> Iterator[str]:
    for name, field in form()._fields.items():
        yield str(field.description or "")
        if name not in (columns or ()):
            yield str(field.label.text)
        yield from (str(label) for _, label in _choices(getattr(form, name, None)))


def _choices(declared: Any) -> list[tuple[str, str]]:
    """Return the choices that a field is declared with; those of a column are asked of the view."""
    given = declared.kwargs.get("choices") if isinstance(declared, UnboundField) else None
    pairs = given if isinstance(given, list | tuple) else ()
    return [pair for pair in pairs if isinstance(pair, tuple)]


def _of_action(action: Action) -> Iterator[str]:
    yield from (action.told.label, action.told.confirm, *action.told.buttons)
    yield action.name.replace("_", " ").capitalize()
    if action.told.form is not None:
        yield from _of_form(action.told.form)


def _of_filter(found: ListFilter) -> Iterator[str]:
    yield found.title
    yield from (label for _, label in found.lookups())
