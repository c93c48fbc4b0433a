"""While long work runs, other threads get their turn sooner; afterwards as before."""

import sys
from threading import Event, Thread

import pytest

from project.switching import OFTEN, handing_over_often


def test_the_last_one_to_end_brings_the_usual_interval_back() -> None:
    before = sys.getswitchinterval()
    begun, over = Event(), Event()

    def work() -> None:
        with handing_over_often():
            begun.set()
            assert over.wait(10)

    thread = Thread(target=work)
    with handing_over_often():
        thread.start()
        assert begun.wait(10)
    assert abs(sys.getswitchinterval() - OFTEN) < 1e-6
    over.set()
    thread.join()
    assert abs(sys.getswitchinterval() - before) < 1e-6
    assert before > OFTEN


def test_a_failure_brings_it_back() -> None:
    before = sys.getswitchinterval()
    with pytest.raises(ValueError, match="wrong"), handing_over_often():
        raise ValueError("wrong")
    assert abs(sys.getswitchinterval() - before) < 1e-6
