"""One baseline for many migrations: the same schema, or nothing has happened."""

import runpy

import pytest

from tests.histories import History

pytestmark = pytest.mark.needs("users", "items", "orders")

TRIGGER = """CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE loud text := upper(NEW.name)::text;
BEGIN NEW.name := loud || ':x' || '100%'; RETURN NEW; END $$;
CREATE TRIGGER shout BEFORE INSERT ON items_item FOR EACH ROW EXECUTE FUNCTION shout();
"""
BY_HAND = f"op.execute(sa.DDL({TRIGGER.replace('%', '%%')!r}))"


def squash(copy: History, *words: str, after: str = "") -> tuple[int, str, str]:
    """Squash all, with what the project's own history has by hand, and more of it."""
    written = runpy.run_path(str(copy.root / "migrations/versions/0010_history_of_changes.py"))
    (copy.root / "after.sql").write_text(f"{written['REFUSE']};{written['TRIGGER']};{after}")
    return copy.tell("squashmigrations", "--noinput", "--after", "after.sql", *words)


def squash_alone(copy: History, *words: str) -> tuple[int, str, str]:
    return copy.tell("squashmigrations", "--noinput", *words)


def schema_of_an_empty_database(copy: History) -> tuple[str, str]:
    """Start anew; what `migrate` and `makemigrations --check` say then."""
    copy.execute("DROP SCHEMA public, procrastinate CASCADE", "CREATE SCHEMA public")
    code, out, err = copy.tell("migrate")
    assert (code, err) == (0, "")
    return out, copy.tell("makemigrations", "--check")[1]


def test_one_for_all(copy: History) -> None:
    """A database that is there needs no stamp, and an empty one gets the same schema."""
    last = copy.versions[-1][:4]
    assert squash(copy)[::2] == (0, "")
    assert copy.versions == [f"{last}_baseline.py"]
    assert copy.tell("migrate") == (0, "No migrations to apply.\n", "")
    applied, drift = schema_of_an_empty_database(copy)
    assert applied == f"Applied {last} baseline\n"
    assert drift == "No changes in the models.\n"
    assert copy.tell("lintmigrations", "--all")[0] == 0


def test_what_was_written_by_hand(copy: History) -> None:
    """It is named, and missed by the comparison; with the SQL given, it is in the baseline."""
    copy.write_version(BY_HAND)
    assert copy.tell("migrate")[0] == 0
    before = {name: copy.read_version(place) for place, name in enumerate(copy.versions)}
    code, out, err = squash(copy)
    assert (code, len(err.splitlines())) == (1, 1)
    assert "By hand: 8001_more.py, line 11: op.execute" in out
    assert "-CREATE TRIGGER shout" in out
    assert {name: copy.read_version(place) for place, name in enumerate(copy.versions)} == before
    assert squash(copy, after=TRIGGER)[0] == 0
    assert copy.versions == ["8001_baseline.py"]
    schema_of_an_empty_database(copy)
    assert copy.scalar("SELECT count(*) FROM pg_trigger WHERE tgname = 'shout'") == 1


def test_rows_of_a_migration_are_missed(copy: History) -> None:
    copy.write_version("op.execute(\"INSERT INTO users_user (email) VALUES ('a@example.com')\")")
    assert copy.tell("migrate")[0] == 0
    before = copy.versions
    code, out, _ = squash(copy)
    assert (code, "-users_user: 1 rows" in out) == (1, True)
    assert copy.versions == before


def test_pending_migration_is_refused(copy: History) -> None:
    copy.write_version("pass")
    before = copy.versions
    code, _, err = squash_alone(copy)
    assert (code, len(err.splitlines())) == (1, 1)
    assert "lacks 8001" in err
    assert copy.versions == before
    assert squash_alone(copy, "--to", before[1][:4])[0] == 0  # it is not one of these


def test_up_to_a_revision(copy: History) -> None:
    """What comes after stays, and stands on the baseline."""
    rest = copy.versions[2:]
    assert squash_alone(copy, "--to", "0002")[0] == 0
    assert copy.versions == ["0002_baseline.py", *rest]
    applied, drift = schema_of_an_empty_database(copy)
    assert applied.startswith("Applied 0002 baseline\nApplied 0003")
    assert drift == "No changes in the models.\n"


def test_tables_of_a_removed_app(copy: History) -> None:
    """They are no model's, and are in the baseline all the same."""
    copy.tell("uninstallapp", "orders", "--keep-tables")
    assert squash(copy)[0] == 0
    schema_of_an_empty_database(copy)
    assert "orders_order_line" in copy.tables()


def test_nothing_to_squash(copy: History) -> None:
    code, _, err = squash_alone(copy, "--to", "0001")
    assert (code, "nothing to squash" in err) == (1, True)


def test_sql_that_is_not_utf8(copy: History) -> None:
    (copy.root / "before.sql").write_bytes(b"-- gr\xfc\xdfe")
    code, _, err = squash_alone(copy, "--before", "before.sql")
    assert (code, err) == (1, "Error: before.sql is not UTF-8: save it as that.\n")


def test_without_a_yes(copy: History) -> None:
    before = copy.versions
    code, _, err = copy.tell("squashmigrations")
    assert (code, "--noinput" in err) == (1, True)
    assert copy.versions == before
