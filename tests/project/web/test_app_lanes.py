"""The process's lanes, and those that apps declare."""

import os
import sys
import threading
from pathlib import Path

import pytest

from project.apps import Registry
from project.errors import AppError
from project.settings import INSTALLED_APPS, Settings
from project.web.lanes import NICENESS, Lanes, available_cores, build_lanes

DECLARES = """
from project.web.lanes import Lane

def lanes(settings):
    return (Lane("{name}", size=3, queue_size=1, queue_timeout=1.0),)
"""


def lanes_of(folder: Path, settings: Settings, label: str, source: str) -> Lanes:
    """Build the lanes of an app that has this in its lanes.py."""
    (folder / label).mkdir()
    (folder / label / "__init__.py").touch()
    manifest = f"from project.apps import AppConfig\napp = AppConfig(label={label!r})\n"
    (folder / label / "app.py").write_text(manifest)
    (folder / label / "lanes.py").write_text(source)
    return build_lanes(settings, Registry.load([label]))


@pytest.fixture
def importable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    return tmp_path


def test_an_app_declares_a_lane(importable: Path, settings: Settings) -> None:
    lanes = lanes_of(importable, settings, "lanes_good", DECLARES.format(name="reports"))
    assert [lane.name for lane in lanes] == ["database", "cpu", "hash", "probe", "reports"]
    assert lanes["reports"].size == 3


def test_names_are_unique(importable: Path, settings: Settings) -> None:
    with pytest.raises(AppError, match=r"'lanes_twice': there is a lane called 'cpu' already"):
        lanes_of(importable, settings, "lanes_twice", DECLARES.format(name="cpu"))


@pytest.mark.parametrize(
    ("label", "source"),
    [
        ("lanes_none", "LANES = ()"),
        ("lanes_list", "def lanes(settings): return []"),
        ("lanes_other", "def lanes(settings): return ('reports',)"),
    ],
)
def test_mistakes_are_one_line(
    importable: Path, settings: Settings, label: str, source: str
) -> None:
    with pytest.raises(AppError, match=r"lanes.py must define `lanes\(settings\)`"):
        lanes_of(importable, settings, label, source)


def test_cpu_lane_has_the_cores_of_this_process(settings: Settings) -> None:
    lanes = build_lanes(settings, Registry.load(INSTALLED_APPS))
    assert lanes.cpu.size == available_cores()
    assert 1 <= available_cores() <= (os.cpu_count() or 1)


@pytest.mark.parametrize(
    ("limit", "cores"),
    [("50000 100000", 1), ("100000 100000", 1), ("max 100000", None), ("", None)],
)
def test_cores_of_a_container(tmp_path: Path, limit: str, cores: int | None) -> None:
    share = tmp_path / "cpu.max"
    share.write_text(f"{limit}\n")
    everything = available_cores(tmp_path / "none")
    assert available_cores(share) == (cores or everything)


@pytest.mark.anyio
@pytest.mark.skipif(sys.platform != "linux", reason="the platform has no niceness of threads")
async def test_cpu_lane_gives_way(settings: Settings) -> None:
    def niceness() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    before = niceness()
    lanes = build_lanes(settings, Registry.load(INSTALLED_APPS))
    assert await lanes.cpu.run(niceness) == NICENESS
    assert [await lanes.database.run(niceness), niceness()] == [before, before]
    lanes.close()


def test_cpu_lane_of_another_size(settings: Settings) -> None:
    changed = settings.lanes.model_copy(update={"cpu_lane_size": 7, "cpu_queue_size": 3})
    changed_settings = settings.model_copy(update={"lanes": changed})
    lanes = build_lanes(changed_settings, Registry.load(INSTALLED_APPS))
    assert (lanes.cpu.size, lanes.cpu.queue_size) == (7, 3)
