"""The image and the composition, as far as reading can tell; building them needs an engine."""

import json
import re
from itertools import chain
from pathlib import PurePosixPath

import pytest
import yaml

from project.management.catalogue import ROOT
from project.settings import ServerSettings
from tests.environment import READ_BY_COMPOSE, command_names, environment_names

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
RUNTIME = DOCKERFILE.partition(" AS runtime\n")[2]
COMPOSE = (ROOT / "compose.yaml").read_text(encoding="utf-8")


def service(name: str) -> str:
    """The lines of one service."""
    found = re.search(rf"^  {name}:\n((?:    .*\n|\n|  #.*\n)+)", COMPOSE, re.MULTILINE)
    assert found, f"compose.yaml has no service {name}"
    return found[1]


def command(text: str) -> list[str]:
    words: list[str] = json.loads(re.findall(r"^CMD (\[.*\])$", text, re.MULTILINE)[-1])
    return words


def test_image_serves_without_reload() -> None:
    words = command(RUNTIME)
    assert words[:3] == ["python", "manage.py", "runserver"]
    assert "0.0.0.0" in words  # noqa: S104 -- a container is reached from outside or not at all
    assert "--reload" not in DOCKERFILE + COMPOSE


def test_image_is_not_root() -> None:
    user = re.findall(r"^USER (.*)$", RUNTIME, re.MULTILINE)[-1]
    assert user == "10001:10001"


@pytest.mark.parametrize(
    "line",
    [
        "PYTHONUNBUFFERED=1",
        "PYTHONDONTWRITEBYTECODE=1",
        "ENVIRONMENT=production",
        "STOPSIGNAL SIGTERM",
        "EXPOSE 8000",
        "HEALTHCHECK",
    ],
)
def test_image_says(line: str) -> None:
    assert line in RUNTIME


def test_dependencies_are_a_layer_of_their_own() -> None:
    builder = DOCKERFILE.partition(" AS runtime\n")[0]
    assert re.findall(r"^COPY (.*)$", builder, re.MULTILINE) == [
        "requirements/prod.txt /build/requirements/"
    ]
    assert "--require-hashes" in builder


def test_image_copies_what_exists_and_may_be_sent() -> None:
    allowed = (ROOT / ".dockerignore").read_text().splitlines()
    assert allowed[1] == "*"
    for copied in re.findall(r"^COPY (?!--from)(.*) \S+$", RUNTIME, re.MULTILINE):
        for name in copied.split():
            plain = name.translate({ord("["): None, ord("]"): None})
            is_pattern = plain != name  # what need not be there
            assert is_pattern or (ROOT / name).exists(), f"{name} does not exist"
            assert f"!{plain}" in allowed, f"{plain} is kept out by .dockerignore"


def test_migrations_run_before_the_server() -> None:
    assert "[python, manage.py, migrate]" in service("migrate")
    assert re.search(r"migrate:\n +condition: service_completed_successfully", service("web"))
    assert re.search(r"database:\n +condition: service_healthy", service("migrate"))


def test_database_is_postgresql_18_where_it_keeps_its_data() -> None:
    assert "image: postgres:18\n" in service("database")
    assert "- postgres-data:/var/lib/postgresql\n" in service("database")
    assert "pg_isready" in service("database")


@pytest.mark.parametrize("name", ["SECRET_KEY", "ALLOWED_HOSTS", "POSTGRES_PASSWORD"])
def test_secrets_have_no_default(name: str) -> None:
    uses = re.findall(rf"\$\{{{name}\b([^}}]*)\}}", COMPOSE)
    assert uses
    assert all(use.startswith(":?") for use in uses)


def test_grace_is_longer_than_the_server_needs() -> None:
    found = re.search(r"stop_grace_period: (\d+)s", service("web"))
    assert found
    assert int(found[1]) > ServerSettings.model_fields["shutdown_timeout"].default + 5


def test_only_the_proxy_has_a_port_that_serves() -> None:
    composition = yaml.safe_load(COMPOSE)
    ports = {name: entry.get("ports", []) for name, entry in composition["services"].items()}
    assert all(port.startswith("127.0.0.1:") for port in chain(*ports.values()))
    assert {name for name, open_ports in ports.items() if open_ports} == {"proxy", "mail"}
    assert composition["services"]["mail"]["profiles"] == ["dev"]


def test_containers_are_hardened() -> None:
    hardened = COMPOSE.partition("x-hardened:")[2].partition("\n\n")[0]
    for line in ("read_only: true", "cap_drop: [ALL]", "no-new-privileges:true"):
        assert line in hardened
    for name, entry in yaml.safe_load(COMPOSE)["services"].items():
        assert entry["read_only"], name
        assert entry["cap_drop"] == ["ALL"], name


def test_uploads_outlive_the_container() -> None:
    folder = re.search(r"MEDIA_DIRECTORY: (\S+)", service("web"))
    assert folder
    assert f"- media:{folder[1]}\n" in service("web")
    assert f"MEDIA_DIRECTORY={folder[1]}\n" in RUNTIME


@pytest.mark.parametrize("file", ["compose.yaml", "deploy/compose-tls.yaml"])
def test_mounted_files_exist(file: str) -> None:
    """All that the proxy includes is there; certificates are whoever deploys' own."""
    mounts = yaml.safe_load((ROOT / file).read_text())["services"]["proxy"]["volumes"]
    sources = [mount.partition(":")[0] for mount in mounts]
    missing = [source for source in sources if not (ROOT / source).exists()]
    assert missing in ([], ["./deploy/nginx/certificates"])


def test_proxy_gets_every_file_that_it_includes() -> None:
    mounts = yaml.safe_load(COMPOSE)["services"]["proxy"]["volumes"]
    mounted = {PurePosixPath(mount.split(":")[1]).name for mount in mounts}
    configuration = "".join(path.read_text() for path in (ROOT / "deploy/nginx").glob("*.conf"))
    assert set(re.findall(r"^ *include (\S+);", configuration, re.MULTILINE)) < mounted


def test_proxy_asks_where_the_server_listens() -> None:
    port = command(RUNTIME)[-1]
    upstream = (ROOT / "deploy" / "nginx" / "upstream.conf").read_text()
    assert f"server web:{port} " in upstream
    assert yaml.safe_load(COMPOSE)["services"]["web"]["expose"] == [port]


def test_commands_exist() -> None:
    """Every `python manage.py X` and `python FILE` of the composition."""
    for entry in yaml.safe_load(COMPOSE)["services"].values():
        words = [*entry.get("command", []), *entry.get("healthcheck", {}).get("test", [])]
        if "manage.py" in words:
            assert words[words.index("manage.py") + 1] in command_names()
        assert all((ROOT / word).exists() for word in words if word.endswith(".py"))


def test_variables_are_settings() -> None:
    known = environment_names() | READ_BY_COMPOSE
    assert set(re.findall(r"\$\{(\w+)", COMPOSE)) <= known
    names = yaml.safe_load(COMPOSE)["services"]["web"]["environment"]
    assert set(names) - known == {"PGPASSWORD"}  # which libpq reads
