"""A worker on another machine: in a network namespace of its own, behind a cable of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from loadtests.hosts import VARIABLE
from loadtests.lab.generator.driver import drive
from loadtests.lab.generator.plan import Plan, Segment
from project.settings import ROOT
from tests.loadtests.lab.generator.conftest import ORACLE, oracle_at
from tests.processes import free_port

CAN_WIRE = sys.platform == "linux" and hasattr(os, "geteuid") and os.geteuid() == 0
WORKER = """
from loadtests.lab.generator.driver import bear
bear("{master}", {port})
"""


class Cable(NamedTuple):
    """Two machines, one of them this, and the addresses of both ends."""

    namespace: str
    here: str
    there: str


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@pytest.fixture
def cable() -> Iterator[Cable]:
    number = os.getpid() % 250 + 1
    name, here, there = f"lab{os.getpid()}", f"10.213.{number}.1", f"10.213.{number}.2"
    ip("netns", "add", name)
    try:
        ip("link", "add", f"{name}a", "type", "veth", "peer", "name", f"{name}b", "netns", name)
        ip("address", "add", f"{here}/30", "dev", f"{name}a")
        ip("link", "set", f"{name}a", "up")
        ip("-n", name, "address", "add", f"{there}/30", "dev", f"{name}b")
        ip("-n", name, "link", "set", f"{name}b", "up")
        yield Cable(name, here, there)
    finally:
        ip("netns", "delete", name)  # and both ends of the cable with it


@pytest.mark.loadtest
@pytest.mark.skipif(not CAN_WIRE, reason="platform: only Linux's root can lay a cable")
def test_a_worker_on_another_machine_bears_its_part(
    cable: Cable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, cable.here)
    port = free_port()
    code = WORKER.format(master=cable.here, port=port)
    words = ["ip", "netns", "exec", cable.namespace, sys.executable, "-c", code]
    with oracle_at(cable.here) as oracle, subprocess.Popen(words, cwd=ROOT) as worker:
        segment = Segment("open", oracle.host, "open", 2, rate=50)
        plan = Plan((segment, segment), scenarios=(f"{ORACLE}:Refused",))
        tallies = drive(plan, workers_expected=1, bind=cable.here, port=port)
        assert worker.wait(30) == 0
        counted = sum(r.ok.count + r.failed.count for tally in tallies for r in tally.routes)
        assert counted == oracle.counts()["/refuse"] > 100
