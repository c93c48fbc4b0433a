"""The diagnosis, held against windows that plants left behind on a machine with two cores."""

from pathlib import Path

import pytest

from loadtests.lab.diagnosis import diagnose
from loadtests.lab.plants import PLANTS, Plant
from loadtests.lab.result import Cause, Machine
from loadtests.lab.window import DatabaseLoad, Lane, Window, Worker

RECORDED = Path(__file__).parent / "recorded"
MACHINE = Machine(cores=2, cpu="a processor", memory=2**32, system="Linux", python="3.11.7")


def recorded(name: str) -> Window:
    path = RECORDED / f"{name.replace(' ', '_').lower()}.json"
    return Window.model_validate_json(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.name)
def test_what_was_planted_is_found(plant: Plant) -> None:
    found = diagnose(recorded(plant.name), MACHINE)
    assert found.cause == plant.cause, found.evidence
    assert plant.names in found.summary
    assert all(any(letter.isdigit() for letter in line) for line in found.evidence)


@pytest.mark.parametrize(
    ("name", "knob"),
    [("small pool", "pool"), ("small lane", "CPU_LANE_SIZE"), ("Python", "workers")],
)
def test_the_knob_that_helps_is_named(name: str, knob: str) -> None:
    assert diagnose(recorded(name), MACHINE).knob == knob


@pytest.mark.parametrize("name", ["heavy SQL", "one row", "blocked loop", "documented session"])
def test_where_no_setting_helps_none_is_named(name: str) -> None:
    assert diagnose(recorded(name), MACHINE).knob == ""


def test_the_line_that_holds_the_loop_is_named() -> None:
    source = Path("loadtests/lab/plants/planted/routes.py").read_text(encoding="utf-8").splitlines()
    (number,) = [n for n, line in enumerate(source, 1) if "time.sleep(" in line]
    evidence = diagnose(recorded("blocked loop"), MACHINE).evidence
    assert f"loadtests/lab/plants/planted/routes.py:{number} block_the_loop" in evidence[0]


def test_a_busy_generator_says_nothing_about_the_server() -> None:
    window = recorded("small pool")
    window.generator.cpu = 0.97
    assert diagnose(window, MACHINE).cause == Cause.GENERATOR


def test_late_arrivals_at_a_full_server_are_the_servers() -> None:
    window = recorded("small pool")
    window.generator.lateness.add(0.5)
    assert diagnose(window, MACHINE).cause == Cause.POOL


def test_late_arrivals_at_an_idle_server_are_the_generators() -> None:
    window = recorded("healthy")
    window.generator.lateness.add(0.5)
    assert diagnose(window, MACHINE).cause == Cause.GENERATOR


def test_one_full_worker_of_two_does_not_make_a_full_server() -> None:
    window = recorded("small pool")
    window.workers.append(Worker(pid=1, lanes={"database": Lane(size=2)}))
    assert diagnose(window, MACHINE).cause == Cause.NONE


def test_a_database_that_waits_for_its_disk_is_the_limit() -> None:
    window = recorded("small pool")
    window.database = DatabaseLoad(connections=2, active=2, waiting={"IO: WalSync": 1.6})
    assert diagnose(window, MACHINE).cause == Cause.DATABASE


def test_where_every_core_computes_no_setting_helps() -> None:
    window = recorded("Python")
    first = window.workers[0]
    window.workers.append(first.model_copy(update={"pid": 2}))
    window.config = window.config.model_copy(update={"workers": 2})
    found = diagnose(window, MACHINE)
    assert (found.cause, found.knob) == (Cause.CPU, "")
