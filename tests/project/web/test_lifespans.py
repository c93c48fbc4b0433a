"""What apps begin and end with the server."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient

from project.application import create_application
from project.errors import AppError
from project.settings import Settings
from tests.database import TestDatabase

LIFESPAN = """
from contextlib import asynccontextmanager
from pathlib import Path

log = Path({log!r})

def note(word):
    with log.open("a") as file:
        file.write(word + " {name}\\n")

@asynccontextmanager
async def lifespan(runtime):
    note("begin in " + runtime.settings.environment)
    {body}
    note("end")
"""

Build = Callable[..., FastAPI]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def build(
    tmp_path: Path,
    log: Path,
    settings: Settings,
    engine_database: TestDatabase,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Build]:
    """Build an application of apps whose lifespans have these bodies."""
    monkeypatch.syspath_prepend(tmp_path)

    def build(**bodies: str) -> FastAPI:
        for name, body in bodies.items():
            folder = tmp_path / f"span_{name}"
            folder.mkdir()
            (folder / "__init__.py").touch()
            (folder / "app.py").write_text(
                f"from project.apps import AppConfig\napp = AppConfig(label={name!r})\n"
            )
            text = LIFESPAN.format(log=str(log), name=name, body=body) if body else ""
            (folder / "lifespan.py").write_text(text)
        installed = tuple(f"span_{name}" for name in bodies)
        return create_application(settings, database=engine_database, installed_apps=installed)

    yield build
    for module in [name for name in sys.modules if name.startswith("span_")]:
        del sys.modules[module]


def test_they_begin_in_order_and_end_in_the_opposite_one(build: Build, log: Path) -> None:
    app = build(first="yield", second="yield")
    assert not log.exists()
    with TestClient(app):
        assert log.read_text() == "begin in test first\nbegin in test second\n"
    assert log.read_text().splitlines()[2:] == ["end second", "end first"]


def test_what_they_yield_is_in_every_request(build: Build) -> None:
    app = build(first='yield {"broker": "a broker"}', second="yield")

    @app.get("/state")
    async def read(request: Request) -> str:
        return str(request.state.broker)

    with TestClient(app) as client:
        assert client.get("/state").json() == "a broker"


def test_one_that_fails_ends_the_start_and_those_before_it(build: Build, log: Path) -> None:
    app = build(
        first="try:\n        yield\n    finally:\n        note('left')", second="1 / 0\n    yield"
    )
    with pytest.raises(AppError, match="App 'second': its lifespan fails: Zero"), TestClient(app):
        pass
    assert "left first" in log.read_text()


@pytest.mark.parametrize(
    ("bodies", "said"),
    [
        ({"first": ""}, "App 'first': span_first.lifespan must define `lifespan`."),
        (
            {"first": "yield {'it': 1}", "second": "yield {'it': 2}"},
            "App 'second': another app's lifespan yields 'it'.",
        ),
    ],
)
def test_what_does_not_fit_names_the_app(build: Build, bodies: dict[str, str], said: str) -> None:
    with pytest.raises(AppError) as caught, TestClient(build(**bodies)):
        pass
    assert str(caught.value) == said
