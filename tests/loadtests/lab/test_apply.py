"""Writing `deploy/capacity.toml`, and reading it where settings do."""

from pathlib import Path

import pytest

from loadtests.lab.cli import main
from loadtests.lab.commands.apply import render
from loadtests.lab.result import Capacity, ExitCode, Git, Recommendation, Result
from loadtests.lab.window import Config
from project import capacity
from project.db.migrations.history import head_revision
from project.errors import CommandError
from tests.loadtests.lab.test_result import a_result

Capture = pytest.CaptureFixture[str]


def a_sweep() -> Result:
    config = Config(workers=2, pool=12, variables=(("CPU_LANE_SIZE", "1"), ("LOG_LEVEL", "INFO")))
    found = Capacity(config=config, rate=312.04, low=290, high=330, journeys=100)
    recommendation = Recommendation(
        config=config, capacity=found, operating_rate=218.4, connections=28, replicas=3
    )
    git = Git(revision="0123abcd", is_dirty=True)
    return a_result().model_copy(update={"recommendation": recommendation, "git": git})


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "deploy" / "capacity.toml"
    monkeypatch.setattr(capacity, "FILE", path)
    return path


def test_settings_read_what_is_written(file: Path, tmp_path: Path, capsys: Capture) -> None:
    result = tmp_path / "sweep.json"
    a_sweep().write(result)
    assert main(["apply", str(result), "--dry-run"]) == ExitCode.PASS
    assert "+WORKERS = 2" in capsys.readouterr().out
    assert not file.exists()
    assert main(["apply", str(result)]) == ExitCode.PASS
    found = capacity.read_capacity()
    assert found is not None
    assert found.settings == {"WORKERS": 2, "DATABASE_POOL_SIZE": 12, "CPU_LANE_SIZE": 1}
    assert found.provenance.migration == head_revision()
    assert found.provenance.revision == "0123abcd and changes"
    assert (found.provenance.capacity, found.provenance.operating_rate) == (312.0, 218.4)
    capsys.readouterr()
    assert main(["apply", str(result)]) == ExitCode.PASS
    assert "says so already" in capsys.readouterr().out


def test_names_are_quoted(file: Path) -> None:
    result = a_sweep()
    result.machine = result.machine.model_copy(update={"cpu": 'a "fast"\\\x1b one'})
    file.parent.mkdir()
    file.write_text(render(result))
    found = capacity.read_capacity()
    assert found is not None
    assert 'a "fast"\\  one' in found.provenance.machine


def test_what_recommends_nothing_is_refused(file: Path) -> None:
    with pytest.raises(CommandError, match="x recommends nothing") as refusal:
        render(a_result())
    assert refusal.value.exit_code == 2
