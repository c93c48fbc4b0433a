"""The folder in which workers exchange what they have counted."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from project.errors import CommandError, ImproperlyConfigured
from project.metrics.families import LANE_SHED, LOOP_LAG, WORKERS
from project.metrics.readings import Readings
from project.metrics.slots import PREFIX, VARIABLE, Slot, shared_directory
from project.settings import ROOT

DYING = """
import os, signal, sys
from pathlib import Path
from project.metrics.families import LANE_SHED, WORKERS
from project.metrics.readings import Readings
from project.metrics.slots import Slot
slot, told = Slot(Path(sys.argv[1])), Readings()
told.add(slot.inherited)
told.set(WORKERS, 1)
told.values.setdefault("lane_shed", {}).setdefault(("cpu",), [0])[0] += 5
slot.publish(told)
os._exit(9)
"""


def told(shed: float) -> Readings:
    readings = Readings()
    readings.set(LANE_SHED, shed, "cpu")
    readings.set(WORKERS, 1)
    return readings


def test_workers_are_added_up(tmp_path: Path) -> None:
    one, other = Slot(tmp_path), Slot(tmp_path)
    one.publish(told(2))
    other.publish(told(3))
    for slot in (one, other):
        assert slot.read_all().values == {"lane_shed": {("cpu",): [5]}, "workers": {(): [2]}}
    one.close()
    other.close()


def test_killed_workers_leave_counters_and_no_further_files(tmp_path: Path) -> None:
    reader = Slot(tmp_path)
    for died in (1, 2, 3):
        subprocess.run([sys.executable, "-c", DYING, str(tmp_path)], cwd=ROOT, check=False)
        assert reader.read_all().values == {"lane_shed": {("cpu",): [5 * died]}}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.lock", "1.json", "1.lock"]
    reader.close()


def test_a_torn_slot_counts_for_nothing(tmp_path: Path) -> None:
    """A machine that lost its power may leave an empty file; no worker must fail to start by it."""
    (tmp_path / "0.json").touch()
    slot = Slot(tmp_path)
    assert slot.read_all().values == {}
    slot.publish(told(2))
    assert slot.read_all().values["lane_shed"] == {("cpu",): [2]}
    slot.close()


def test_histogram_of_other_buckets_begins_anew() -> None:
    old, new = Readings(), Readings()
    old.values[LOOP_LAG.name] = {(): [1, 2, 3]}
    new.values[LOOP_LAG.name] = {(): [1, 2]}
    old.add(new)
    assert old.values[LOOP_LAG.name] == {(): [1, 2]}


def test_folder_of_a_server_is_gone_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.delenv(VARIABLE, raising=False)
    with shared_directory(None):
        directory = Path(os.environ[VARIABLE])
        Slot(directory).close()
        assert directory.parent == tmp_path
    assert list(tmp_path.iterdir()) == []
    assert VARIABLE not in os.environ


def test_folder_of_a_killed_server_is_removed_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    left, living = tmp_path / f"{PREFIX}left", tmp_path / f"{PREFIX}living"
    Slot(left).close()
    slot = Slot(living)
    for directory in (left, living):
        os.utime(directory, (0, 0))
    with shared_directory(None):
        assert (left.exists(), living.exists()) == (False, True)
    slot.close()


def test_folder_that_is_none_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ImproperlyConfigured, match=f"{VARIABLE}=.*is no folder to write to"):
        Slot(tmp_path / "file")


def test_configured_folder_stays(tmp_path: Path) -> None:
    with shared_directory(tmp_path):
        assert VARIABLE not in os.environ
    assert tmp_path.exists()


def test_no_folder_to_be_had(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    message = f"No such file or directory; set {VARIABLE}"
    with pytest.raises(CommandError, match=message), shared_directory(None):
        pass
