"""Variables that nobody reads."""

import pytest

from project.checks import Subject, settings


@pytest.mark.needs("items")
def test_a_misspelt_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    subject = Subject.load(("apps.users", "apps.items"))
    before = {problem.obj for problem in settings.variables_are_read(subject)}
    monkeypatch.setenv("ITEMS_IMAGE_QALITY", "70")
    found = [p for p in settings.variables_are_read(subject) if p.obj not in before]
    assert [(problem.id, problem.obj) for problem in found] == [
        ("settings.W001", "ITEMS_IMAGE_QALITY")
    ]
    assert found[0].hint.startswith("Did you mean ITEMS_IMAGE_QUALITY?")
