"""The manifests: valid by the published schemas, and true to the code."""

from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from fastapi import FastAPI

from project.settings import ROOT, ServerSettings
from tests.environment import command_names, environment_names

FOLDER = ROOT / "deploy" / "kubernetes"
FILES = sorted(FOLDER.rglob("*.yaml"))
MANIFESTS = [path for path in FILES if path.name != "kustomization.yaml"]
OLDEST, NEWEST = "1.31", "1.37"


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path.read_text())
    return found


def base(name: str) -> dict[str, Any]:
    return read(FOLDER / "base" / f"{name}.yaml")


def pod(name: str) -> dict[str, Any]:
    found: dict[str, Any] = base(name)["spec"]["template"]["spec"]
    return found


def container(name: str) -> dict[str, Any]:
    (found,) = pod(name)["containers"]
    return dict(found)


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.relative_to(FOLDER).as_posix())
def test_manifest_is_valid(path: Path, version: str) -> None:
    """A name that the schema does not know counts as a mistake."""
    kubernetes_validate.validate(read(path), version, strict=True)


def test_mistakes_are_found() -> None:
    manifest = base("deployment")
    manifest["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(manifest, NEWEST, strict=True)


def test_kustomizations_name_what_there_is() -> None:
    for path in set(FILES) - set(MANIFESTS):
        said = read(path)
        named = {*said["resources"], *(patch["path"] for patch in said.get("patches", []))}
        assert all((path.parent / name).exists() for name in named)
        files = {other.name for other in MANIFESTS if other.parent == path.parent}
        assert files <= named, "a manifest that nobody names"


@pytest.mark.parametrize("name", ["deployment", "worker", "migrate"])
def test_commands_exist(name: str) -> None:
    asked = container(name)
    words = [*asked.get("command", []), *asked.get("args", [])]
    assert words[:2] == ["python", "manage.py"]
    assert words[2] in command_names()


def test_variables_are_settings() -> None:
    configured = [read(path) for path in MANIFESTS]
    names = {key for entry in configured if entry["kind"] == "ConfigMap" for key in entry["data"]}
    assert names
    assert names - environment_names() == set()


@pytest.mark.needs("health")
def test_probes_ask_what_is_answered(application: FastAPI) -> None:
    served = application.openapi()["paths"]
    probes = {key: value for key, value in container("deployment").items() if "Probe" in key}
    assert {value["httpGet"]["path"] for value in probes.values()} <= set(served)
    assert probes["livenessProbe"]["httpGet"]["path"] == "/health/live"
    assert probes["readinessProbe"]["httpGet"]["path"] == "/health/ready"


def test_grace_is_longer_than_the_server_needs() -> None:
    slept = int(container("deployment")["lifecycle"]["preStop"]["exec"]["command"][-1])
    given = int(base("settings")["data"]["SHUTDOWN_TIMEOUT"])
    assert given == ServerSettings.model_fields["shutdown_timeout"].default
    assert pod("deployment")["terminationGracePeriodSeconds"] >= slept + given + 5
    assert pod("worker")["terminationGracePeriodSeconds"] >= given + 5
    probe = container("deployment")["readinessProbe"]
    assert slept >= probe["periodSeconds"]


@pytest.mark.parametrize("name", ["deployment", "worker", "migrate"])
def test_containers_are_hardened(name: str) -> None:
    person, limits = pod(name)["securityContext"], container(name)["securityContext"]
    assert (person["runAsNonRoot"], person["runAsUser"]) == (True, 10001)  # the Dockerfile's
    assert limits["readOnlyRootFilesystem"]
    assert not limits["allowPrivilegeEscalation"]
    assert limits["capabilities"] == {"drop": ["ALL"]}
    assert container(name)["resources"]["limits"]["memory"]


def test_labels_agree() -> None:
    labels = base("deployment")["spec"]["template"]["metadata"]["labels"]
    assert base("service")["spec"]["selector"] == labels
    assert base("disruption")["spec"]["selector"]["matchLabels"] == labels
    for other in ("migrate", "worker"):
        assert base(other)["spec"]["template"]["metadata"]["labels"] != labels
    worker = base("worker")["spec"]
    assert worker["selector"]["matchLabels"] == worker["template"]["metadata"]["labels"]


def test_autoscaler_goes_by_the_lanes() -> None:
    (metric,) = base("autoscaler")["spec"]["metrics"]
    assert metric["pods"]["metric"]["name"] == "lintel_lane_saturation"
    assert "replicas" not in base("deployment")["spec"]
    most = base("autoscaler")["spec"]["maxReplicas"]
    assert int(base("settings")["data"]["REPLICAS"]) == most


def test_secrets_are_elsewhere() -> None:
    assert "Secret" not in {entry["kind"] for entry in map(read, MANIFESTS)}
