"""What the models say of themselves, for staff: Django's `admindocs` for models.

Everything is read from the mappers and the classes' own docstrings; nothing asks the database.
"""

import ast
import inspect
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqladmin.authentication import login_required
from sqlalchemy import CheckConstraint, Column, UniqueConstraint
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import ColumnProperty
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from project.admin.pages import AdminPages, may
from project.admin.views import ModelAdmin, is_secret
from project.i18n import gettext

DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy has not typed it


@dataclass(frozen=True)
class Attribute:
    """A column, or a relation to other rows."""

    name: str
    kind: str
    notes: list[str]
    about: str
    target: type | None = None


@dataclass(frozen=True)
class ModelDoc:
    """A model as its page shows it."""

    name: str
    table: str
    about: list[str]
    columns: list[Attribute]
    relations: list[Attribute]
    rules: list[str]


class ModelDocPages(AdminPages):
    """A page for each model that whoever asks may see."""

    def model_doc_routes(self) -> list[BaseRoute]:
        """Name the pages of this room."""
        return [
            Route("/models", self.model_docs, name="model_docs"),
            Route("/models/{identity}", self.model_doc, name="model_doc"),
        ]

    @login_required
    async def model_docs(self, request: Request) -> Response:
        """List the models."""
        views = [view for view in self.model_views() if may(request, view, "view")]
        docs = [(view, describe_model(view)) for view in views]
        return await self.page(request, "sqladmin/model_docs.html", docs=docs)

    @login_required
    async def model_doc(self, request: Request) -> Response:
        """Describe one model."""
        view = self.view_of(request, "view")
        doc = describe_model(view)
        return await self.page(request, "sqladmin/model_doc.html", model_view=view, doc=doc)


def describe_model(view: ModelAdmin) -> ModelDoc:
    """Read what is known of a view's model; secrets stay unnamed."""
    said = attribute_docstrings(view.model)
    columns = [
        _describe_column(prop.key, prop.columns[0], said)
        for prop in view.mapper.column_attrs
        if isinstance(prop, ColumnProperty) and not is_secret(prop.key)
    ]
    relations = [
        Attribute(
            relation.key,
            _kind_of(relation),
            [],
            said.get(relation.key, ""),
            relation.mapper.class_,
        )
        for relation in view.mapper.relationships
    ]
    return ModelDoc(
        name=view.model.__name__,
        table=view.table.fullname,
        about=_paragraphs(view.model.__dict__.get("__doc__")),
        columns=columns,
        relations=relations,
        rules=list(_rules(view)),
    )


def _kind_of(relation: Any) -> str:
    name = relation.mapper.class_.__name__
    if relation.uselist:
        return gettext("many %(name)s", name=name)
    return gettext("one %(name)s", name=name)


def _describe_column(name: str, column: Any, said: dict[str, str]) -> Attribute:
    return Attribute(
        name, column.type.compile(DIALECT), list(_notes(column)), said.get(name, column.doc or "")
    )


def _notes(column: Any) -> Iterator[str]:
    if not isinstance(column, Column):
        return
    if column.primary_key:
        yield gettext("key")
    if column.unique:
        yield gettext("unique")
    elif column.index:
        yield gettext("indexed")
    if not column.primary_key:
        yield gettext("may be empty") if column.nullable else gettext("required")
    for foreign_key in column.foreign_keys:
        yield gettext("refers to %(name)s", name=foreign_key.target_fullname)
    if column.identity is not None or column.server_default is not None:
        yield gettext("the database fills it in")


def _rules(view: ModelAdmin) -> Iterator[str]:
    for constraint in sorted(view.table.constraints, key=lambda each: str(each.name)):
        if isinstance(constraint, CheckConstraint):
            yield str(constraint.sqltext)
        elif isinstance(constraint, UniqueConstraint):
            names = ", ".join(column.name for column in constraint.columns)
            yield gettext("unique: %(names)s", names=names)


def _paragraphs(text: str | None) -> list[str]:
    return [" ".join(part.split()) for part in inspect.cleandoc(text or "").split("\n\n") if part]


@cache
def attribute_docstrings(model: type) -> dict[str, str]:
    """Return the strings that stand below a class's attributes, those of its bases included."""
    said: dict[str, str] = {}
    for each in reversed(model.__mro__):
        if each.__module__.partition(".")[0] not in {"builtins", "sqlalchemy"}:
            said.update(_docstrings_of(each))
    return said


def _docstrings_of(cls: type) -> dict[str, str]:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    except (OSError, TypeError, SyntaxError):  # no source at hand: bytecode alone
        return {}
    definition = tree.body[0]
    assert isinstance(definition, ast.ClassDef)  # noqa: S101 - the source of a class
    found = {}
    for attribute, after in zip(definition.body, definition.body[1:], strict=False):
        if isinstance(attribute, ast.AnnAssign) and isinstance(attribute.target, ast.Name):
            match after:
                case ast.Expr(value=ast.Constant(value=str(text))):
                    found[attribute.target.id] = " ".join(text.split())
    return found
