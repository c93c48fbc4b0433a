"""Walks through the segments of a plan: by itself, or as Locust's master with its workers.

Between a master and its workers go a few messages of ours (`here`, `plan`, `ready`, `segment`);
what the workers counted rides in the reports that Locust's workers send anyway.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import gevent
from gevent.event import Event
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from loadtests.account import Account
from loadtests.hosts import refusal
from loadtests.lab.generator.arrivals import Load, Part, open_accounts
from loadtests.lab.generator.mix import mix_of
from loadtests.lab.generator.plan import Plan
from loadtests.lab.generator.tally import Share, Tally, add_up
from project.errors import ProjectError

LEAD = 0.3
"""Seconds between the word to begin and the begin, so that all processes begin together."""

COMING = 60.0
"""Seconds that workers have to come, and then to get ready."""

REPORTING = 15.0
"""Seconds after the drain that workers have to report."""

REPORT = "lintel"
"""Under which name a worker's counts are in Locust's report."""


class GeneratorFailed(ProjectError):
    """The load cannot be made; the message says why."""


class Crew(Protocol):
    """Whoever bears the load: this process, or workers."""

    def prepare(self, plan: Plan) -> None: ...

    def begin(self, place: int) -> Callable[[], list[Share]]: ...


def conduct(plan: Plan, crew: Crew, tell: Callable[[dict[str, Any]], None]) -> Iterator[Tally]:
    """Walk through the plan. Yields a tally for each measured segment."""
    crew.prepare(plan)
    for place, segment in enumerate(plan.segments):
        wait = crew.begin(place)
        began = time.time()
        tell({"begins": place})
        shares = wait()
        if segment.is_measured:
            yield add_up(segment, began, shares)


class Alone:
    """This process bears the load; also what every worker does with its part of it."""

    def __init__(self, part: Part | None = None) -> None:
        self._part = part or Part()
        self._accounts: dict[str, list[Account]] = {}

    def prepare(self, plan: Plan) -> None:
        """Find the scenarios, and open accounts where a journey wants one."""
        for reason in filter(None, map(refusal, plan.hosts)):
            raise GeneratorFailed(reason)
        self._plan, self._mix = plan, mix_of(plan.scenarios)
        needs_accounts = any(entry.journey.is_signed_in for entry in self._mix)
        for host in plan.hosts:
            opened = open_accounts(plan, host, self._part) if needs_accounts else [Account()]
            self._accounts[host] = opened

    def begin(self, place: int) -> Callable[[], list[Share]]:
        """Return what bears the load of a segment."""
        accounts = self._accounts[self._plan.segments[place].host]
        load = Load(self._plan, place, self._part, self._mix, accounts)
        return lambda: [load.run()]


class Workers:
    """Workers of Locust bear the load; this process is their master."""

    def __init__(self, environment: Environment, runner: MasterRunner, number: int) -> None:
        self._runner, self._number = runner, number
        self._here: list[str] = []
        self._ready = 0
        self._troubles: list[str] = []
        self._shares: list[Share] = []
        self._news = Event()
        environment.events.worker_report.add_listener(self._take_report)  # type: ignore[no-untyped-call]
        runner.register_message("here", self._note_here)
        runner.register_message("ready", self._note_ready)
        runner.register_message("trouble", self._note_trouble)

    def prepare(self, plan: Plan) -> None:
        """Wait for the workers, and tell each its part."""
        self._plan = plan
        came = f"{self._number} workers were expected to come"
        self._wait(lambda: len(self._here) >= self._number, COMING, came)
        for index, worker in enumerate(self._here[: self._number]):
            part = {"plan": plan.dump(), "index": index, "processes": self._number}
            self._runner.send_message("plan", part, client_id=worker)
        self._wait(lambda: self._ready >= self._number, COMING, "workers got not ready")

    def begin(self, place: int) -> Callable[[], list[Share]]:
        """Tell all workers to begin, and return what waits for their reports."""
        self._shares = []
        self._runner.send_message("segment", {"place": place})
        gevent.sleep(LEAD)
        limit = self._plan.segments[place].seconds + self._plan.drain + REPORTING

        def wait() -> list[Share]:
            self._wait(self._is_complete, limit, "not all workers reported")
            return self._shares

        return wait

    def _is_complete(self) -> bool:
        return len(self._shares) >= self._number

    def _wait(self, is_done: Callable[[], bool], seconds: float, what: str) -> None:
        deadline = time.monotonic() + seconds
        while not is_done():
            if self._troubles:
                raise GeneratorFailed(self._troubles[0])
            if time.monotonic() > deadline:
                raise GeneratorFailed(f"Waited {seconds:.0f} s in vain: {what}.")
            self._news.clear()
            self._news.wait(0.1)

    def _note_here(self, msg: Any, **_: Any) -> None:
        self._here.append(msg.node_id)
        self._news.set()

    def _note_ready(self, **_: Any) -> None:
        self._ready += 1
        self._news.set()

    def _note_trouble(self, msg: Any, **_: Any) -> None:
        self._troubles.append(msg.data["why"])
        self._news.set()

    def _take_report(self, data: dict[str, Any], **_: Any) -> None:
        self._shares += [Share.model_validate(share) for share in data.get(REPORT, [])]
        self._news.set()


class Worker:
    """One of Locust's workers, which bears its part of the load."""

    def __init__(self, environment: Environment, runner: WorkerRunner) -> None:
        self._runner = runner
        self._counted: list[dict[str, Any]] = []
        self._crew = Alone()
        environment.events.report_to_master.add_listener(self._report)  # type: ignore[no-untyped-call]
        runner.register_message("plan", self._prepare, concurrent=True)
        runner.register_message("segment", self._bear, concurrent=True)
        runner.send_message("here")  # not before it can be told something

    def _prepare(self, msg: Any, **_: Any) -> None:
        def prepare() -> None:
            self._crew = Alone(Part(msg.data["index"], msg.data["processes"]))
            self._crew.prepare(Plan.load(msg.data["plan"]))
            self._runner.send_message("ready")

        self._try(prepare)

    def _bear(self, msg: Any, **_: Any) -> None:
        def bear() -> None:
            wait = self._crew.begin(msg.data["place"])
            gevent.sleep(LEAD)
            self._counted += [share.model_dump(mode="json") for share in wait()]

        self._try(bear)

    def _try(self, work: Callable[[], None]) -> None:
        """Do it, or tell the master why it cannot be done."""
        try:
            work()
        except Exception as error:  # noqa: BLE001 - the master ends the run, with this line
            self._runner.send_message("trouble", {"why": f"A worker: {reason_of(error)}"})

    def _report(self, data: dict[str, Any], **_: Any) -> None:
        data[REPORT], self._counted = self._counted, []


def reason_of(error: Exception) -> str:
    """Return one line for people."""
    known = isinstance(error, ProjectError) or type(error).__name__ == "UnexpectedStatus"
    return str(error) if known else f"{type(error).__name__}: {error}"
