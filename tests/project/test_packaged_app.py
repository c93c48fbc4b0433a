"""An app that is a package: built and installed outside the project, and one line in it.

Everything here is done as a person would: a wheel, an environment, commands, a server.
"""

import os
import shutil
import site
import subprocess
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest
from httpx2 import Client
from sqlalchemy import URL

from project.settings import ROOT
from tests.copies import ProjectCopy
from tests.database import TestDatabase
from tests.processes import DEADLINE, Server, fresh_database

SOURCE = ROOT / "tests" / "packaged" / "acme_blog"
APP = "acme_blog"


def run_uv(*words: str) -> None:
    uv = os.environ.get("UV") or shutil.which("uv")  # `uv run` names itself
    assert uv, "uv is needed, as for everything here: pip install uv"
    finished = subprocess.run(
        [uv, *words], capture_output=True, text=True, timeout=DEADLINE, check=False
    )
    assert finished.returncode == 0, finished.stderr


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that has the package, beside all that the project's has."""
    folder = tmp_path_factory.mktemp("packaged")
    shutil.copytree(SOURCE, folder / "source")
    run_uv("build", "--wheel", "--out-dir", str(folder / "dist"), str(folder / "source"))
    venv.create(folder / "environment", with_pip=False)
    is_windows = os.name == "nt"
    python = folder / "environment" / ("Scripts/python.exe" if is_windows else "bin/python")
    (wheel,) = (folder / "dist").glob("*.whl")
    run_uv("pip", "install", "--no-index", "--no-deps", "--python", str(python), str(wheel))
    (own,) = (folder / "environment").rglob("site-packages")
    (own / "the_projects.pth").write_text("\n".join(site.getsitepackages()) + "\n")
    return python


@pytest.fixture(scope="module")
def url(engine_database: TestDatabase) -> Iterator[URL]:
    with fresh_database(engine_database.engine, is_migrated=True) as url:
        yield url


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, python: Path, url: URL) -> ProjectCopy:
    """A project with one line more, after `makemigrations` and `migrate`."""
    project = ProjectCopy.make(tmp_path_factory.mktemp("project"), url, str(python))
    project.install(APP)
    project.expect("makemigrations", "-n", "add_blog")
    project.expect("migrate")
    return project


@pytest.fixture(scope="module")
def server(project: ProjectCopy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    project.expect("publish", "Hello from a command")
    with project.serve(tmp_path_factory.mktemp("server") / "log") as server:
        yield server


def test_its_tables_join_the_projects_history(project: ProjectCopy) -> None:
    """A package ships models; the project writes the migration, and it is one more in its line."""
    *before, last = project.migrations
    assert len(before) == len(list((ROOT / "migrations/versions").glob("*.py")))
    script = last.read_text()
    assert last.name.endswith("_add_blog.py")
    assert f'down_revision: str | None = "{before[-1].name[:4]}"' in script
    assert f"import {APP}" not in script
    assert "acme_blog_post" in project.tables()
    assert "No changes" in project.expect("makemigrations", "--check")


def test_its_command_is_listed_and_runs(project: ProjectCopy) -> None:
    assert "publish" in project.expect("help")
    assert project.expect("publish", "Once").startswith("Post ")


def test_its_checks_are_run(project: ProjectCopy) -> None:
    assert "(acme_blog.W001) Nobody reads this blog." in project.expect("check")


def test_its_routes_answer(project: ProjectCopy, server: Server) -> None:
    status, body = server.read("/api/v1/posts/")
    assert (status, "Hello from a command" in body) == (200, True)
    (listed,) = [line for line in project.expect("routes").splitlines() if "/api/v1/posts/" in line]
    assert APP in listed


def test_its_template_and_its_lifespan_are_found(server: Server) -> None:
    status, body = server.read("/blog")
    assert (status, "<h1>The package&#39;s page</h1>" in body) == (200, True)
    assert "<p>The blog is open.</p>" in body
    assert "<p>Hello from a command</p>" in body


def test_its_settings_and_the_projects_template_win(project: ProjectCopy, tmp_path: Path) -> None:
    template = project.root / "templates" / APP / "blog.html"
    template.parent.mkdir()
    template.write_text("<h2>{{ heading }}</h2>")
    try:
        with project.serve(tmp_path / "log", ACME_BLOG_TITLE="Set by us") as server:
            body = server.read("/blog")[1]
    finally:
        shutil.rmtree(template.parent)
    assert body == "<h2>Set by us</h2>"


@pytest.mark.needs("users")
def test_its_admin_view_is_there(project: ProjectCopy, server: Server) -> None:
    person = {"SUPERUSER_EMAIL": "admin@example.com", "SUPERUSER_PASSWORD": "correct horse battery"}
    project.expect("createsuperuser", "--noinput", env=person)
    form = {"username": person["SUPERUSER_EMAIL"], "password": person["SUPERUSER_PASSWORD"]}
    with Client(base_url=f"http://127.0.0.1:{server.port}") as browser:
        signed_in = browser.post(
            "/admin/login", data=form, headers={"Sec-Fetch-Site": "same-origin"}
        )
        assert signed_in.status_code == 303
        assert "Hello from a command" in browser.get("/admin/acme_blog-post/list").text


def test_installed_but_not_enabled(project: ProjectCopy) -> None:
    """Its entry point says so before anybody uses it; no site changes by an installation."""
    project.uninstall(APP)
    try:
        assert f"{APP}: (apps.W004) It is there, but not enabled." in project.expect("check")
    finally:
        project.install(APP)


@pytest.fixture
def bare(project: ProjectCopy, url: URL) -> Iterator[ProjectCopy]:
    """The project after the line was taken out, with a Python that never had the package."""
    project.uninstall(APP)
    yield ProjectCopy(project.root, url)
    project.install(APP)


def test_without_its_line_everything_goes_on(bare: ProjectCopy, tmp_path: Path) -> None:
    """Its tables stay: nobody loses data by taking a line out."""
    said = bare.expect("check")
    assert "acme_blog_post: (database.W001) No installed app has a model" in said
    assert f"{APP}: (apps.W004)" not in said  # this Python does not even have it
    assert "publish" not in bare.expect("help")
    bare.expect("migrate", "--check")
    assert "No changes" in bare.expect("makemigrations")
    with bare.serve(tmp_path / "log") as server:
        found = [server.read(path)[0] for path in ("/", "/blog", "/api/v1/posts/")]
    assert found == [200, 404, 404]
    assert "acme_blog_post" in bare.tables()


def test_the_history_needs_no_package(bare: ProjectCopy, engine_database: TestDatabase) -> None:
    with fresh_database(engine_database.engine) as empty:
        elsewhere = ProjectCopy(bare.root, empty)
        elsewhere.expect("migrate")
        assert "acme_blog_post" in elsewhere.tables()
