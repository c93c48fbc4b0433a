"""Every journey of every installed app, walked once through the whole application.

Those that watch a stream need a real server: `lab/commands/test_smoke.py` walks them, too.
"""

import inspect

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from loadtests.scenario import Journey, Scenario, UnexpectedStatus, Visitor, installed
from loadtests.visitor import UNMEASURED, Answer, Request
from project.apps import Registry
from project.management.commands.seed import load_samples
from project.settings import INSTALLED_APPS

JOURNEYS = [
    pytest.param(scenario, journey, id=f"{scenario.__name__}-{journey.name}")
    for scenario in installed(INSTALLED_APPS)
    for journey in scenario.journeys()
    if "events=" not in inspect.getsource(journey.walk)
]


class ClientTransport:
    """Carries requests to the application in this process, and keeps them."""

    def __init__(self, client: TestClient) -> None:
        self._client = client
        self.sent: list[Request] = []

    def send(self, request: Request) -> Answer:
        self.sent.append(request)
        response = self._client.request(
            request.method, request.path, headers=dict(request.headers), content=request.body
        )
        return Answer(
            status=response.status_code,
            content_type=response.headers.get("content-type", ""),
            body=response.content,
        )

    @property
    def names(self) -> list[str]:
        return [f"{request.method} {request.name}" for request in self.sent]


@pytest.fixture
def transport(client: TestClient) -> ClientTransport:
    return ClientTransport(client)


@pytest.mark.parametrize(("scenario", "journey"), JOURNEYS)
def test_journey(
    application: FastAPI,
    session: Session,
    transport: ClientTransport,
    scenario: type[Scenario],
    journey: Journey,
) -> None:
    """It meets only what it expects, and measures only routes that the API documents."""
    load_samples(session, Registry.load(INSTALLED_APPS))
    session.commit()
    journey.run(scenario(), Visitor(transport))
    paths = application.openapi()["paths"]
    measured = [request for request in transport.sent if not request.name.startswith(UNMEASURED)]
    assert measured
    unknown = [r.name for r in measured if r.method.lower() not in paths.get(r.name, {})]
    assert unknown == []


@pytest.mark.parametrize("scenario", installed(INSTALLED_APPS))
def test_scenario_has_journeys(scenario: type[Scenario]) -> None:
    assert scenario.journeys()
    assert scenario.weight > 0


def test_unexpected_status_ends_a_journey(transport: ClientTransport) -> None:
    visitor = Visitor(transport)
    with pytest.raises(UnexpectedStatus, match=r"GET /\{page\}: expected 200, got 404 \(not_found"):
        visitor.get("/{page}", page="nowhere")


def test_apps_that_are_not_installed_have_no_visitors() -> None:
    assert installed(("apps.health",)) == installed(("apps.health", "apps.nowhere", "acme_blog"))
