"""Files under `/static/`: kept for ever under a fingerprint, asked for again without one."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from project.web.static import STATIC_FOLDER, fingerprint, static_url

OWN_STYLES = [path for path in STATIC_FOLDER.glob("*.css") if path.is_file()]


def test_a_fingerprinted_address_is_kept_for_ever(client: TestClient) -> None:
    response = client.get(static_url("lintel.css"))
    assert response.status_code == 200
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize("query", ["", "?v=0000000000000000", "?v=%ff&v"])
def test_any_other_address_is_asked_for_again(client: TestClient, query: str) -> None:
    response = client.get(f"/static/lintel.css{query}")
    assert response.headers["cache-control"] == "public, no-cache"


def test_an_unchanged_file_is_not_sent_twice(client: TestClient) -> None:
    etag = client.get("/static/lintel.css").headers["etag"]
    response = client.get("/static/lintel.css", headers={"If-None-Match": etag})
    assert (response.status_code, response.content) == (304, b"")
    assert response.headers["cache-control"] == "public, no-cache"


def test_the_fingerprint_follows_the_content_alone(tmp_path: Path) -> None:
    one, two, other = (tmp_path / name for name in ("one", "two", "other"))
    one.write_text("stone")
    two.write_text("stone")
    other.write_text("beam")
    assert fingerprint(one) == fingerprint(two) != fingerprint(other)


def test_a_changed_file_gets_a_new_fingerprint(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("stone")
    before = fingerprint(file)
    file.write_text("stone and beam")
    assert fingerprint(file) != before


def test_a_misspelt_name_fails_where_it_is_written() -> None:
    with pytest.raises(FileNotFoundError):
        static_url("lintle.css")


@pytest.mark.parametrize(
    "path", ["nothing.css", "", "vendor", "../settings.py", "%2e%2e/settings.py", "%00", "x" * 300]
)
def test_what_is_not_a_file_here_is_404(client: TestClient, path: str) -> None:
    assert client.get(f"/static/{path}").status_code == 404


def test_browsers_find_an_icon(client: TestClient) -> None:
    response = client.get("/favicon.ico", follow_redirects=True)
    assert response.headers["content-type"] == "image/svg+xml"


@pytest.mark.parametrize("path", OWN_STYLES, ids=lambda path: path.name)
def test_styles_load_nothing_from_elsewhere(path: Path) -> None:
    assert "//" not in path.read_text(encoding="utf-8")
