"""Writing migrations, in a copy of the project whose models and history are changed."""

import shutil
import sys

import pytest

from tests.histories import History

pytestmark = pytest.mark.needs("users", "items", "orders")

NAME = "    full_name: Mapped[str | None] = mapped_column(String(NAME_LENGTH))\n"


@pytest.mark.needs("users")
def test_change_is_found_written_and_applied(copy: History) -> None:
    copy.replace("apps/users/models.py", NAME, NAME + "    nickname: Mapped[str | None]\n")
    code, out, _ = copy.tell("makemigrations", "--check")
    assert (code, "add column users_user.nickname" in out) == (1, True)
    before = len(copy.versions)
    assert copy.tell("makemigrations", "--dry-run")[0] == 0
    assert len(copy.versions) == before
    code, out, err = copy.tell("makemigrations", "--name", "nick name's")
    assert (code, err) == (0, "")
    assert len(copy.versions) == before + 1
    assert "nick_name" in copy.versions[-1]
    assert copy.tell("migrate")[0] == 0
    assert copy.tell("makemigrations", "--check")[0] == 0


def test_only_the_apps_that_are_named(copy: History) -> None:
    copy.replace("apps/users/models.py", NAME, NAME + "    nickname: Mapped[str | None]\n")
    assert copy.tell("makemigrations", "items") == (0, "No changes in the models.\n", "")
    assert "add column users_user.nickname" in copy.tell("makemigrations", "users")[1]
    code, _, err = copy.tell("makemigrations", "item")
    assert (code, err.count("\n")) == (2, 1)
    assert "Did you mean 'items'?" in err


@pytest.mark.needs("orders")
def test_removed_app_keeps_its_tables(copy: History) -> None:
    """Nobody loses data by taking a line out of INSTALLED_APPS."""
    copy.replace("project/settings.py", '    "apps.orders",\n', "")
    copy.execute("CREATE TABLE somebody_elses (id int)")
    code, out, err = copy.tell("makemigrations")
    assert (code, out, err) == (0, "No changes in the models.\n", "")
    assert {"orders_order", "somebody_elses"} < copy.tables()


def test_two_heads_are_refused(copy: History) -> None:
    versions = copy.root / "migrations/versions"
    last = (versions / copy.versions[-1]).read_text()
    number = copy.versions[-1][:4]
    for new in ("8001", "8002"):
        script = f'"""more"""\n\nrevision = "{new}"\ndown_revision = "{number}"\n\n\n'
        script += "def upgrade() -> None: ...\n\n\ndef downgrade() -> None: ...\n"
        (versions / f"{new}_more.py").write_text(script)
    assert f'revision: str = "{number}"' in last
    for words in (["makemigrations"], ["migrate", "--sql"]):
        code, _, err = copy.tell(*words)
        assert (code, len(err.splitlines())) == (1, 1)
        assert "8001, 8002" in err


def test_two_with_one_number_are_refused(copy: History) -> None:
    versions = copy.root / "migrations/versions"
    number = copy.versions[-1][:4]
    shutil.copy(versions / copy.versions[-1], versions / f"{number}_again.py")
    for words in (["makemigrations"], ["migrate"]):
        code, _, err = copy.tell(*words)
        assert (code, len(err.splitlines())) == (1, 1)
        assert f"Two migrations are numbered {number}" in err


def test_broken_migration_is_one_line(copy: History) -> None:
    file = copy.root / "migrations/versions" / copy.versions[-1]
    file.write_text("revision = \n")
    code, _, err = copy.tell("migrate")
    assert (code, len(err.splitlines())) == (1, 1)
    assert f"SyntaxError: invalid syntax (migrations/versions/{file.name}, line 1)" in err


def test_failing_migration_leaves_nothing(copy: History) -> None:
    """Each migration is one transaction: half of it is not applied."""
    number = copy.versions[-1][:4]
    script = (
        '"""bad"""\n\nfrom alembic import op\n\n'
        f'revision = "8001"\ndown_revision = "{number}"\n\n\n'
        'def upgrade() -> None:\n    op.execute("CREATE TABLE half (id int)")\n'
        '    op.execute("SELECT 1 / 0")\n\n\ndef downgrade() -> None: ...\n'
    )
    (copy.root / "migrations/versions/8001_bad.py").write_text(script)
    code, _, err = copy.tell("migrate")
    assert (code, len(err.splitlines())) == (1, 1)
    assert "half" not in copy.tables()


EMAIL = "    email: Mapped[str] = mapped_column(String(EMAIL_LENGTH), unique=True)\n"
STAFF = "    is_staff: Mapped[bool]"


def rename_email(copy: History) -> None:
    """The column, and with it the unique constraint that is named after it."""
    copy.execute("INSERT INTO users_user (email) VALUES ('a@example.com')")
    copy.replace("apps/users/models.py", EMAIL, EMAIL.replace("email:", "mail:"))
    copy.replace("apps/users/models.py", '"email = lower(email)"', '"mail = lower(mail)"')


@pytest.mark.skipif(sys.platform == "win32", reason="platform: Windows has no pty")
def test_rename_is_asked_for(copy: History) -> None:
    """A yes keeps the data, and constraints named after the column follow it."""
    rename_email(copy)
    code, out, err = copy.answer("y\n", "makemigrations")
    assert (code, err) == (0, "")
    assert "Was users_user.email renamed to users_user.mail (VARCHAR(254))? [y/N]" in out
    assert 'new_column_name="mail"' in copy.read_version(-1)
    assert copy.tell("migrate")[0] == 0
    assert copy.scalar("SELECT mail FROM users_user") == "a@example.com"
    assert copy.tell("makemigrations", "--check")[0] == 0
    assert copy.tell("migrate", "-1")[0] == 0
    assert copy.scalar("SELECT email FROM users_user") == "a@example.com"
    assert copy.scalar("SELECT conname FROM pg_constraint WHERE conname = 'uq_users_user_email'")


@pytest.mark.skipif(sys.platform == "win32", reason="platform: Windows has no pty")
def test_no_rename_without_a_yes(copy: History) -> None:
    rename_email(copy)
    code, _, _ = copy.answer("\n''\n", "makemigrations")
    assert code == 0
    assert 'op.drop_column("users_user", "email")' in copy.read_version(-1)


def test_rename_without_a_terminal(copy: History) -> None:
    """Nobody can be asked: nothing is written until the option says so, and keeps the data."""
    rename_email(copy)
    for word, expected in (("--dry-run", 0), ("--check", 1)):
        code, out, err = copy.tell("makemigrations", word)
        assert (code, "remove column users_user.email" in out) == (expected, True)
        assert "--rename users_user.email:mail keeps the data" in err
    before = copy.versions
    code, out, err = copy.tell("makemigrations")
    assert (code, out, err.count("\n"), copy.versions) == (1, "", 1, before)
    assert "say --rename users_user.email:mail to keep the data, or --no-rename" in err
    code, out, err = copy.tell("makemigrations", "--rename", "users_user.email:mail")
    assert (code, err) == (0, "")
    assert out.startswith("  - rename column users_user.email to mail\nWrote ./migrations/")
    assert copy.tell("migrate")[0] == 0
    assert copy.scalar("SELECT mail FROM users_user") == "a@example.com"


def test_no_rename_without_a_terminal(copy: History) -> None:
    rename_email(copy)
    code, _, err = copy.tell("makemigrations", "--no-rename", "--default", "users_user.mail=''")
    assert (code, err) == (0, "")
    assert 'op.drop_column("users_user", "email")' in copy.read_version(-1)


def test_renamed_table(copy: History) -> None:
    """Its constraints, indexes and sequences follow, and those that refer to it."""
    models = copy.root / "apps/users/models.py"
    models.write_text(models.read_text().replace("class AuthSession(Base):", "class SignIn(Base):"))
    copy.replace("apps/users/models.py", '"users_auth_session.id"', '"users_sign_in.id"')
    code, _, err = copy.tell("makemigrations", "--dry-run")
    assert (code, "--rename users_auth_session:users_sign_in keeps" in err) == (0, True)
    copy.execute("INSERT INTO users_user (email) VALUES ('a@example.com')")
    assert copy.tell("makemigrations", "--rename", "users_auth_session:users_sign_in")[0] == 0
    assert copy.tell("migrate")[0] == 0
    assert "users_auth_session" not in copy.tables()
    stale = "SELECT string_agg(relname, ' ') FROM pg_class WHERE relname LIKE '%auth_session%'"
    assert copy.scalar(stale) is None
    keys = "SELECT count(*) FROM pg_constraint WHERE contype <> 'n' AND conname LIKE '%auth_ses%'"
    assert copy.scalar(keys) == 0
    assert copy.tell("makemigrations", "--check")[0] == 0
    assert copy.tell("migrate", "-1")[0] == 0
    assert "users_auth_session" in copy.tables()


@pytest.mark.parametrize(
    ("option", "code", "said"),
    [
        ("--rename=users_user.email:post", 1, "Nothing in the models fits 'users_user.email:post'"),
        ("--rename=email", 2, "takes the form of"),
        ("--default=users_user.email", 2, "takes the form of"),
    ],
)
def test_answer_to_no_question(copy: History, option: str, code: int, said: str) -> None:
    before = copy.versions
    finished = copy.tell("makemigrations", option)
    assert (finished[0], len(finished[2].splitlines())) == (code, 1)
    assert said in finished[2]
    assert copy.versions == before


def test_required_column(copy: History) -> None:
    """Rows that exist get the value that was given; the column is left without a default."""
    copy.execute("INSERT INTO users_user (email) VALUES ('a@example.com')")
    copy.replace("apps/users/models.py", STAFF, "    rank: Mapped[int]\n" + STAFF)
    assert "--default users_user.rank=SQL" in copy.tell("makemigrations", "--dry-run")[2]
    assert copy.tell("makemigrations", "--default", "users_user.rank=3 + 4")[0::2] == (0, "")
    assert copy.tell("migrate")[0] == 0
    assert copy.scalar("SELECT rank FROM users_user") == 7
    assert copy.tell("makemigrations", "--check")[0] == 0


@pytest.mark.skipif(sys.platform == "win32", reason="platform: Windows has no pty")
def test_required_column_is_asked_for(copy: History) -> None:
    copy.replace("apps/users/models.py", STAFF, "    rank: Mapped[int]\n" + STAFF)
    code, out, _ = copy.answer("7\n", "makemigrations")
    assert (code, "users_user.rank is new, NOT NULL" in out) == (0, True)
    assert 'server_default=sa.text("7")' in copy.read_version(-1)


def test_without_ruff(copy: History) -> None:
    """The production image has none: one line, and nothing half-written."""
    copy.replace(
        "project/db/migrations/writing.py",
        'importlib.util.find_spec("ruff")',
        'importlib.util.find_spec("a_ruff_that_is_not_there")',
    )
    before = copy.versions
    code, _, err = copy.tell("makemigrations", "--empty")
    assert (code, len(err.splitlines())) == (1, 1)
    assert "uv sync" in err
    assert copy.versions == before


@pytest.mark.parametrize(
    "words", [("--empty", "--dry-run"), ("--empty", "--check"), ("--empty", "-n", "a\nb")]
)
def test_nonsense_writes_nothing(copy: History, words: tuple[str, ...]) -> None:
    before = copy.versions
    code, _, err = copy.tell("makemigrations", *words)
    assert (code, len(err.splitlines())) == (2, 1)
    assert copy.versions == before


def test_name_with_quotes_and_backslashes(copy: History) -> None:
    for name in ('a"""b', r"C:\new\users\N{x}", '"quoted"'):
        assert copy.tell("makemigrations", "--empty", "-n", name)[0::2] == (0, "")
        assert copy.tell("migrate")[1].partition(" ")[2][5:] == f"{name}\n"


def test_failed_writing_leaves_no_file(copy: History) -> None:
    before = copy.versions
    template = copy.root / "migrations/script.py.mako"
    template.write_text(template.read_text() + "\nthis is no Python\n")
    assert copy.tell("makemigrations", "--empty")[0] == 1
    assert copy.versions == before


@pytest.mark.skipif(sys.platform == "win32", reason="platform: links need a privilege")
def test_hidden_files_are_no_migrations(copy: History) -> None:
    """An editor's lock, which is a link to nowhere, and what macOS leaves on other disks."""
    versions = copy.root / "migrations/versions"
    (versions / ".#0003_x.py").symlink_to("somebody@nowhere:1")
    assert copy.tell("makemigrations", "--check")[0::2] == (0, "")
    (versions / "._0003_x.py").write_bytes(b"\0\x05\x16\x07")
    assert copy.tell("showmigrations")[0::2] == (0, "")
    code, _, err = copy.tell("makemigrations", "--check")  # Alembic would run it
    assert (code, len(err.splitlines())) == (1, 1)
    assert "migrations/versions/._0003_x.py is hidden, and no migration: delete it" in err
