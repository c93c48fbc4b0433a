"""What `doctor` says about what it has read."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loadtests.lab.machine import Readings, describe, examine, git_state
from loadtests.lab.result import Machine, Postgres
from project.settings import ROOT

FINE = Readings(
    machine=Machine(cores=8, cpu="a processor", memory=2**34, system="Linux", python="3.11.7"),
    host_cores=8,
    load=0.2,
    steal=0.0,
    files=65536,
    backlog=4096,
    ceiling=2500.0,
    postgres=Postgres(version="18.4", max_connections=100, reserved=3),
)


def test_a_good_machine_has_nothing_to_mend() -> None:
    assert [finding.subject for finding in examine(FINE) if finding.mend] == []


@pytest.mark.parametrize(
    ("changes", "subject", "mend"),
    [
        ({"machine": FINE.machine.model_copy(update={"cores": 2})}, "cores", "second machine"),
        ({"machine": FINE.machine.model_copy(update={"memory": 2**30})}, "memory", "WORKERS low"),
        ({"load": 5.0}, "load average", "end it"),
        ({"steal": 0.06}, "steal", "machine of your own"),
        ({"files": 1024}, "open files", "ulimit -n"),
        ({"backlog": 128}, "somaxconn", "sysctl -w"),
        ({"ceiling": 300.0}, "generator", "--processes 2"),
        ({"refusal": "ENVIRONMENT is production."}, "database", "production"),
        ({"problems": ["the database: refused"]}, "not measured", "refused"),
        (
            {"postgres": Postgres(version="18.4", max_connections=40, reserved=3)},
            "max_connections",
            "raise",
        ),
    ],
)
def test_a_warning_says_the_mend(changes: dict[str, Any], subject: str, mend: str) -> None:
    warnings = [finding for finding in examine(replace(FINE, **changes)) if finding.mend]
    assert [finding.subject for finding in warnings] == [subject]
    assert mend in warnings[0].mend


def test_what_the_system_does_not_tell_is_left_out() -> None:
    quiet = replace(FINE, steal=None, files=None, backlog=None, ceiling=None, postgres=None)
    assert [finding.subject for finding in examine(quiet)] == ["cores", "memory", "load average"]


def test_this_machine_is_described(tmp_path: Path) -> None:
    machine = describe()
    assert machine.cores >= 1
    assert machine.memory > 2**28
    assert git_state(tmp_path) is None
    found = git_state(ROOT)
    assert found is None or len(found.revision) == 40
