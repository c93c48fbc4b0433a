"""Installed apps that are missing, misordered or broken: one line that names the app."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from project.apps import AppConfig, Registry, _place
from project.errors import AppError
from project.settings import INSTALLED_APPS, ROOT

Write = Callable[..., str]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Write an app's package to a folder on the path; its modules are forgotten afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)

    def write(name: str, manifest: str | None = None, **files: str) -> str:
        folder = tmp_path.joinpath(*name.split("."))
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "__init__.py").touch()
        if manifest is None:
            manifest = f"app = AppConfig(label={folder.name!r})"
        (folder / "app.py").write_text(f"from project.apps import AppConfig\n{manifest}\n")
        for module, text in files.items():
            (folder / f"{module}.py").write_text(text)
        return name

    yield write
    for name in set(sys.modules) - before:
        if name.startswith("lab_"):
            del sys.modules[name]


def complaint(*packages: str) -> str:
    with pytest.raises(AppError) as caught:
        Registry.load(packages).import_models()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_installed_apps() -> None:
    registry = Registry.load(INSTALLED_APPS)
    assert [app.package for app in registry] == list(INSTALLED_APPS)
    first = registry.apps[0]
    assert registry.get(first.label).folder == ROOT.joinpath(*first.package.split("."))


def test_order_is_kept(write: Write) -> None:
    write("lab_two", 'app = AppConfig(label="two", requires=("one",))')
    registry = Registry.load([write("lab_one", 'app = AppConfig(label="one")'), "lab_two"])
    assert [app.label for app in registry] == ["one", "two"]


@pytest.mark.needs("items")
def test_unknown_label_has_a_suggestion() -> None:
    with pytest.raises(AppError, match=r"'itms'\. Did you mean 'items'"):
        Registry.load(INSTALLED_APPS).get("itms")


def test_the_owner_of_a_table() -> None:
    """The longest label counts: `blog_posts_tag` is not the blog's."""
    registry = Registry(tuple(AppConfig(label=label) for label in ("blog", "blog_posts")))
    owners = [registry.owner_of(name) for name in ("blog_tag", "blog_posts_tag", "blogs_x", "")]
    assert owners == ["blog", "blog_posts", None, None]


@pytest.mark.parametrize("name", ["nowhere", "nowhere.at.all", "apps.nowhere", "json"])
def test_missing_package(name: str) -> None:
    message = complaint(name)
    assert name.partition(".")[0] in message
    assert "INSTALLED_APPS" in message


def test_duplicate_label(write: Write) -> None:
    one = write("lab_first", 'app = AppConfig(label="same")')
    two = write("lab_second", 'app = AppConfig(label="same")')
    message = complaint(one, two)
    assert all(word in message for word in ("'same'", one, two))


def test_one_app_twice(write: Write) -> None:
    name = write("lab_once", 'app = AppConfig(label="once")')
    assert "'once'" in complaint(name, name)


def test_unmet_requirement(write: Write) -> None:
    name = write("lab_needy", 'app = AppConfig(label="needy", requires=("absent",))')
    message = complaint(name)
    assert "'needy' requires 'absent', which is not installed" in message


def test_misordered_requirement(write: Write) -> None:
    late = write("lab_late", 'app = AppConfig(label="late")')
    message = complaint(
        write("lab_early", 'app = AppConfig(label="early", requires=("late",))'), late
    )
    assert "'early' requires 'late'" in message
    assert "behind" in message


@pytest.mark.parametrize("manifest", ["", "app = None", "app = {'label': 'x'}", "App = AppConfig"])
def test_no_manifest(write: Write, manifest: str) -> None:
    message = complaint(write("lab_bare", manifest))
    assert "lab_bare" in message
    assert "AppConfig(label=" in message


@pytest.mark.parametrize(
    "text",
    ["import nowhere_at_all", "1 / 0", "raise ValueError('many\\nlines')", "def ("],
    ids=["import", "error", "lines", "syntax"],
)
def test_broken_manifest_and_models(write: Write, text: str) -> None:
    assert "lab_broken" in complaint(write("lab_broken", text))
    assert "lab_hurt" in complaint(write("lab_hurt", models=text + "\n"))


def test_where_an_import_breaks_is_named() -> None:
    """Every app has a `services.py`: the file alone would say nothing."""
    broken = SyntaxError("invalid syntax", (str(ROOT / "apps/items/services.py"), 3, 1, "def ("))
    assert _place(broken) == " (apps/items/services.py, line 3)"


def test_broken_router_is_named(write: Write) -> None:
    registry = Registry.load([write("lab_router", routes="1 / 0\n")])
    with pytest.raises(AppError, match=r"'lab_router': lab_router\.routes fails to import"):
        list(registry.modules("routes"))


def test_absent_files_are_absent_concerns(write: Write) -> None:
    registry = Registry.load([write("lab_small")])
    registry.import_models()
    assert list(registry.modules("routes")) == []
    assert registry.template_folders() == ()


def test_manifest_is_frozen() -> None:
    with pytest.raises(AttributeError):
        AppConfig(label="x").label = "y"  # type: ignore[misc]


MODEL = """
from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship
from project.db.base import Base, BigIntKey

class {name}(Base):
    id: Mapped[BigIntKey]
    {line}
"""


@pytest.mark.parametrize(
    ("name", "line", "word"),
    [
        ("Lonely", "other: Mapped['Nobody'] = relationship()", "Nobody"),
        ("Lonely", "other: Mapped['User'] = relationship()", "Lonely.other"),
        ("User", "__tablename__ = 'users_user'", "users_user"),
        ("Lonely", "x: Mapped[int] = mapped_column(ForeignKey('no_where.id'))", "'no_where.id'"),
        ("Lonely", "x: Mapped[int] = mapped_column(ForeignKey('users_user.no'))", "Lonely.x"),
    ],
    ids=["unknown", "no foreign key", "taken table", "no table", "no column"],
)
@pytest.mark.needs("users")
def test_models_that_do_not_fit(write: Write, name: str, line: str, word: str) -> None:
    """In a process of its own: a broken mapper stays broken."""
    app = write("lab_models", models=MODEL.format(name=name, line=line))
    folder = sys.path[0]
    code = (
        f"import sys; sys.path.insert(0, {folder!r})\n"
        "from project.apps import Registry\nfrom project.errors import AppError\n"
        f"registry = Registry.load(['apps.users', {app!r}])\n"
        "try:\n    registry.import_models()\nexcept AppError as error:\n    print(error)\n"
    )
    finished = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert finished.stderr == ""
    assert len(finished.stdout.splitlines()) == 1
    assert word in finished.stdout
    assert "lab_models" in finished.stdout
