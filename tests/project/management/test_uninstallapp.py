"""Removing an app: its tables by a migration, its line from the settings, nothing else."""

import shutil

import pytest

from project.errors import CommandError
from project.management.catalogue import parse_installed_apps
from project.management.installed_apps import without_app
from project.settings import ROOT
from tests.histories import History

pytestmark = pytest.mark.needs("users", "items", "orders")

LONG = b"""INSTALLED_APPS: tuple[str, ...] = (
    # the product
    "apps.a",
    "apps.b",  # speaks of b
    "apps.c"
)
LATER = 1
"""
SHORT = b'INSTALLED_APPS = ("apps.a", "apps.b", "apps.c")\n'


@pytest.mark.parametrize("source", [LONG, SHORT, LONG.replace(b"\n", b"\r\n")])
@pytest.mark.parametrize("package", ["apps.a", "apps.b", "apps.c"])
def test_line_is_taken_out(source: bytes, package: str) -> None:
    changed = without_app(source, package)
    rest = tuple(name for name in ("apps.a", "apps.b", "apps.c") if name != package)
    assert parse_installed_apps(changed) == rest
    assert (b"speaks of b" in changed) == (b"speaks of b" in source and package != "apps.b")
    assert changed.count(b"\r") in {0, changed.count(b"\n")}


def test_line_goes_as_it_stood() -> None:
    assert without_app(LONG, "apps.b") == LONG.replace(b'    "apps.b",  # speaks of b\n', b"")
    assert without_app(SHORT, "apps.b") == b'INSTALLED_APPS = ("apps.a", "apps.c")\n'


def test_the_last_one_of_all() -> None:
    assert parse_installed_apps(without_app(b'INSTALLED_APPS = ("apps.a",)\n', "apps.a")) == ()


def test_line_that_is_not_there() -> None:
    with pytest.raises(CommandError, match="exactly once"):
        without_app(SHORT, "apps.d")


def test_uninstalled_and_back(copy: History) -> None:
    """Rows are shown, tables go with `migrate` and come back, empty, when it is taken back."""
    before = copy.tables()
    code, out, err = copy.tell("uninstallapp", "orders", "--noinput")
    assert (code, err) == (0, "")
    assert "orders_order_line: 0 rows" in out
    assert "apps/orders" in out.splitlines()[-1]
    assert copy.tables() == before
    assert '"apps.orders"' not in (copy.root / "project/settings.py").read_text()
    assert copy.tell("migrate")[0] == 0
    assert before - copy.tables() == {
        "orders_idempotency_key",
        "orders_order",
        "orders_order_line",
    }
    assert copy.tell("makemigrations", "--check")[0] == 0
    assert copy.tell("migrate", "-1")[0] == 0
    assert copy.tables() == before
    (copy.root / "migrations/versions" / copy.versions[-1]).unlink()
    shutil.copy(ROOT / "project/settings.py", copy.root / "project/settings.py")
    assert copy.tell("makemigrations", "--check")[0] == 0  # the tables are just as they were


@pytest.mark.needs("audit")
@pytest.mark.parametrize("label", ["audit", "orders"])
def test_what_is_written_passes_the_linter(copy: History, label: str) -> None:
    assert copy.tell("uninstallapp", label, "--noinput")[0] == 0
    code, out, _ = copy.tell("lintmigrations", copy.versions[-1][:4])
    assert (code, out) == (0, "Nothing unsafe in 1 migration.\n")


@pytest.mark.needs("audit")
def test_functions_of_triggers_go_along(copy: History) -> None:
    query = (
        "SELECT (SELECT count(*) FROM pg_proc WHERE proname = 'audit_keep_change') + "
        "(SELECT count(*) FROM pg_trigger WHERE tgname = 'audit_keep_change')"
    )
    assert copy.tell("uninstallapp", "audit", "--noinput")[0] == 0
    for arguments, expected in (((), 0), (("-1",), 2)):
        code, _, err = copy.tell("migrate", *arguments)
        assert code == 0, err
        assert copy.scalar(query) == expected


def test_kept_tables(copy: History) -> None:
    before = copy.tables(), copy.versions
    code, out, _ = copy.tell("uninstallapp", "orders", "--keep-tables")
    assert (code, "Its tables stay: orders_idempotency_key" in out) == (0, True)
    assert (copy.tables(), copy.versions) == before
    assert copy.tell("makemigrations", "--check")[0] == 0


@pytest.mark.parametrize(
    ("words", "expected", "said"),
    [
        (["items", "--noinput"], 1, "App 'items' is required by orders"),
        (["itmes", "--noinput"], 2, "Did you mean 'items'?"),
        (["orders"], 1, "add --noinput"),
    ],
)
def test_refused(copy: History, words: list[str], expected: int, said: str) -> None:
    before = copy.versions, (copy.root / "project/settings.py").read_bytes()
    code, out, err = copy.tell("uninstallapp", *words)
    assert (code, out, len(err.splitlines()), said in err) == (expected, "", 1, True), err
    assert (copy.versions, (copy.root / "project/settings.py").read_bytes()) == before


def test_referred_to_by_another_app(copy: History) -> None:
    """An app may refer to a table by name, without saying that it requires its app."""
    copy.replace("apps/orders/app.py", 'requires=("users", "items")', 'requires=("users",)')
    code, _, err = copy.tell("uninstallapp", "items", "--noinput")
    assert (code, "orders_order_line.item_id refers to items_item" in err) == (1, True)


def test_referred_to_by_a_removed_app(copy: History) -> None:
    copy.replace("project/settings.py", '    "apps.orders",\n', "")
    code, _, err = copy.tell("uninstallapp", "items", "--noinput")
    assert (code, "orders_order_line, which no installed app declares" in err) == (1, True)


def test_models_that_have_changed(copy: History) -> None:
    copy.replace("apps/users/models.py", "NAME_LENGTH = 200", "NAME_LENGTH = 201")
    code, _, err = copy.tell("uninstallapp", "orders", "--noinput")
    assert (code, "have changes that are not in a migration" in err) == (1, True)
