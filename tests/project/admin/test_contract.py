"""What this admin uses of SQLAdmin's private parts. A failure here names what an update moved."""

import inspect
from importlib.metadata import version

import pytest
from sqladmin import Admin, ModelView
from sqladmin.ajax import QueryAjaxModelLoader
from sqladmin.authentication import login_required
from sqladmin.forms import ModelConverter, ModelConverterBase
from sqladmin.templating import Jinja2Templates
from sqlalchemy.orm import sessionmaker
from starlette.applications import Starlette

from project.admin.declaring import UNUSED
from project.admin.site import AdminSite
from tests.project.admin.test_views import BoxAdmin


def test_version() -> None:
    assert version("sqladmin").startswith("0.32.")


@pytest.mark.parametrize(
    "name",
    [
        "_mapper",
        "_list_prop_names",
        "_details_prop_names",
        "_form_prop_names",
        "_search_fields",
        "_sort_fields",
        "_column_labels",
        "_list_formatters",
        "_detail_formatters",
        "_form_ajax_refs",
        "_form_create_rules",
        "_form_edit_rules",
        "_prop_names",
    ],
)
def test_attributes_of_a_view(name: str) -> None:
    assert hasattr(BoxAdmin(), name)


@pytest.mark.parametrize(
    ("function", "parameters"),
    [
        (ModelView._build_column_list, ["self", "defaults", "include", "exclude"]),
        (ModelView._get_default_sort, ["self"]),
        (ModelView._get_prop_name, ["self", "prop"]),
        (ModelView.scaffold_form, ["self", "rules"]),
        (ModelView.search_query, ["self", "stmt", "term"]),
        (ModelView.sort_query, ["self", "stmt", "request"]),
        (ModelView.list_query, ["self", "request"]),
        (Admin._find_model_view, ["self", "identity"]),
        (Jinja2Templates.TemplateResponse, ["self", "request", "name", "context", "status_code"]),
    ],
)
def test_signatures(function: object, parameters: list[str]) -> None:
    assert list(inspect.signature(function).parameters) == parameters  # type: ignore[arg-type]


def test_endpoints_that_are_replaced() -> None:
    for name in ("index", "list", "details", "create", "edit", "delete", "ajax_lookup"):
        assert getattr(Admin, name) is not getattr(AdminSite, name)
    for name in UNUSED:
        assert hasattr(ModelView, name)


def test_converters_that_are_replaced() -> None:
    assert "prop" in inspect.signature(ModelConverterBase.convert).parameters
    assert hasattr(ModelConverter, "_string_common")


def test_admin_is_a_starlette_whose_middleware_can_be_set() -> None:
    admin = Admin(Starlette(), session_maker=sessionmaker())
    assert isinstance(admin.admin, Starlette)
    assert admin.admin.middleware_stack is None
    assert {getattr(route, "name", "") for route in admin.admin.router.routes} >= {
        "list",
        "details",
        "edit",
    }


def test_sign_in_is_asked_of_the_site_and_of_its_views() -> None:
    source = inspect.getsource(login_required)
    assert 'getattr(view, "_admin_ref", view)' in source
    assert "auth_backend.authenticate(request)" in source


def test_lookup_keeps_what_was_declared() -> None:
    loader = QueryAjaxModelLoader("shelf", BoxAdmin.model, BoxAdmin(), fields=("name",))
    assert loader.fields == ("name",)
