"""The scenarios of the installed apps as Locust users.

    uv run locust -f loadtests/locustfile.py --host http://127.0.0.1:8000

It opens a page on http://127.0.0.1:8089; with `--headless -u 10 -t 30s` it just runs.
"""

import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from locust import FastHttpUser, between, events
from locust.contrib.fasthttp import FAILURE_EXCEPTIONS
from locust.env import Environment
from locust.exception import StopTest

from loadtests.hosts import refusal
from loadtests.scenario import Journey, Scenario, UnexpectedStatus, Visitor, installed
from loadtests.visitor import Answer, Request, is_enough
from project.management.catalogue import installed_apps


class ScenarioUser(FastHttpUser):
    """A visitor that walks the journeys of one scenario, with a moment between two of them."""

    abstract = True
    wait_time = between(0.5, 1.5)
    scenario: type[Scenario]

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        # The page of Locust can name another host than the command line did.
        reason = refusal(self.host)
        if reason:
            raise StopTest(reason)
        self.walked = self.scenario()
        self.visitor = Visitor(self)

    def send(self, request: Request) -> Answer:
        """Carry a visitor's request, and record what became of it."""
        with self.client.request(
            request.method,
            request.path,
            name=request.name,
            headers=dict(request.headers),
            data=request.body,  # type: ignore[arg-type] # bytes it takes, too
            catch_response=True,
            allow_redirects=False,
            stream=bool(request.events),
        ) as response:
            headers = response.headers or {}
            answer = Answer(
                status=response.status_code,
                content_type=headers.get("content-type", ""),
                body=events_of(request, response) if request.events else response.content or b"",
            )
            complaint = answer.complaint(request)
            response.failure(complaint) if complaint else response.success()
        return answer


def events_of(request: Request, response: Any) -> bytes:
    """Read until enough events have come, byte by byte so as not to wait for more; then leave."""
    body = b""
    if response.status_code:
        with suppress(*FAILURE_EXCEPTIONS):
            while not is_enough(request, body) and (byte := response.read(1)):
                body += byte
        response.release()
    return body


def task_of(journey: Journey) -> Callable[[ScenarioUser], None]:
    def task(user: ScenarioUser) -> None:
        try:
            journey.run(user.walked, user.visitor)
        except UnexpectedStatus:
            return  # the request is among the failures; the visitor goes on with another journey

    task.__name__ = journey.name
    return task


def user_of(scenario: type[Scenario]) -> type[ScenarioUser]:
    """One Locust user class, which is listed and chosen under the scenario's name."""
    members: dict[str, Any] = {
        "__doc__": scenario.__doc__,
        "scenario": scenario,
        "weight": scenario.weight,
        "tasks": {task_of(journey): journey.weight for journey in scenario.journeys()},
    }
    return type(scenario.__name__, (ScenarioUser,), members)


# Locust finds users among the names of this file.
globals().update({scenario.__name__: user_of(scenario) for scenario in installed(installed_apps())})


def refuse_strangers(environment: Environment, **_: Any) -> None:
    """End at once when the command line names a host that must not be loaded."""
    reason = refusal(environment.host) if environment.host else None
    if reason:
        sys.exit(f"Error: {reason}")


events.init.add_listener(refuse_strangers)  # type: ignore[no-untyped-call] # Locust is half typed
