"""What a run leaves behind: one JSON document, written once and read by everything else.

`Result` is the document: windows (`window.py`), and what was concluded from them. A change that old
readers would misread gets a new `SCHEMA`; `Result.load` refuses what it does not know.
"""

from enum import IntEnum, StrEnum
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, Field, ValidationError

from loadtests.lab.window import Config, Part, Window

SCHEMA: Literal["lintel.loadtest/1"] = "lintel.loadtest/1"


class Unreadable(Exception):
    """A file is no result of this laboratory, or one of another version."""


class ExitCode(IntEnum):
    """What a verdict means for whoever runs it in a script; never 0 unless all is well."""

    PASS = 0
    BUDGET = 1
    USAGE = 2
    REGRESSION = 3
    VOID = 4
    INCONCLUSIVE = 5
    LOCK_UP = 6


class Machine(Part):
    """Where it was measured."""

    cores: int
    """That processes may keep busy: the container's share, not the host's."""

    cpu: str
    memory: int
    system: str
    python: str

    @property
    def name(self) -> str:
        """The class of machines whose figures may be compared with one another."""
        return f"{self.cores}-core {self.cpu}, {self.memory / 2**30:.0f} GiB, {self.system}"


class Postgres(Part):
    """The server of the database."""

    version: str
    max_connections: int
    reserved: int
    """Of those, how many are kept back for superusers and maintenance."""


class Git(Part):
    """The revision that was measured."""

    revision: str
    is_dirty: bool


class Cause(StrEnum):
    """What keeps a server from answering more."""

    NONE = "none"
    POOL = "pool"
    LANE = "lane"
    CPU = "cpu"
    DATABASE = "database"
    LOCKS = "locks"
    BLOCKED_LOOP = "blocked loop"
    LOCK_UP = "lock-up"
    GENERATOR = "generator"


class Counterfactual(Part):
    """What changing one knob alone brought: ratios of rates, changed to unchanged."""

    knob: str
    changed: Config
    ratio: float
    low: float
    high: float


class Diagnosis(Part):
    """Why a configuration carries no more."""

    cause: Cause
    summary: str
    """One sentence for people."""

    evidence: list[str] = []
    knob: str = ""
    """What to change: `workers`, `pool`, a lane's setting; empty if no setting helps."""

    counterfactuals: list[Counterfactual] = []


class Capacity(Part):
    """The most that a configuration carries within its budget, in requests a second."""

    config: Config
    rate: float
    low: float
    high: float
    journeys: float
    """The same in journeys a second, which is what is offered."""

    limited_by: str = ""
    """The budget that is broken first, `p95 of POST /api/v1/orders/` say."""


class Recommendation(Part):
    """Settings for production, and what they rest on."""

    config: Config
    capacity: Capacity
    operating_rate: float
    """Requests a second to plan with: what headroom leaves of the capacity."""

    connections: int
    """Of one replica, all workers and both pools."""

    replicas: int
    """How many replicas of it the database's connections allow."""

    reasons: list[str] = []


class Outcome(StrEnum):
    """Of one gate."""

    PASS = "pass"  # noqa: S105 - no secret
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    VOID = "void"


class Gate(Part):
    """One line of budgets.toml, held against what was measured."""

    scope: str
    """`global`, `regression`, or a route."""

    metric: str
    allowed: float
    observed: float | None = None
    base: float | None = None
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    outcome: Outcome
    note: str = ""


class Verdict(Part):
    """What it comes down to."""

    code: ExitCode
    summary: str


class Result(Part):
    """The whole document."""

    schema_: Literal["lintel.loadtest/1"] = Field(SCHEMA, alias="schema")
    kind: Literal["run", "sweep", "gate", "smoke", "selfcheck", "baseline"]
    id: str
    """When it began and what it is, a file's name: `20261123-210500-sweep`."""

    started: float
    seconds: float = 0.0
    machine: Machine
    postgres: Postgres | None = None
    git: Git | None = None
    base: Git | None = None
    versions: dict[str, str] = {}
    mix: dict[str, float] = {}
    """Share of each journey, `items.browse`."""

    mix_hash: str = ""
    coverage: list[str] = []
    """Routes of the application that no journey visits."""

    current: Config | None = None
    """What was set when it began: what the recommendation would change."""

    budgets: dict[str, float] = {}
    """What a rate had to keep to count as carried: `p95_ms` of all, `p95_ms of GET /x` of one."""

    windows: list[Window] = []
    diagnoses: list[Diagnosis] = []
    capacities: list[Capacity] = []
    recommendation: Recommendation | None = None
    gates: list[Gate] = []
    notes: list[str] = []
    verdict: Verdict

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    def without_windows(self) -> "Result":
        """What was concluded, without what it was concluded from: small enough to commit."""
        return self.model_copy(update={"windows": []})

    def write(self, path: Path) -> None:
        """Write the document, whole or not at all."""
        draft = path.with_suffix(".part")
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(self.model_dump_json(by_alias=True, indent=1) + "\n", encoding="utf-8")
        draft.replace(path)

    @classmethod
    def load(cls, path: Path) -> "Result":
        """Read a document. Raises Unreadable, with a line that says why."""
        try:
            return cls.model_validate_json(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise Unreadable(f"{path} cannot be read: {error.strerror}.") from error
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(map(str, first["loc"])) or "it"
            raise Unreadable(f"{path} is no result of {SCHEMA}: {place}: {first['msg']}") from error
