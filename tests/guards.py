"""What a test may not do, whatever it asserts."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from project.web.loop_guard import recorded_blocks


@contextmanager
def free_loop() -> Iterator[None]:
    """Fail if the event loop is blocked meanwhile, and say where."""
    with recorded_blocks() as blocks:
        yield
    if blocks:
        pytest.fail("\n".join(map(str, blocks)), pytrace=False)
