"""A superuser in front of the lists."""

from importlib import import_module

import pytest
from fastapi.testclient import TestClient

from tests.needs import need


@pytest.fixture
def admin(client: TestClient) -> TestClient:
    need("users")
    # Not at the top, since the users app may have been removed.
    factories = import_module("tests.factories.users")
    root = factories.UserFactory.create(superuser=True, email="root@example.com", full_name="Root")
    import_module("tests.project.admin.support").enter(client, root)
    return client
