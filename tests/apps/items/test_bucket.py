"""Pictures that lie in a bucket instead of a folder."""

from collections.abc import Callable, Iterator

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from apps.items.models import Image, Item
from apps.items.services import file_names
from apps.users.models import User
from project.application import create_application
from project.settings import Settings
from project.storage import FileMissing, Storage
from tests.apps.items import pictures
from tests.buckets import bucket_server, bucket_settings
from tests.database import TestDatabase
from tests.factories.items import ItemFactory
from tests.processes import free_port, until

SignIn = Callable[[User], dict[str, str]]


def image_of(item: Item) -> str:
    return f"/api/v1/items/{item.id}/image"


@pytest.fixture
def client_of(settings: Settings, database: TestDatabase) -> Callable[[int], TestClient]:
    """A client of an application that keeps its files on the server at this port."""

    def client_of(port: int) -> TestClient:
        application = create_application(bucket_settings(settings, port), database=database)
        return TestClient(application)

    return client_of


@pytest.fixture(scope="module")
def server() -> Iterator[int]:
    with bucket_server() as port:
        yield port


def is_there(storage: Storage, name: str) -> bool:
    try:
        return bool(storage.get(name))
    except FileMissing:
        return False


def test_the_whole_way(
    client_of: Callable[[int], TestClient], server: int, headers_for: SignIn, session: Session
) -> None:
    item = ItemFactory()
    headers, files = headers_for(item.owner), {"file": pictures.picture()}
    with client_of(server) as client:
        storage = client.app.state.runtime.storage  # type: ignore[attr-defined]
        made = client.post(image_of(item), files=files, headers=headers).json()
        assert client.get(made["image"]["small"]).headers["content-type"] == "image/webp"
        names = file_names(session.get_one(Image, item.id).key).values()
        assert [is_there(storage, name) for name in names] == [True, True]
        assert client.delete(image_of(item), headers=headers).status_code == 204
        until(lambda: not any(is_there(storage, name) for name in names), "both are deleted")


def test_bucket_out_of_reach(client_of: Callable[[int], TestClient], headers_for: SignIn) -> None:
    item = ItemFactory()
    headers, files = headers_for(item.owner), {"file": pictures.picture()}
    with client_of(free_port()) as client:
        answer = client.post(image_of(item), files=files, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (503, "storage_unavailable")
        assert client.get(f"/api/v1/items/{item.id}").json()["image"] is None
