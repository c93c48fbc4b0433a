"""Variables that nobody reads, ids that nobody reports."""

import pytest

from project.checks import Subject, settings, silence


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


@pytest.mark.parametrize(
    ("silenced", "hint"),
    [
        ("web.W01", "Did you mean web.W001?"),
        ("databse.E003", "Did you mean database.E003?"),
        ("x", "Take it out."),
    ],
)
def test_an_id_that_silences_nothing(
    monkeypatch: pytest.MonkeyPatch, silenced: str, hint: str
) -> None:
    monkeypatch.setenv("SILENCED_CHECKS", f"{silenced},web.W002,security.W018,database.E004")
    (problem,) = silence.silenced_ids_are_known(Subject.load(()))
    assert (problem.id, problem.hint) == ("settings.W002", hint)
    assert problem.message.startswith(f"SILENCED_CHECKS names {silenced},")


@pytest.mark.needs("users")
def test_ids_of_apps_can_be_silenced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SILENCED_CHECKS", "users.W001")
    assert list(silence.silenced_ids_are_known(Subject.load(("apps.users",)))) == []
    assert len(list(silence.silenced_ids_are_known(Subject.load(())))) == 1
