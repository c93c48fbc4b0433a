"""Names whatever blocks the event loop: every other request of the worker waits for it.

One thread per process asks the loop for a sign of life (`call_soon_threadsafe`) and, while
the loop is late, looks at what its thread is doing (`sys._current_frames`). A late answer alone
proves nothing on a loaded machine, so a block is reported only if one and the same call of a
function was seen at work for most of the threshold, by one of two measures:

- the loop's thread used the CPU for that long (its own clock, which stands still while the
  process is suspended, or waits for a core or for the interpreter's lock), or
- the guard, awake on time, saw it there look after look. Looks that came late do not count: then
  the whole process had been stopped, or other threads had the lock. Nor does the time that the
  loop's thread spent waiting for a core, where the system tells (Linux).

Loading a template, importing a module and starting a thread happen once and are excused, and
so is garbage collection, which strikes whoever allocates next.

So a laptop that slept, a debugger and threads that burn CPU are no blocks, and many short
callbacks, none of which is to blame, are none either. What lasts twice as long as the threshold
is seen; except that a single call into C which never lets go of the interpreter's lock allows
one look, right after it, which can come too late on a loaded machine.
"""

import asyncio
import gc
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from time import perf_counter, thread_time
from types import FrameType

from loguru import logger

from project.settings import ROOT, Settings

HOME = f"{ROOT}{os.sep}"
LIBRARIES = (f"{HOME}.venv", "site-packages")
DEBUGGERS = ("bdb.py", "pdb.py")
ONCE = (
    ("loaders.py", "load"),  # Jinja2: reads the file and compiles it
    ("environment.py", "compile"),  # of a text
    ("<frozen importlib._bootstrap>", "_find_and_load"),
    ("threading.py", "start"),
)
MACHINERY = ("base_events.py", "events.py", "selectors.py", "windows_events.py")

LOOKS = 8  # in the time of one threshold
PINGS = 1  # in that time as well: each costs two changes of threads
CERTAINTY = 0.75  # of the threshold that has to be accounted for
ENOUGH_LOOKS = 3
STUCK = 5.0  # seconds after which a block is reported although it has not ended
STACK_DEPTH = 8


@dataclass(frozen=True)
class Block:
    """One block: how long (seconds), where, and the innermost calls, outermost first."""

    seconds: float
    place: str
    stack: tuple[str, ...]

    def __str__(self) -> str:
        """Say the place once: before it stands who called it, behind it what it called."""
        at = self.stack.index(self.place) if self.place in self.stack else len(self.stack)
        lines = [
            f"The event loop was blocked for {self.seconds:.2f} s at {self.place}",
            *(f"    which called {call}" for call in self.stack[at + 1 :]),
            *(f"    called by {call}" for call in reversed(self.stack[:at])),
        ]
        return "\n".join(lines)


_looking = threading.Lock()
_recorders: list[list[Block]] = []


@contextmanager
def recorded_blocks() -> Iterator[list[Block]]:
    """Collect what the guards of this process report meanwhile; for tests."""
    blocks: list[Block] = []
    _recorders.append(blocks)
    try:
        yield blocks
    finally:
        _recorders.remove(blocks)


def guarded(settings: Settings) -> AbstractContextManager[None]:
    """Watch the running loop meanwhile, if the settings want it."""
    if not settings.has_loop_guard:
        return nullcontext()
    return LoopGuard(settings.server.loop_guard_threshold).watching()


def frames_of(thread: int) -> list[FrameType]:
    """Return the calls that a thread executes now, innermost first; none if it has ended.

    Python 3.11 makes the frame objects under the lock of all its threads: a garbage collection
    that strikes there waits for ever, and the process with it
    (https://github.com/python/cpython/issues/106883). From 3.12 on none can. The way outward makes
    frame objects as well, and Python 3.11 has crashed on it: so none strikes there either.
    """
    if sys.version_info >= (3, 12):
        return list(_outward(sys._current_frames().get(thread)))  # noqa: SLF001 - documented
    with _looking:
        collects = gc.isenabled()
        gc.disable()
        try:
            return list(_outward(sys._current_frames().get(thread)))  # noqa: SLF001 - documented
        finally:
            if collects:
                gc.enable()


class LoopGuard:
    """Watches one event loop; `threshold` is in seconds."""

    def __init__(self, threshold: float) -> None:
        self.threshold = threshold
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to watch the running loop; called on it."""
        loop, thread = asyncio.get_running_loop(), threading.get_native_id()
        self._stopped.clear()
        watch = _Watch(loop, threading.get_ident(), thread, self.threshold, self._stopped)
        self._thread = threading.Thread(target=watch.run, name="loop-guard", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the watch; what was seen is reported when this returns."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch the running loop meanwhile."""
        self.start()
        try:
            yield
        finally:
            self.stop()


class _Watch:
    """What the guard's thread does."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        thread: int,
        native_thread: int,
        threshold: float,
        stopped: threading.Event,
    ) -> None:
        self._loop = loop
        self._thread = thread
        self._run_delay = _RunDelay(native_thread)
        self._threshold = threshold
        self._stopped = stopped
        self._answered = threading.Event()
        self._runner: FrameType | None = None
        self._cpu = 0.0
        self._collected = self._collecting_since = 0.0
        self._excused = self._run_delay.seconds()

    def run(self) -> None:
        gc.callbacks.append(self._note_collection)
        try:
            self._ask_until_stopped()
        except RuntimeError:
            pass  # the loop is closed
        finally:
            gc.callbacks.remove(self._note_collection)
            self._run_delay.close()

    def _ask_until_stopped(self) -> None:
        due = perf_counter()
        while not self._stopped.is_set():
            self._observe(due)
            self._excused = self._excusable_seconds()
            due = perf_counter() + self._threshold / PINGS
            self._stopped.wait(self._threshold / PINGS)

    def _excusable_seconds(self) -> float:
        """How long the loop's thread has waited for a core and collected garbage so far."""
        return self._run_delay.seconds() + self._collected

    def _note_collection(self, phase: str, _: dict[str, int]) -> None:
        """Measure collections: they happen wherever the last straw was allocated."""
        if threading.get_ident() != self._thread:
            return
        if phase == "start":
            self._collecting_since = perf_counter()
        else:
            self._collected += perf_counter() - self._collecting_since

    def _answer(self) -> None:
        """The sign of life; runs on the loop."""
        self._cpu = thread_time()
        # The call that runs the loop; what is further in belongs to a callback.
        outward = _outward(sys._getframe(1))  # noqa: SLF001 - its documented name
        self._runner = next(
            (frame for frame in outward if frame.f_code.co_name not in {"_run", "_run_once"}), None
        )
        self._answered.set()

    def _observe(self, due: float) -> None:
        """Ask for a sign of life, which was due then, and look at the loop until it comes."""
        evidence = _Evidence(due, self._threshold / LOOKS)
        cpu, is_reported = self._cpu, False
        # A call that holds the interpreter's lock keeps the guard from asking, or inside it.
        self._look(evidence)
        self._answered.clear()
        self._loop.call_soon_threadsafe(self._answer)
        self._look(evidence)
        while not self._answered.wait(evidence.look) and not self._stopped.is_set():
            self._look(evidence)
            if not is_reported and evidence.seen - due > STUCK:
                is_reported = self._judge(evidence, evidence.seen - due, 0.0)
        if not is_reported and evidence.looks:
            used = self._cpu - cpu if cpu else 0.0  # the first answer has nothing to compare with
            self._judge(evidence, perf_counter() - due, used)

    def _look(self, evidence: "_Evidence") -> None:
        now = perf_counter()
        if now - evidence.seen >= evidence.look:
            evidence.add(self._callback_frames(), now)

    def _callback_frames(self) -> list[FrameType]:
        """Return the calls of the callback that runs now, innermost first; none if idle."""
        frames = frames_of(self._thread)
        if self._runner not in frames:
            return []  # the loop itself does not run now
        del frames[frames.index(self._runner) :]
        while frames and _name(frames[-1]).endswith(MACHINERY):
            frames.pop()
        return frames

    def _judge(self, evidence: "_Evidence", lateness: float, cpu: float) -> bool:
        if lateness < self._threshold:
            return False
        excused = self._excusable_seconds() - self._excused
        block = evidence.convict(lateness, cpu, excused, self._threshold * CERTAINTY)
        if block is None:
            return False
        for recorder in _recorders:
            recorder.append(block)
        logger.bind(logger="loop_guard", place=block.place).warning("{}", block)
        return True


class _Evidence:
    """What was seen while one answer was late."""

    def __init__(self, due: float, look: float) -> None:
        self.looks = 0
        self.look = look
        self.seen = due
        # The frames are kept until the answer: a new one cannot get the identity of an old one.
        self._calls: dict[FrameType, _Call] = {}

    def add(self, frames: list[FrameType], now: float) -> None:
        """Take down what was seen now."""
        is_on_time = now - self.seen < 2 * self.look
        self.seen = now
        self.looks += 1
        if not frames or any(map(_is_excused, frames)):
            return
        culprit = next(filter(_is_ours, frames), frames[0])
        call = self._calls.setdefault(culprit, _Call())
        call.looks += 1
        call.seconds += self.look if is_on_time else 0.0
        call.sight(culprit, frames)

    def convict(self, lateness: float, cpu: float, excused: float, needed: float) -> Block | None:
        """Return the block if one call is to blame for it.

        `cpu` is what the loop's thread has used; `excused` is not to be held against any call.
        """
        if not self._calls or lateness - excused < needed:
            return None
        call = max(self._calls.values(), key=lambda call: call.looks)
        # After a look or two only a thread that was at work all the time can be held to it.
        is_certain = call.looks >= ENOUGH_LOOKS or cpu + excused >= lateness * CERTAINTY
        computed = cpu if is_certain else 0.0
        if call.looks * 2 <= self.looks or max(call.seconds - excused, computed) < needed:
            return None
        place = max(call.places, key=lambda place: call.places[place][0])
        return Block(lateness, place, call.places[place][1])


class _Call:
    """One call of a function, as often as it was seen, and at which lines."""

    def __init__(self) -> None:
        self.looks = 0
        self.seconds = 0.0
        self.places: dict[str, tuple[int, tuple[str, ...]]] = {}

    def sight(self, culprit: FrameType, frames: list[FrameType]) -> None:
        place = _describe(culprit)
        count, stack = self.places.get(place, (0, ()))
        if not count:
            stack = tuple(_describe(frame) for frame in reversed(frames[:STACK_DEPTH]))
        self.places[place] = (count + 1, stack)


class _RunDelay:
    """How long a thread has waited for a core, where the system tells; 0 elsewhere."""

    def __init__(self, native_thread: int) -> None:
        try:
            self._file = os.open(f"/proc/self/task/{native_thread}/schedstat", os.O_RDONLY)
        except OSError:
            self._file = -1

    def seconds(self) -> float:
        try:  # kept open, a read costs a tenth
            return int(os.pread(self._file, 100, 0).split()[1]) / 1e9
        except (AttributeError, OSError, IndexError, ValueError):
            return 0.0  # AttributeError: Windows has no pread

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def _outward(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _name(frame: FrameType) -> str:
    return frame.f_code.co_filename


def _is_excused(frame: FrameType) -> bool:
    name, function = _name(frame), frame.f_code.co_name
    return name.endswith(DEBUGGERS) or any(
        name.endswith(file) and function == once for file, once in ONCE
    )


def _is_ours(frame: FrameType) -> bool:
    """Whether it is the project's own code, not a library's."""
    name = _name(frame)
    return name.startswith(HOME) and not any(part in name for part in LIBRARIES)


def _describe(frame: FrameType) -> str:
    name = _name(frame).removeprefix(HOME).rpartition("site-packages")[2].lstrip("/\\")
    return f"{name}:{frame.f_lineno} in {frame.f_code.co_name}"
