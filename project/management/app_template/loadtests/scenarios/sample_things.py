from loadtests.scenario import Scenario, Visitor, journey


class SampleThings(Scenario):
    """What visitors do with sample things."""

    weight = 1

    @journey(weight=3)
    def browse(self, visitor: Visitor) -> None:
        page = visitor.get("/api/v1/sample_things/", params={"limit": 20}, expect=200)
        for row in page["items"][:1]:
            path = "/api/v1/sample_things/{sample_thing_id}"
            visitor.get(path, sample_thing_id=row["id"], expect=200)

    @journey(weight=1, signed_in=True)
    def create(self, visitor: Visitor) -> None:
        visitor.post("/api/v1/sample_things/", json={"title": "Under load"}, expect=201)
