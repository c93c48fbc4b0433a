"""`requirements/*.txt`: everything pinned and hashed, nothing that names a host.

Whether they are an answer to pyproject.toml as a whole, only a compilation can tell, and that
needs the network: `.ci/run` does it, and runs this suite on them. The tests here work on a train.
"""

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from project.management.catalogue import ROOT

FOLDER = ROOT / "requirements"
COMPILED = ("base", "dev", "prod")
ENTRY = re.compile(
    r"^(?P<pin>[a-z0-9][^\n\\]*?) \\\n(?P<hashes>(?:    --hash=[^\n]+\n)+)", re.MULTILINE
)


def read(name: str) -> str:
    return (FOLDER / f"{name}.txt").read_text(encoding="utf-8")


def pins(name: str) -> dict[str, Requirement]:
    """The pinned requirements that apply to this interpreter, by canonical name."""
    found = [Requirement(entry["pin"]) for entry in ENTRY.finditer(read(name))]
    return {
        canonicalize_name(pin.name): pin
        for pin in found
        if pin.marker is None or pin.marker.evaluate()
    }


def wanted(name: str) -> list[Requirement]:
    """What pyproject.toml asks for."""
    content = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    lines = content["project"]["dependencies"]
    lines += content["dependency-groups"]["dev"] if name == "dev" else []
    lines += content["project"]["optional-dependencies"]["s3"] if name == "prod" else []
    return [Requirement(line) for line in lines]


def pinned_version(pin: Requirement) -> str:
    return str(pin.specifier).removeprefix("==")


@pytest.mark.parametrize("name", ["base", "dev", "prod"])
def test_no_host(name: str) -> None:
    assert "://" not in read(name)
    assert not re.search(r"^--(index|extra-index|find-links|trusted)", read(name), re.MULTILINE)


@pytest.mark.parametrize("name", COMPILED)
def test_first_lines_tell_how_to_compile(name: str) -> None:
    head = "\n".join(read(name).splitlines()[:2])
    assert "uv pip compile --upgrade --universal --python-version 3.11" in head
    assert f"--output-file requirements/{name}.txt" in head


@pytest.mark.parametrize("name", COMPILED)
def test_every_line_is_pinned_and_hashed(name: str) -> None:
    rest = ENTRY.sub("", read(name))
    assert [line for line in rest.splitlines() if not line.lstrip().startswith("#")] == []
    assert all(str(pin.specifier).startswith("==") for pin in pins(name).values())


@pytest.mark.parametrize("name", COMPILED)
def test_hold_what_the_project_asks_for(name: str) -> None:
    pinned = pins(name)
    for requirement in wanted(name):
        if requirement.marker is None or requirement.marker.evaluate():
            pin = pinned.get(canonicalize_name(requirement.name))
            assert pin is not None, f"{requirement.name} is missing: compile {name}.txt again"
            assert pinned_version(pin) in requirement.specifier


def test_production_installs_the_base_and_its_extra() -> None:
    base, prod = pins("base"), pins("prod")
    assert {name: prod.get(name) for name in base} == base
    assert prod.keys() - base.keys() == {"obstore"}


def test_development_has_the_versions_of_production() -> None:
    prod, dev = pins("prod"), pins("dev")
    assert {name: dev.get(name) for name in prod} == prod
