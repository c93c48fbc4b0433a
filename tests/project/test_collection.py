"""A process that is about to end looks for no garbage; one that goes on does, as it always did."""

from __future__ import annotations

import gc
import subprocess
import sys

from project.collection import sparing_the_old
from project.management import main
from tests.project.management.conftest import ROOT

PROGRAM = (
    "import gc, sys; from project.management import main; "
    "sys.argv = ['manage.py', 'nonsense']; main(); print(len(gc.get_objects()))"
)


def test_the_process_of_a_command_leaves_nothing_to_look_through() -> None:
    finished = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert int(finished.stdout) < 100


def test_a_process_that_goes_on_collects_as_before() -> None:
    before = gc.get_threshold(), gc.get_freeze_count()
    main(["nonsense"])
    assert (gc.get_threshold(), gc.get_freeze_count()) == before


def test_old_objects_are_spared_until_the_last_one_is_done() -> None:
    before = gc.get_threshold()
    with sparing_the_old():
        with sparing_the_old():
            pass
        assert gc.get_threshold()[:2] == before[:2]
        assert gc.get_threshold()[2] > 1000
    assert gc.get_threshold() == before
