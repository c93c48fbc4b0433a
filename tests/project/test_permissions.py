"""What can be permitted is what the installed apps' models say."""

import re
from dataclasses import replace

import pytest

from apps.items.models import Item
from apps.orders.models import OrderLine
from apps.users.models import ApiKey, AuthSession
from project.apps import Registry
from project.errors import AppError
from project.permissions import Permissions, describe
from project.runtime import Runtime
from project.settings import INSTALLED_APPS
from tests.test_repository import texts

ASKED = re.compile(r'"((?:users|items|orders)\.(?:view|add|change|delete)_\w+)"')


def test_derived_from_the_models(runtime: Runtime) -> None:
    assert set(runtime.permissions.names["Items"]) == {
        f"items.{action}_item" for action in ("view", "add", "change", "delete")
    }
    assert "orders.change_order_line" in runtime.permissions


@pytest.mark.parametrize(
    ("model", "action", "name"),
    [
        (Item, "change", "items.change_item"),
        (OrderLine, "view", "orders.view_order_line"),
        (ApiKey, "change", None),
        (AuthSession, "view", None),
        (Runtime, "view", None),
    ],
)
def test_name(runtime: Runtime, model: type, action: str, name: str | None) -> None:
    assert runtime.permissions.name_of(model, action) == name


def test_app_that_is_not_installed_permits_nothing() -> None:
    registry = Registry.load(INSTALLED_APPS)
    without = Registry(tuple(app for app in registry if app.label != "items"))
    assert "items.change_item" in Permissions.of(registry)
    assert "items.change_item" not in Permissions.of(without)


def test_app_may_declare_more() -> None:
    registry = Registry.load(INSTALLED_APPS)
    apps = tuple(replace(app, permissions=("export",)) for app in registry if app.label == "items")
    assert "items.export" in Permissions.of(Registry(apps))


def test_unknown_one_is_refused_with_a_near_one(runtime: Runtime) -> None:
    with pytest.raises(AppError, match=r"^Here asks for .* Did you mean 'items.change_item'\?$"):
        runtime.permissions.require("items.chang_item", "Here")


def test_for_people() -> None:
    assert describe("orders.change_order_line") == "Change order line"


def test_every_name_in_the_apps_is_one(runtime: Runtime) -> None:
    """A misspelt name would permit nothing, and nobody but superusers would notice."""
    code = "".join(text for path, text in texts().items() if re.match(r"apps/.*\.py$", path))
    assert ASKED.findall(code)
    assert [name for name in ASKED.findall(code) if name not in runtime.permissions] == []
