from loadtests.scenario import Scenario, Visitor, journey


class Health(Scenario):
    """What an orchestrator asks, again and again."""

    weight = 1

    @journey(weight=1)
    def probe(self, visitor: Visitor) -> None:
        visitor.get("/health/live")
        visitor.get("/health/ready")

    @journey(weight=1)
    def look(self, visitor: Visitor) -> None:
        visitor.get("/api/v1/health")
