"""What `check --deploy` finds: each check fails where it should, and passes where it should."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import Connection, text

from project.checks import Check, Problem, Subject, collect_checks, deployment
from project.runtime import Runtime
from tests.database import TestDatabase

With = Callable[..., Subject]


@pytest.fixture
def with_settings() -> With:
    """A subject of no apps, with these settings of one group."""
    subject = Subject.load(())

    def change(group: str, **values: Any) -> Subject:
        changed = getattr(subject.settings, group).model_copy(update=values)
        settings = subject.settings.model_copy(update={group: changed})
        return replace(subject, settings=settings)

    return change


def row(number: str) -> Check:
    """One row of a table of checks."""
    tables = (deployment.SECURITY, deployment.SERVER)

    def look(subject: Subject) -> list[Problem]:
        return [found for table in tables for found in table(subject) if found.id == number]

    return Check(number, look)


def ids(look: Check, subject: Subject) -> list[str]:
    return [problem.id for problem in look(subject)]


STRONG = SecretStr("k3Jx9-Lw0pQz7RtYv2BnM5cD8fGh1sWe")


@pytest.mark.parametrize(
    ("look", "group", "bad", "good"),
    [
        (
            row("security.W018"),
            "general",
            {"environment": "development"},
            {"environment": "production"},
        ),
        (
            row("security.W009"),
            "security",
            {"secret_key": SecretStr("short")},
            {"secret_key": STRONG},
        ),
        (
            row("security.W009"),
            "security",
            {"secret_key": STRONG, "secret_key_fallbacks": (SecretStr("changeme"),)},
            {"secret_key": STRONG, "secret_key_fallbacks": (STRONG,)},
        ),
        (
            row("security.W020"),
            "web",
            {},
            {"allowed_hosts": ("shop.example.com",)},
        ),
        (
            row("security.W101"),
            "web",
            {"trusted_proxies": ("*",)},
            {"trusted_proxies": ("10.0.0.7",)},
        ),
        (
            deployment.origins_are_encrypted,
            "web",
            {"allowed_origins": ("http://shop.example.com",)},
            {"allowed_origins": ("https://shop.example.com",)},
        ),
        (
            row("server.W001"),
            "server",
            {"server_timing": True},
            {"server_timing": False},
        ),
        (
            deployment.uploads_survive,
            "media",
            {"media_directory": Path(".data/media")},
            {"media_directory": Path("/var/lib/lintel/media").absolute()},
        ),
        (
            deployment.uploads_survive,
            "media",
            {},
            {"storage_url": "s3://shop/uploads"},
        ),
        (deployment.workers_have_cores, "server", {"workers": 128}, {"workers": 1}),
        (row("server.W002"), "logging", {"format": "text"}, {"format": "json"}),
    ],
)
def test_settings(
    with_settings: With, look: Check, group: str, bad: dict[str, Any], good: dict[str, Any]
) -> None:
    assert len(ids(look, with_settings(group, **bad))) == 1
    assert ids(look, with_settings(group, **good)) == []


@pytest.fixture
def connection(engine_database: TestDatabase) -> Any:
    with engine_database.engine.connect() as connection:
        yield connection
        connection.rollback()


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({"workers": 1}, []),
        ({"workers": 128}, ["database.E002"]),
        ({"workers": 2, "replicas": 50}, ["database.E002"]),
    ],
)
def test_connections(
    with_settings: With, connection: Connection, values: dict[str, int], found: list[str]
) -> None:
    subject = replace(with_settings("server", **values), connection=connection)
    assert ids(deployment.connections_fit, subject) == found


def test_connections_that_are_reserved_do_not_count(connection: Connection) -> None:
    limit, kept = (
        int(connection.scalar(text(f"SHOW {name}")) or 0)
        for name in ("max_connections", "superuser_reserved_connections")
    )
    assert 0 < deployment.available_connections(connection) <= limit - kept


def test_server_version(
    with_settings: With, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = replace(with_settings("server"), connection=connection)
    assert ids(deployment.server_is_maintained, subject) == []
    monkeypatch.setattr(deployment, "OLDEST", 99)
    assert ids(deployment.server_is_maintained, subject) == ["database.W003"]


def test_encryption(
    with_settings: With, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The suite's server speaks no TLS; what matters is whether it is on this machine."""
    subject = replace(with_settings("server"), connection=connection)
    assert ids(deployment.connection_is_encrypted, subject) == []
    near = connection.engine.url
    named = near.set(host=None).update_query_dict({"host": "db.example.com"})
    for far in (near.set(host="db.example.com"), named):
        monkeypatch.setattr(connection.engine, "url", far)
        assert ids(deployment.connection_is_encrypted, subject) == ["database.W004"]


def test_only_a_deployment_is_asked(runtime: Runtime) -> None:
    subject = Subject.load(())
    always, deployed = collect_checks(subject), collect_checks(subject, deploy=True)
    assert {look.is_for_deployment for look in always} == {False}
    assert deployment.SECURITY in set(deployed) - set(always)
