"""A server that the laboratory did not start: it is loaded, and nobody looks into it."""

from dataclasses import dataclass

from loadtests.lab.window import Config, DatabaseLoad, Worker

UNKNOWN = Config(workers=1, pool=1, variables=(("host", "elsewhere"),))


@dataclass(frozen=True)
class Elsewhere:
    """Only its address is known; there are no probes."""

    host: str
    config: Config = UNKNOWN

    def workers(self, begin: float, end: float) -> list[Worker]:  # noqa: ARG002
        return []

    def database(self, begin: float, end: float) -> DatabaseLoad:  # noqa: ARG002
        return DatabaseLoad()

    def queries(self, begin: float, end: float) -> dict[str, float]:  # noqa: ARG002
        return {}

    def restarts(self) -> int:
        return 0

    def steal(self, begin: float, end: float) -> float:  # noqa: ARG002
        return 0.0
