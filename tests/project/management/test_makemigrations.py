"""Writing migrations, in a copy of the project whose models and history are changed."""

import shutil

from tests.copies import Copy

NAME = "    full_name: Mapped[str | None] = mapped_column(String(NAME_LENGTH))\n"


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


def test_removed_app_keeps_its_tables(copy: Copy) -> None:
    """Nobody loses data by taking a line out of INSTALLED_APPS."""
    copy.replace("project/settings.py", '    "apps.orders",\n', "")
    copy.execute("CREATE TABLE somebody_elses (id int)")
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
