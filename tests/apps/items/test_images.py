"""Pictures of items over HTTP."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import AsyncClient, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from apps.items.models import Image, Item
from apps.items.rendering import Rendered
from apps.users.models import User
from project.runtime import Runtime
from project.settings import Settings
from tests.apps.items import pictures
from tests.factories.items import ItemFactory
from tests.factories.users import UserFactory

SignIn = Callable[[User], dict[str, str]]
Upload = Callable[..., Response]


def image_of(item: Item) -> str:
    return f"/api/v1/items/{item.id}/image"


def as_file(content: bytes) -> dict[str, Any]:
    return {"file": ("picture.jpg", content, "image/jpeg")}


@pytest.fixture
def upload(client: TestClient, headers_for: SignIn) -> Upload:
    """Upload a picture as the item's owner, or as somebody else."""

    def upload(item: Item, content: bytes = b"", *, user: User | None = None) -> Response:
        return client.post(
            image_of(item),
            files=as_file(content or pictures.picture()),
            headers=headers_for(user or item.owner),
        )

    return upload


@pytest.fixture
def stored(settings: Settings) -> Callable[[], list[str]]:
    """Names all files that the storage holds, those of other tests left out."""

    def names() -> list[str]:
        folder = settings.media_directory
        return sorted(path.name for path in folder.rglob("*") if path.is_file())

    before = names()
    return lambda: [name for name in names() if name not in before]


def assert_problem(answer: Response, status: int, code: str | None = None) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert code is None or answer.json()["code"] == code


class TestUpload:
    def test_anonymous_may_not(self, client: TestClient) -> None:
        item = ItemFactory()
        assert_problem(client.post(image_of(item), files=as_file(pictures.picture())), 401)

    def test_strangers_may_not(self, upload: Upload) -> None:
        assert_problem(upload(ItemFactory(), user=UserFactory()), 403, "not_item_owner")

    def test_staff_may(self, upload: Upload) -> None:
        assert upload(ItemFactory(), user=UserFactory(staff=True)).status_code == 201

    def test_missing_item(self, client: TestClient, headers_for: SignIn) -> None:
        files, headers = as_file(pictures.picture()), headers_for(UserFactory())
        answer = client.post("/api/v1/items/1/image", files=files, headers=headers)
        assert_problem(answer, 404, "item_not_found")

    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
    def test_shows_on_the_item(self, client: TestClient, upload: Upload, kind: str) -> None:
        item = ItemFactory()
        answer = upload(item, pictures.picture(kind, (1600, 800)))
        assert answer.status_code == 201, answer.text
        found = client.get(f"/api/v1/items/{item.id}").json()
        assert answer.json() == found == client.get("/api/v1/items/").json()["items"][0]
        assert (found["image"]["width"], found["image"]["height"]) == (1280, 640)
        for size, longest in (("small", 320), ("large", 1280)):
            image = client.get(found["image"][size])
            assert pictures.decode(image.content).size == (longest, longest // 2)

    def test_counts_as_a_change_of_the_item(self, upload: Upload, session: Session) -> None:
        item = ItemFactory()
        answer = upload(item)
        session.refresh(item)
        assert answer.json()["updated_at"] == item.updated_at.isoformat().replace("+00:00", "Z")

    def test_two_short_transactions(self, upload: Upload, statements: list[str]) -> None:
        item = ItemFactory()
        statements.clear()
        upload(item)
        # twice: the item, locked, and its picture; then the new picture and the item's time
        assert len([statement for statement in statements if "items_" in statement]) == 6

    def test_name_and_type_do_not_matter(self, client: TestClient, headers_for: SignIn) -> None:
        item = ItemFactory()
        files = {"file": ("../../evil.html", pictures.picture("PNG"), "text/html")}
        answer = client.post(image_of(item), files=files, headers=headers_for(item.owner))
        assert answer.status_code == 201

    @pytest.mark.parametrize(
        ("content", "code"),
        [
            (b"<html><script>alert(1)</script>", "image_unreadable"),
            (pictures.picture()[:500], "image_unreadable"),
            (pictures.picture("GIF"), "image_unreadable"),
            (pictures.endless_jpeg(), "image_unreadable"),
            (pictures.png_bomb(13_000, 13_000), "image_too_large"),
            (pictures.png_bomb(14_000, 14_000), "image_too_large"),
        ],
        ids=["html", "truncated", "gif", "endless", "bomb", "larger bomb"],
    )
    def test_bad_pictures(
        self, upload: Upload, stored: Callable[[], list[str]], content: bytes, code: str
    ) -> None:
        assert_problem(upload(ItemFactory(), content), 422, code)
        assert stored() == []

    @pytest.mark.parametrize(
        "body",
        [{}, {"data": {"file": "text"}}, {"files": {"other": b"x"}}, {"json": {"file": "x"}}],
    )
    def test_no_file(self, client: TestClient, headers_for: SignIn, body: dict[str, Any]) -> None:
        item = ItemFactory()
        answer = client.post(image_of(item), headers=headers_for(item.owner), **body)
        assert_problem(answer, 422, "invalid")
        assert answer.json()["errors"][0]["loc"] == ["body", "file"]

    def test_several_files(self, client: TestClient, headers_for: SignIn) -> None:
        item = ItemFactory()
        files = [("file", pictures.picture()), ("file", pictures.picture())]
        answer = client.post(image_of(item), files=files, headers=headers_for(item.owner))
        assert_problem(answer, 400)

    def test_larger_than_other_bodies(
        self, upload: Upload, settings: Settings, stored: Callable[[], list[str]]
    ) -> None:
        padded = pictures.picture() + bytes(settings.web.max_body_size)
        assert upload(ItemFactory(), padded).status_code == 201
        assert len(stored()) == 2

    @pytest.mark.parametrize("is_chunked", [False, True])
    @pytest.mark.parametrize("is_anonymous", [False, True])
    def test_too_many_bytes(
        self, client: TestClient, headers_for: SignIn, *, is_chunked: bool, is_anonymous: bool
    ) -> None:
        item = ItemFactory()
        head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        pieces = [head, *([bytes(1_048_576)] * 21), b"\r\n--x--\r\n"]
        headers = {} if is_anonymous else headers_for(item.owner)
        headers["Content-Type"] = "multipart/form-data; boundary=x"
        content = iter(pieces) if is_chunked else b"".join(pieces)
        answer = client.post(image_of(item), content=content, headers=headers)
        # Nobody reads the body of somebody who has not signed in, so nobody counts it.
        assert_problem(answer, 401 if is_anonymous and is_chunked else 413)

    def test_replaces(self, upload: Upload, stored: Any) -> None:
        item = ItemFactory()
        first = upload(item).json()["image"]
        before = stored()
        second = upload(item, pictures.picture(size=(30, 20))).json()["image"]
        assert (second["width"], second["height"]) == (30, 20)
        assert first["large"] != second["large"]
        assert (len(stored()), set(before) & set(stored())) == (2, set())

    def test_same_picture_twice(self, client: TestClient, upload: Upload, stored: Any) -> None:
        item, other = ItemFactory(), ItemFactory()
        for target in (item, item, other):
            assert upload(target).status_code == 201
        assert len(stored()) == 4
        assert client.get(image_of(item)).content == client.get(image_of(other)).content

    def test_files_go_if_the_row_does_not_come(
        self, upload: Upload, stored: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        item = ItemFactory()
        assert upload(item).status_code == 201
        before = stored()
        monkeypatch.setattr(Rendered, "digest", "x" * 65)  # more than the column holds
        assert_problem(upload(item), 422, "constraint_violated")
        assert stored() == before

    def test_files_go_if_there_is_no_thread_for_the_row(
        self, upload: Upload, stored: Any, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        item = ItemFactory()
        lane = runtime.lanes.database
        put = runtime.storage.put

        def put_and_close(key: str, content: bytes) -> None:
            put(key, content)
            monkeypatch.setattr(lane, "size", 0)
            monkeypatch.setattr(lane, "queue_size", 0)

        monkeypatch.setattr(runtime.storage, "put", put_and_close)
        answer = upload(item)
        monkeypatch.undo()
        assert_problem(answer, 503, "busy")
        assert stored() == []


class TestRead:
    def test_anonymous_may_look(self, client: TestClient, upload: Upload) -> None:
        item = ItemFactory()
        upload(item)
        answer = client.get(image_of(item), params={"size": "small"})
        assert answer.headers["content-type"] == "image/webp"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-disposition"] == (
            f'inline; filename="item-{item.id}-small.webp"'
        )
        assert pictures.decode(answer.content).size == (320, 240)

    def test_item_without_a_picture(self, client: TestClient) -> None:
        assert_problem(client.get(image_of(ItemFactory())), 404, "image_not_found")

    def test_missing_item(self, client: TestClient) -> None:
        assert_problem(client.get("/api/v1/items/1/image"), 404, "item_not_found")

    @pytest.mark.parametrize("query", [{"size": "original"}, {"size": "../x"}, {"v": "x" * 65}])
    def test_hostile_queries(self, client: TestClient, query: dict[str, str]) -> None:
        assert_problem(client.get(image_of(ItemFactory()), params=query), 422)

    def test_caching(self, client: TestClient, upload: Upload) -> None:
        item = ItemFactory()
        versioned = upload(item).json()["image"]["small"]
        assert "immutable" in client.get(versioned).headers["cache-control"]
        upload(item, pictures.picture(size=(30, 20)))
        for stale in (versioned, image_of(item)):
            caching = client.get(stale).headers["cache-control"]
            assert caching == "public, no-cache"

    @pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*"])
    def test_unchanged(self, client: TestClient, upload: Upload, form: str) -> None:
        item = ItemFactory()
        upload(item)
        etag = client.get(image_of(item)).headers["etag"]
        answer = client.get(image_of(item), headers={"If-None-Match": form.format(etag)})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)

    @pytest.mark.parametrize("size", ["small", "large"])
    def test_changed(self, client: TestClient, upload: Upload, size: str) -> None:
        item = ItemFactory()
        upload(item)
        known = {"If-None-Match": client.get(image_of(item)).headers["etag"]}
        if size == "large":
            upload(item, pictures.picture(size=(30, 20)))
        answer = client.get(image_of(item), params={"size": size}, headers=known)
        assert answer.status_code == 200

    def test_file_that_is_gone(self, client: TestClient, upload: Upload, runtime: Runtime) -> None:
        item = ItemFactory()
        upload(item)
        folder: Path = runtime.settings.media_directory
        for path in [path for path in folder.rglob("*") if path.is_file()]:
            path.unlink()
        assert_problem(client.get(image_of(item)), 404)


class TestDelete:
    def test_anonymous_may_not(self, client: TestClient) -> None:
        assert_problem(client.delete(image_of(ItemFactory())), 401)

    def test_strangers_may_not(self, client: TestClient, headers_for: SignIn) -> None:
        headers = headers_for(UserFactory())
        assert_problem(client.delete(image_of(ItemFactory()), headers=headers), 403)

    def test_owners_may(
        self, client: TestClient, upload: Upload, headers_for: SignIn, stored: Any
    ) -> None:
        item, headers = ItemFactory(), {}
        upload(item)
        headers = headers_for(item.owner)
        assert client.delete(image_of(item), headers=headers).status_code == 204
        assert client.get(f"/api/v1/items/{item.id}").json()["image"] is None
        assert stored() == []
        assert_problem(client.delete(image_of(item), headers=headers), 404, "image_not_found")

    def test_goes_with_the_item(
        self, client: TestClient, upload: Upload, headers_for: SignIn, stored: Any, session: Session
    ) -> None:
        item = ItemFactory()
        upload(item)
        answer = client.delete(f"/api/v1/items/{item.id}", headers=headers_for(item.owner))
        assert (answer.status_code, stored()) == (204, [])
        assert session.scalars(select(Image)).all() == []


@pytest.mark.anyio
@pytest.mark.committed
class TestUnderLoad:
    async def test_side_by_side(
        self, async_client: AsyncClient, headers_for: SignIn, stored: Any, runtime: Runtime
    ) -> None:
        """Sixteen at once for one item: one of them wins, and only its files stay."""
        item = ItemFactory()
        headers = headers_for(item.owner)
        answers = await asyncio.gather(
            *(
                async_client.post(
                    image_of(item),
                    files=as_file(pictures.picture(size=(40 + n, 40))),
                    headers=headers,
                )
                for n in range(16)
            )
        )
        assert {answer.status_code for answer in answers} == {201}
        assert len(stored()) == 2
        assert (await async_client.get(image_of(item))).status_code == 200
        assert all((lane.running, lane.waiting) == (0, 0) for lane in runtime.lanes)

    @pytest.mark.usefixtures("busy_cpu_lane")
    async def test_busy_cores_stop_nobody_else(
        self,
        async_client: AsyncClient,
        headers_for: SignIn,
        stored: Any,
    ) -> None:
        item = ItemFactory()
        files, headers = as_file(pictures.picture()), headers_for(item.owner)
        answer = await async_client.post(image_of(item), files=files, headers=headers)
        assert_problem(answer, 503, "busy")
        assert answer.headers["retry-after"] == "1"
        assert (await async_client.get(f"/api/v1/items/{item.id}")).status_code == 200
        assert stored() == []


@pytest.fixture
async def busy_cpu_lane(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Keep every thread of the CPU lane busy, and its queue closed."""
    lane, gate = runtime.lanes.cpu, threading.Event()
    tasks = [asyncio.create_task(lane.run(gate.wait, 30)) for _ in range(lane.size)]
    await asyncio.sleep(0)
    monkeypatch.setattr(lane, "queue_size", 0)
    yield
    gate.set()
    await asyncio.gather(*tasks)
