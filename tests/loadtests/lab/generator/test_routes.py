import pytest

from loadtests.lab.generator.mix import mix_of
from loadtests.lab.generator.routes import check, documented, routes_of, unvisited
from loadtests.scenario import Scenario, Visitor, journey
from project.errors import CommandError

HERE = "tests.loadtests.lab.generator.test_routes"
LAMPS = "/lamps/"
DOCUMENT = {
    "paths": {
        "/lamps/": {"get": {}, "post": {}, "parameters": []},
        "/lamps/{lamp_id}": {"get": {}},
        "/api/v1/auth/token": {"post": {}},
        "/api/v1/auth/logout": {"post": {}},
    }
}


class Lamps(Scenario):
    @journey()
    def light(self, visitor: Visitor) -> None:
        with visitor.signing_in():
            for row in visitor.get(LAMPS):
                self._look(visitor, row["id"])

    def _look(self, visitor: Visitor, lamp: int) -> None:
        visitor.get("/lamps/{lamp_id}", lamp_id=lamp)


class Wrong(Scenario):
    @journey()
    def typing_error(self, visitor: Visitor) -> None:
        visitor.post("/lamp/")

    @journey()
    def made_up(self, visitor: Visitor) -> None:
        visitor.get(f"/lamps/{1}")


def test_routes_are_read_through_names_and_helpers() -> None:
    (entry,) = mix_of([f"{HERE}:Lamps"])
    signing_in = {"POST /api/v1/auth/token", "POST /api/v1/auth/logout"}
    assert set(routes_of(entry)) == {"GET /lamps/", "GET /lamps/{lamp_id}", *signing_in}


def test_what_nobody_visits_is_told() -> None:
    assert unvisited(mix_of([f"{HERE}:Lamps"]), DOCUMENT) == ["POST /lamps/"]


def test_unknown_route_is_told_with_what_it_resembles() -> None:
    typing_error, made_up = mix_of([f"{HERE}:Wrong"])
    message = r"wrong.typing_error visits POST /lamp/, .* Did you mean 'POST /lamps/'\?"
    with pytest.raises(CommandError, match=message):
        check(typing_error, documented(DOCUMENT))
    with pytest.raises(CommandError, match="write it as a literal"):
        routes_of(made_up)
