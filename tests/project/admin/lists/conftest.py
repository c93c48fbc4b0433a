"""A superuser in front of the lists."""

import pytest
from fastapi.testclient import TestClient

from tests.factories.users import UserFactory
from tests.project.admin.support import enter


@pytest.fixture
def admin(client: TestClient) -> TestClient:
    enter(client, UserFactory.create(superuser=True, email="root@example.com", full_name="Root"))
    return client
