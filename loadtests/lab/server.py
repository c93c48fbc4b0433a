"""The real server in a configuration, as a deployment starts it, and what can be seen of it.

It gets a cleaned environment that is production's where that costs something: a line of JSON in the
log for each request, throttling that counts and lets everything pass, a heartbeat, no loop guard.
Only ENVIRONMENT is `test`, because production speaks HTTPS alone. Mail is thrown away.
"""

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil
from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError

from loadtests.lab import activity, processes
from loadtests.lab.activity import Activity
from loadtests.lab.probe import channel
from loadtests.lab.processes import Processes, Sampler
from loadtests.lab.readings import Readings
from loadtests.lab.window import Config, DatabaseLoad, Worker
from project.errors import CommandError
from project.settings import ROOT

PROBE = Path(__file__).parent / "probe"
PACKAGE = "laboratory_probe"
"""Under this name the probe stands beside any revision's own packages."""

START = 120.0
"""Seconds that a server may take until it is ready; reading may lag behind by `BEHIND`."""

STOP = 20.0
BEHIND = 2.0
POLL = 0.05
TAIL = 15
LARGEST_LOG = 64 * 2**20

SECRET_KEY = secrets.token_urlsafe(48)
"""One for all servers of this process, so that a token of one is good for the others."""

PLENTY = "1000000/hour"
SCOPES = ("registration", "account-mail", "password", "api-keys")
SETTINGS: Mapping[str, str] = {
    "ENVIRONMENT": "test",
    "SECRET_KEY": SECRET_KEY,
    "LOG_LEVEL": "INFO",
    "LOG_FORMAT": "json",
    "LOOP_GUARD": "false",
    "SERVER_TIMING": "false",
    "MAIL_URL": "memory:",
    "MONITORING_HEARTBEAT": "5",
    "SHUTDOWN_TIMEOUT": "5",
    "THROTTLING_ENABLED": "true",
    "THROTTLING_RATES": ",".join(f"{scope}={PLENTY}" for scope in SCOPES),
    "THROTTLING_SIGN_IN_PAIR": PLENTY,
    "THROTTLING_SIGN_IN_ADDRESS": PLENTY,
    "THROTTLING_SIGN_IN_ACCOUNT": PLENTY,
    "THROTTLING_SIGN_IN_GLOBAL": PLENTY,
    "THROTTLING_SIGN_IN_RIGHT": PLENTY,
}
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "TZ")
"""What a process needs of the environment around it; a developer's settings have no say."""


class NotStarted(CommandError):
    """The server did not become ready; the message ends with what it wrote last."""


class Server:
    """A server that runs, and what was seen of it since it was started."""

    def __init__(
        self, process: "subprocess.Popen[bytes]", folder: Path, config: Config, url: URL
    ) -> None:
        self.config = config
        self.host = ""
        self.process = process
        self.folder = folder
        self._readings: dict[Path, Readings] = {}
        self._processes = Processes(self.pids)
        self._activity = Activity(url)

    @property
    def log(self) -> Path:
        """What it writes to standard output and standard error."""
        return self.folder / "server.log"

    def pids(self) -> list[int]:
        """Return the workers that have announced themselves, the dead included."""
        return [int(path.stem) for path in sorted(self.folder.glob("*.jsonl"))]

    def restarts(self) -> int:
        """How many workers more than configured were started: each took the place of a dead one."""
        return max(0, len(self.pids()) - self.config.workers)

    def workers(self, begin: float, end: float) -> list[Worker]:
        """Return what each worker that lived in the span did; waits for the last readings."""
        system = self._processes
        self._read_until(end)
        return [
            readings.worker(begin, end).model_copy(
                update={
                    "cpu": system.cpu(readings.pid, begin, end),
                    "core_wait": system.core_wait(readings.pid, begin, end),
                    "memory": system.memory(readings.pid, begin, end),
                }
            )
            for readings in self._readings.values()
            if system.is_known(readings.pid, begin, end)
        ]

    def queries(self, begin: float, end: float) -> dict[str, float]:
        """By route, `GET /api/v1/items/{item_id}`: SQL statements a request, on average."""
        self._read_until(end)
        sums: dict[str, tuple[int, int]] = {}
        for readings in self._readings.values():
            for route, (requests, statements) in readings.queries(begin, end).items():
                known = sums.get(route, (0, 0))
                sums[route] = (known[0] + requests, known[1] + statements)
        return {route: statements / requests for route, (requests, statements) in sums.items()}

    def database(self, begin: float, end: float) -> DatabaseLoad:
        """Return what the database did meanwhile."""
        return self._activity.load(begin, end)

    def steal(self, begin: float, end: float) -> float:
        """Share of the machine's time that its host gave to others."""
        return self._processes.steal(begin, end)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Look at it from outside meanwhile."""
        with ExitStack() as open_:
            open_.callback(self._activity.close)
            open_.enter_context(Sampler(self._look, processes.EVERY))
            open_.enter_context(Sampler(self._ask, activity.EVERY))
            yield

    def wait_until_ready(self, path: str) -> None:
        """Return once every worker is ready and the path is answered. Raises NotStarted."""
        deadline = time.monotonic() + START
        while not self._is_ready(path):
            if self.process.poll() is not None:
                raise NotStarted(f"The server ended with {self.process.returncode}: {self.tail()}")
            if time.monotonic() > deadline:
                raise NotStarted(f"The server was not ready within {START:g} s: {self.tail()}")
            time.sleep(POLL)

    def tail(self) -> str:
        """Return the last lines that it wrote, or that there are none."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(["", *lines[-TAIL:]]) if lines else "it wrote nothing."

    def _is_ready(self, path: str) -> bool:
        with suppress(OSError, ValueError):
            self.host = f"http://127.0.0.1:{int((self.folder / 'port').read_text())}"
        self._refresh()
        ready = sum(readings.is_ready for readings in self._readings.values())
        return bool(self.host) and ready >= self.config.workers and _answers(self.host + path)

    def _refresh(self) -> None:
        for path in sorted(self.folder.glob("*.jsonl")):
            self._readings.setdefault(path, Readings(path)).refresh()

    def _read_until(self, moment: float) -> None:
        """Read on until every probe that is alive has written about this moment."""
        deadline = time.monotonic() + BEHIND
        self._refresh()
        while any(self._is_behind(r, moment) for r in self._readings.values()):
            if time.monotonic() > deadline:
                return
            time.sleep(POLL)
            self._refresh()

    def _is_behind(self, readings: Readings, moment: float) -> bool:
        return 0 < readings.last < moment and psutil.pid_exists(readings.pid)

    def _look(self) -> None:
        self._processes.take()
        if self.log.stat().st_size > LARGEST_LOG:
            os.truncate(self.log, 0)  # it is opened for appending, so the next line comes first

    def _ask(self) -> None:
        with suppress(DBAPIError):  # a database that is away is seen by the requests that fail
            self._activity.take()


@contextmanager
def serving(
    config: Config,
    url: URL,
    *,
    is_probed: bool = True,
    root: Path = ROOT,
    python: str = sys.executable,
    application: str = "",
    path: str = "/health/ready",
) -> Iterator[Server]:
    """Serve from the tree at `root` until the block is left; no process of it stays behind.

    `python` has the libraries of that tree; `application` (`module:name`) takes the place of the
    project's own; `path` answers when it is ready. Raises NotStarted.
    """
    with ExitStack() as open_:
        folder = Path(open_.enter_context(tempfile.TemporaryDirectory(prefix="lintel-loadtest-")))
        shutil.copytree(PROBE, folder / PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))
        environment = environment_for(config, url, folder)
        environment[channel.IS_PROBED] = str(int(is_probed))
        environment[channel.APPLICATION] = application
        process = _start([python, "-m", PACKAGE, str(config.workers)], folder, root, environment)
        open_.callback(_end, process)
        server = Server(process, folder, config, url)
        server.wait_until_ready(path)
        open_.enter_context(server.watched())
        yield server


def environment_for(config: Config, url: URL, folder: Path) -> dict[str, str]:
    """Return the variables of a server's processes: cleaned, and the configuration's own last."""
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return {
        **inherited,
        **SETTINGS,
        "DATABASE_URL": url.render_as_string(hide_password=False),
        "DATABASE_DIRECT_URL": "",
        "DATABASE_REPLICA_URL": "",
        "DATABASE_POOL_SIZE": str(config.pool),
        "MEDIA_DIRECTORY": str(folder / "media"),
        "WORKERS": str(config.workers),
        "PYTHONPATH": str(folder),
        "PYTHONDONTWRITEBYTECODE": "1",
        channel.FOLDER: str(folder),
        **dict(config.variables),
    }


def _start(
    words: Sequence[str], folder: Path, root: Path, environment: Mapping[str, str]
) -> "subprocess.Popen[bytes]":
    with (folder / "server.log").open("ab") as log:
        return subprocess.Popen(
            words,
            cwd=root,
            env=dict(environment),
            stdin=subprocess.PIPE,  # closes when this process ends, and with it the server
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C is for the laboratory, which then ends the server
        )


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Let it finish in peace, and whatever of it does not do so, not."""
    family = _family(process.pid)
    process.terminate()
    _, alive = psutil.wait_procs(family, timeout=STOP)
    for left in alive:
        with suppress(psutil.NoSuchProcess):
            left.kill()
    process.wait()
    if process.stdin is not None:
        process.stdin.close()


def _family(pid: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=1):  # noqa: S310 - our own server
            return True
    except urllib.error.HTTPError as error:
        error.close()
        return False
    except OSError:
        return False
