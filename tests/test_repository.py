"""The promises that the repository makes about itself.

Nothing here asks git: an exported tree keeps them, too. What .gitignore names is left out.
"""

import ast
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pytest

from loadtests.scenario import installed
from project.management.catalogue import ROOT, Catalogue, installed_apps

TOP_LEVEL = {
    *("project", "apps", "migrations", "templates", "tests", "loadtests"),
    *("manage.py", "Dockerfile", "pyproject.toml", "README.md"),
    *("compose.yaml", "requirements", "deploy", "LICENSE", "CHANGELOG.md", "UPGRADING.md"),
    *(".ci", ".github", ".env.example", ".gitignore", ".dockerignore", ".editorconfig"),
}
OPTIONAL = {".github"}  # pictures for the README
# What a developer's own tools may leave there.
PERSONAL = {".git", ".idea", ".vscode", ".DS_Store", ".python-version", ".hypothesis"}
VENDORED = Path("project/static/vendor")
MAXIMUM_LINES = 400
DEMO = "pip install uv && uv run manage.py demo"
TEST = "pip install uv && uv run manage.py test"

CODE_BLOCK = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
UNFINISHED = re.compile(r"\b(TOD[O]|FIXM[E]|XX[X])\b")
UNMIGRATED = re.compile(r"\bcreate_al[l]\(")
REGISTRY = re.compile(r"\b(pypi|pythonhosted|npmjs|debian|crates|docker)\.(org|com|io|net)\b")
DEPENDENCY = re.compile(r'^ +"[a-z][\w-]*(\[\w+\])?[=<>]')
EXPLAINED = re.compile(r'", +# \w')
MACHINE_PATH = re.compile(r"(?<![\w.}-])/(root|home|Users|work)/[\w.]")


@cache
def ignored_patterns() -> tuple[str, ...]:
    """The names in .gitignore; the project uses plain names, one folder deep at most."""
    lines = (ROOT / ".gitignore").read_text().splitlines()
    return tuple(line.strip("/") for line in lines if line and not line.startswith("#"))


def is_ignored(path: Path) -> bool:
    name = path.relative_to(ROOT).as_posix()
    is_personal = path.parent == ROOT and path.name in PERSONAL
    return is_personal or any(
        fnmatch(path.name, pattern) or fnmatch(name, pattern) for pattern in ignored_patterns()
    )


def walk(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if is_ignored(path) or path.relative_to(ROOT) == VENDORED:
            continue
        if path.is_dir():
            yield from walk(path)
        else:
            yield path


@cache
def texts() -> dict[str, str]:
    """Every file of the repository that is text, by its path."""
    found = {}
    for path in walk(ROOT):
        content = path.read_bytes()
        if b"\0" not in content:
            found[path.relative_to(ROOT).as_posix()] = content.decode("utf-8")
    return found


def places(pattern: re.Pattern[str], *folders: str) -> list[str]:
    """Where the pattern is found, as `file:line: text`."""
    return [
        f"{path}:{number}: {line.strip()}"
        for path, text in texts().items()
        if not folders or path.startswith(folders)
        for number, line in enumerate(text.splitlines(), start=1)
        if pattern.search(line)
    ]


def readme() -> str:
    path = ROOT / "README.md"
    assert path.exists(), "README.md is missing"
    return path.read_text(encoding="utf-8")


def commands_in_blocks(text: str) -> list[str]:
    return [line.strip() for block in CODE_BLOCK.findall(text) for line in block.splitlines()]


def test_top_level() -> None:
    names = {path.name for path in ROOT.iterdir() if not is_ignored(path)}
    # Only a folder with something in it belongs to the repository.
    there = {name for name in names if (ROOT / name).is_file() or any(walk(ROOT / name))}
    assert there - TOP_LEVEL - OPTIONAL == set(), "not part of the layout"
    assert TOP_LEVEL - there == set(), "missing from the layout"


@pytest.mark.parametrize("name", [".env", "uv.lock", ".data", ".venv", "loadtests/results"])
def test_never_committed(name: str) -> None:
    assert name in ignored_patterns()


def test_nothing_unfinished() -> None:
    assert places(UNFINISHED) == []


def test_tables_come_from_migrations_only() -> None:
    assert places(UNMIGRATED, "project/", "apps/", "migrations/", "tests/") == []


def test_no_registry_is_named() -> None:
    assert places(REGISTRY) == []


def test_no_path_of_a_machine() -> None:
    assert places(MACHINE_PATH) == []


def test_files_stay_short() -> None:
    lengths = {
        path: text.count("\n")
        for path, text in texts().items()
        if path.startswith(("project/", "apps/", "loadtests/")) and path.endswith(".py")
    }
    assert {path: n for path, n in lengths.items() if n >= MAXIMUM_LINES} == {}


def test_no_utils() -> None:
    assert [path for path in texts() if Path(path).stem in {"utils", "helpers", "misc"}] == []


def test_commands_have_a_summary() -> None:
    summaries = {name: found.summary for name, found in Catalogue.read().commands.items()}
    assert [name for name, summary in summaries.items() if not summary.endswith((".", ":"))] == []


def test_commands_are_in_the_readme() -> None:
    rows = [line for line in readme().splitlines() if line.startswith("|")]
    missing = [
        name
        for name in Catalogue.read().commands
        if not any(re.match(rf"\|\s*`{name}\b", row) for row in rows)
    ]
    assert missing == [], "README.md: add a table row that begins with | `name` |"


def test_commands_have_tests() -> None:
    """Some test calls it, or is about it by name."""
    tests = {path: text for path, text in texts().items() if path.startswith("tests/")}
    missing = [
        name
        for name in Catalogue.read().commands
        if not any(f'"{name}"' in text or f"test_{name}.py" in path for path, text in tests.items())
    ]
    assert missing == []


@pytest.mark.parametrize("command", [DEMO, TEST])
def test_readme_promises_a_command(command: str) -> None:
    assert command in commands_in_blocks(readme()), f"README.md: a line of its own: {command}"


def test_links_lead_somewhere() -> None:
    broken = [
        f"{document}: {target}"
        for document, text in texts().items()
        if document.endswith(".md")
        for target in LINK.findall(text)
        if "://" not in target and not ((ROOT / document).parent / target).exists()
    ]
    assert broken == []


def test_ci_runs_the_promised_command() -> None:
    assert TEST in texts()[".ci/run"]


def test_guarded_pythons_are_told_the_way() -> None:
    assert any("-m venv" in line for line in commands_in_blocks(readme()))


def own_apps() -> list[str]:
    """The installed apps that live here; those of installed packages are kept elsewhere."""
    return [app for app in installed_apps() if ROOT.joinpath(*app.split(".")).is_dir()]


@pytest.mark.parametrize("app", own_apps())
def test_app_has_tests(app: str) -> None:
    folder = ROOT / "tests" / app.replace(".", "/")
    assert list(folder.glob("test_*.py")), f"no tests in {folder.relative_to(ROOT)}/"


@pytest.mark.parametrize("app", own_apps())
def test_app_has_factories(app: str) -> None:
    folder = ROOT.joinpath(*app.split("."))
    if (folder / "models.py").exists():
        factories = ROOT / "tests" / "factories" / f"{folder.name}.py"
        assert factories.exists(), f"no {factories.relative_to(ROOT)}"


@pytest.mark.parametrize("app", own_apps())
def test_app_has_a_scenario(app: str) -> None:
    """Whatever has routes in the API is under load in the load tests."""
    folder = ROOT.joinpath(*app.split("."))
    if list(folder.glob("api/v*.py")):
        scenario = f"loadtests/scenarios/{folder.name}.py"
        assert scenario in texts(), f"no {scenario}"
        assert installed([app]), f"{scenario} defines no Scenario"


def test_dependencies_are_explained() -> None:
    """Every dependency is a decision, and its line says what it is for."""
    bare = [
        line.strip()
        for line in texts()["pyproject.toml"].splitlines()
        if DEPENDENCY.match(line) and not EXPLAINED.search(line)
    ]
    assert [line for line in bare if not line.startswith('"pytest>=')] == []


def test_settings_are_documented() -> None:
    """Every field of a settings group is followed by a docstring."""
    files = [
        path for path in texts() if re.fullmatch(r"(project|apps/\w+)/\w*setting\w*\.py", path)
    ]
    trees = [ast.parse(texts()[path]) for path in files]
    nodes = [node for tree in trees for node in tree.body]
    groups = [node for node in nodes if isinstance(node, ast.ClassDef) and is_group(node)]
    assert {group.name for group in groups} >= {"ServerSettings", "AppSettings"}
    assert [name for group in groups for name in undocumented(group)] == []


def is_group(node: ast.ClassDef) -> bool:
    kinds = {"SettingsGroup", "AppSettings"}
    return any(isinstance(base, ast.Name) and base.id in kinds for base in node.bases)


def undocumented(group: ast.ClassDef) -> list[str]:
    missing = []
    for field, following in zip(group.body, [*group.body[1:], None], strict=True):
        if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
            continue
        value = following.value if isinstance(following, ast.Expr) else None
        if not (isinstance(value, ast.Constant) and isinstance(value.value, str)):
            missing.append(f"{group.name}.{field.target.id}")
    return missing
