import json
from pathlib import Path

import pytest

from project.errors import CommandError
from project.management.dispatcher import call_command

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The document of the application as it is."""
    file = tmp_path / "openapi.json"
    call_command("openapi", str(file))
    return file


def test_printed(file: Path, capsys: Capture) -> None:
    capsys.readouterr()
    call_command("openapi")
    assert json.loads(capsys.readouterr().out) == json.loads(file.read_text(encoding="utf-8"))


def test_nothing_has_changed(file: Path, capsys: Capture) -> None:
    assert call_command("openapi", "--check", str(file)) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "No changes."


@pytest.mark.needs("items")
def test_a_breaking_change(file: Path, capsys: Capture) -> None:
    """The older document has a field more than the application answers now."""
    old = json.loads(file.read_text(encoding="utf-8"))
    schema = old["components"]["schemas"]["ItemRead"]
    schema["properties"]["colour"] = {"type": "string"}
    file.write_text(json.dumps(old), encoding="utf-8")
    assert call_command("openapi", "--check", str(file)) == 1
    out = capsys.readouterr().out
    assert ".colour is gone" in out
    assert json.loads(file.read_text(encoding="utf-8")) == old


@pytest.mark.needs("health")
def test_a_harmless_change(file: Path, capsys: Capture) -> None:
    old = json.loads(file.read_text(encoding="utf-8"))
    old["paths"].pop("/api/v1/health")
    file.write_text(json.dumps(old), encoding="utf-8")
    assert call_command("openapi", "--check", str(file)) == 0
    assert "No breaking changes" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "complaint"), [(None, "cannot be read"), ("{", "not JSON"), ("[]", "no paths")]
)
def test_files_that_are_none(tmp_path: Path, content: str | None, complaint: str) -> None:
    file = tmp_path / "openapi.json"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    with pytest.raises(CommandError, match=complaint):
        call_command("openapi", "--check", str(file))


def test_nothing_to_compare_with() -> None:
    with pytest.raises(CommandError, match="needs the file") as caught:
        call_command("openapi", "--check")
    assert caught.value.exit_code == 2
