"""Writing migrations, in a copy of the project whose models and history are changed."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import URL, create_engine, inspect, text

from project.settings import ROOT
from tests.database import TestDatabase
from tests.processes import environment_for, fresh_database, run_manage


@dataclass(frozen=True)
class Copy:
    """A copy of the project with a database of its own."""

    root: Path
    url: URL

    def run(self, *words: str) -> tuple[int, str, str]:
        finished = run_manage(*words, env=environment_for(self.url), root=self.root)
        return finished.returncode, finished.stdout, finished.stderr

    def replace(self, path: str, old: str, new: str) -> None:
        file = self.root / path
        before = file.read_text()
        assert old in before
        file.write_text(before.replace(old, new))

    @property
    def versions(self) -> list[str]:
        return sorted(path.name for path in (self.root / "migrations/versions").glob("*.py"))

    def tables(self) -> set[str]:
        engine = create_engine(self.url)
        try:
            return set(inspect(engine).get_table_names())
        finally:
            engine.dispose()


@pytest.fixture
def copy(tmp_path: Path, engine_database: TestDatabase) -> Iterator[Copy]:
    root = tmp_path / "a project"
    ignored = shutil.ignore_patterns("__pycache__", "static")
    for name in ("project", "apps", "migrations"):
        shutil.copytree(ROOT / name, root / name, ignore=ignored)
    for name in ("manage.py", "pyproject.toml"):
        shutil.copy(ROOT / name, root / name)
    with fresh_database(engine_database.engine, is_migrated=True) as url:
        yield Copy(root, url)


NAME = "    full_name: Mapped[str | None] = mapped_column(String(NAME_LENGTH))\n"


@pytest.mark.needs("users")
def test_change_is_found_written_and_applied(copy: Copy) -> None:
    copy.replace("apps/users/models.py", NAME, NAME + "    nickname: Mapped[str | None]\n")
    code, out, _ = copy.run("makemigrations", "--check")
    assert (code, "add column users_user.nickname" in out) == (1, True)
    before = len(copy.versions)
    assert copy.run("makemigrations", "--dry-run")[0] == 0
    assert len(copy.versions) == before
    code, out, err = copy.run("makemigrations", "--name", "nick name's")
    assert (code, err) == (0, "")
    assert len(copy.versions) == before + 1
    assert "nick_name" in copy.versions[-1]
    assert copy.run("migrate")[0] == 0
    assert copy.run("makemigrations", "--check")[0] == 0


@pytest.mark.needs("orders")
def test_removed_app_keeps_its_tables(copy: Copy) -> None:
    """Nobody loses data by taking a line out of INSTALLED_APPS."""
    copy.replace("project/settings.py", '    "apps.orders",\n', "")
    engine = create_engine(copy.url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE somebody_elses (id int)"))
    engine.dispose()
    code, out, err = copy.run("makemigrations")
    assert (code, out, err) == (0, "No changes in the models.\n", "")
    assert {"orders_order", "somebody_elses"} < copy.tables()


def test_two_heads_are_refused(copy: Copy) -> None:
    versions = copy.root / "migrations/versions"
    last = (versions / copy.versions[-1]).read_text()
    number = copy.versions[-1][:4]
    for new in ("8001", "8002"):
        script = f'"""more"""\n\nrevision = "{new}"\ndown_revision = "{number}"\n\n\n'
        script += "def upgrade() -> None: ...\n\n\ndef downgrade() -> None: ...\n"
        (versions / f"{new}_more.py").write_text(script)
    assert f'revision: str = "{number}"' in last
    for words in (["makemigrations"], ["migrate", "--sql"]):
        code, _, err = copy.run(*words)
        assert (code, len(err.splitlines())) == (1, 1)
        assert "8001, 8002" in err


def test_two_with_one_number_are_refused(copy: Copy) -> None:
    versions = copy.root / "migrations/versions"
    number = copy.versions[-1][:4]
    shutil.copy(versions / copy.versions[-1], versions / f"{number}_again.py")
    for words in (["makemigrations"], ["migrate"]):
        code, _, err = copy.run(*words)
        assert (code, len(err.splitlines())) == (1, 1)
        assert f"Two migrations are numbered {number}" in err


def test_broken_migration_is_one_line(copy: Copy) -> None:
    file = copy.root / "migrations/versions" / copy.versions[-1]
    file.write_text("revision = \n")
    code, _, err = copy.run("migrate")
    assert (code, len(err.splitlines())) == (1, 1)
    assert file.name in err


def test_failing_migration_leaves_nothing(copy: Copy) -> None:
    """Each migration is one transaction: half of it is not applied."""
    number = copy.versions[-1][:4]
    script = (
        '"""bad"""\n\nfrom alembic import op\n\n'
        f'revision = "8001"\ndown_revision = "{number}"\n\n\n'
        'def upgrade() -> None:\n    op.execute("CREATE TABLE half (id int)")\n'
        '    op.execute("SELECT 1 / 0")\n\n\ndef downgrade() -> None: ...\n'
    )
    (copy.root / "migrations/versions/8001_bad.py").write_text(script)
    code, _, err = copy.run("migrate")
    assert (code, len(err.splitlines())) == (1, 1)
    assert "half" not in copy.tables()
