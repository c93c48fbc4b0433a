"""The gates as JUnit XML, which every CI shows."""

from pathlib import Path
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent  # only written here

from loadtests.lab.gate import tell, title
from loadtests.lab.result import Gate, Outcome, Result

TAGS = {Outcome.FAIL: "failure", Outcome.VOID: "error", Outcome.INCONCLUSIVE: "error"}
"""A void or undecided gate is an error: it says nothing about the code, and is not passed."""


def write_junit(result: Result, path: Path) -> None:
    """Write a suite with a case for each gate, and one for the verdict."""
    cases = [_case(gate) for gate in result.gates]
    suite = Element(
        "testsuite",
        name="loadtest",
        tests=str(len(cases)),
        failures=str(sum(case.find("failure") is not None for case in cases)),
        errors=str(sum(case.find("error") is not None for case in cases)),
        time=f"{result.seconds:.1f}",
    )
    properties = SubElement(suite, "properties")
    facts = {"verdict": result.verdict.code.name, "summary": result.verdict.summary}
    facts |= {"machine": result.machine.name, "schema": result.schema_}
    for name, value in facts.items():
        SubElement(properties, "property", name=name, value=value)
    suite.extend(cases)
    root = Element("testsuites")
    root.append(suite)
    indent(root)
    path.parent.mkdir(parents=True, exist_ok=True)
    ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _case(gate: Gate) -> Element:
    case = Element("testcase", classname=f"loadtest.{gate.scope}", name=title(gate))
    if tag := TAGS.get(gate.outcome):
        SubElement(case, tag, type=gate.outcome.value, message=tell(gate))
    return case
