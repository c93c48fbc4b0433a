"""What is unsafe in a migration is named, with the way out; what is meant says why."""

import subprocess

import pytest

from project.management.dispatcher import call_command
from tests.histories import History

pytestmark = pytest.mark.needs("users", "items", "orders")

REQUIRED = (
    'op.add_column("items_item", sa.Column("colour", sa.Text(), nullable=False))\n'
    'op.create_index("ix_colour", "items_item", ["colour"])'
)
COMMENT = "# lint: allow adding-required-field"


def test_present_migrations_are_safe(capsys: pytest.CaptureFixture[str]) -> None:
    assert call_command("lintmigrations", "--all") == 0
    assert "Nothing unsafe in" in capsys.readouterr().out


def test_unsafe_migration(copy: History) -> None:
    copy.write_version(REQUIRED)
    code, out, _ = copy.tell("lintmigrations", "8001")
    assert code == 1
    assert "migrations/versions/8001_more.py: adding-required-field\n    ALTER TABLE items_" in out
    assert "Make the field nullable or add a non-VOLATILE DEFAULT" in out
    assert "require-concurrent-index-creation" in out
    assert "2 problems in 1 migration." in out


def test_allowed_with_a_reason(copy: History) -> None:
    index = "# lint: allow require-concurrent-index-creation -- it is empty"
    copy.write_version(f"{COMMENT} -- the table is empty\n{index}\n{REQUIRED}")
    assert copy.tell("lintmigrations", "8001")[0] == 0


def test_allowed_without_a_reason(copy: History) -> None:
    copy.write_version(f"{COMMENT}\n{REQUIRED}")
    code, _, err = copy.tell("lintmigrations", "8001")
    assert (code, len(err.splitlines())) == (1, 1)
    assert "-- <reason>" in err


def test_allowed_for_nothing(copy: History) -> None:
    copy.write_version(f"{COMMENT} -- it was once needed\npass")
    code, out, _ = copy.tell("lintmigrations", "8001")
    assert (code, "take the comment out" in out) == (1, True)


def test_concurrent_index_is_safe(copy: History) -> None:
    """Built in an autocommit block it is what the linter asks for."""
    copy.write_version(
        "with op.get_context().autocommit_block():\n"
        '    op.create_index("ix", "items_item", ["stock"], postgresql_concurrently=True)'
    )
    assert copy.tell("lintmigrations", "8001")[:2] == (0, "Nothing unsafe in 1 migration.\n")


def test_migration_that_needs_a_database(copy: History) -> None:
    copy.write_version('op.get_bind().execute(sa.text("SELECT 1")).scalar()')
    code, out, _ = copy.tell("lintmigrations", "8001")
    assert (code, "not-offline" in out) == (1, True)


def test_new_ones_alone(copy: History) -> None:
    """What the branch has is left out; without git, everything is looked at, and it says so."""
    code, out, err = copy.tell("lintmigrations")
    assert (code, "looking at all" in err, "Nothing unsafe" in out) == (0, True, True)
    versions = copy.root / "migrations/versions"
    first = versions / copy.versions[0]
    first.rename(versions / "0001_größe.py")  # which git shows in quotes
    identity = ["-c", "user.name=T", "-c", "user.email=t@example.com"]
    for words in (["init", "-b", "main"], ["add", "."], [*identity, "commit", "-m", "x"]):
        subprocess.run(["git", *words], cwd=copy.root, check=True, capture_output=True)
    assert "main has every migration" in copy.tell("lintmigrations")[1]
    copy.write_version(REQUIRED)
    assert "in 1 migration." in copy.tell("lintmigrations")[1]
    assert copy.tell("lintmigrations", "--base", "nope")[0] == 2
    code, _, err = copy.tell("lintmigrations", "--base", "")
    assert (code, "--base names a branch" in err) == (2, True)
