import threading
from argparse import Namespace

import pytest

from loadtests.lab.commands import worker
from loadtests.lab.generator.driver import drive
from loadtests.lab.generator.plan import Plan, Segment
from project.errors import CommandError
from tests.loadtests.lab.generator.conftest import ORACLE, oracle_at
from tests.processes import free_port

pytestmark = pytest.mark.loadtest


def test_worker_bears_a_measurement_and_ends(capsys: pytest.CaptureFixture[str]) -> None:
    port = free_port()
    codes: list[int] = []
    wanted = Namespace(master="127.0.0.1", port=port, once=True)
    helper = threading.Thread(target=lambda: codes.append(worker.handle(wanted)))
    with oracle_at("127.0.0.1") as oracle:
        helper.start()
        segment = Segment("open", oracle.host, "open", 1, rate=40)
        plan = Plan((segment,), scenarios=(f"{ORACLE}:Refused",))
        (tally,) = drive(plan, workers_expected=1, port=port)
        helper.join()
        assert oracle.counts()["/refuse"] == sum(each.offered for each in tally.timeline) > 20
    assert codes == [0]
    assert capsys.readouterr().out == f"Waiting for 127.0.0.1:{port}; Ctrl-C ends it.\n"


def test_master_learns_what_a_worker_cannot_do() -> None:
    port = free_port()
    wanted = Namespace(master="127.0.0.1", port=port, once=True)
    helper = threading.Thread(target=worker.handle, args=(wanted,))
    helper.start()
    segment = Segment("open", "http://127.0.0.1:9", "open", 1, rate=40)
    with pytest.raises(CommandError, match=r"A worker: There is no scenario .*:Nobody"):
        drive(Plan((segment,), scenarios=(f"{ORACLE}:Nobody",)), workers_expected=1, port=port)
    helper.join()
