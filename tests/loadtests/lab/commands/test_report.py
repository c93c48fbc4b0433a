"""`manage.py loadtest report`: a summary here, a page beside the result."""

import argparse
from pathlib import Path

import pytest

from loadtests.lab.commands import report
from project.errors import CommandError
from tests.loadtests.lab.results import a_run


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    report.add_arguments(parser)
    return parser.parse_args(words)


@pytest.fixture
def result(tmp_path: Path) -> Path:
    path = tmp_path / "20261123-201500-run.json"
    a_run().write(path)
    return path


def test_the_page_lies_beside_the_result(result: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert report.handle(parsed(str(result))) == 0
    page = result.with_suffix(".html")
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    printed = capsys.readouterr().out
    assert printed.startswith("PASS  exit code 0\n20 journeys a second were answered.")
    assert printed.endswith(f"\n{page}\n")


def test_the_page_goes_where_it_is_wanted(result: Path, tmp_path: Path) -> None:
    target = tmp_path / "elsewhere" / "page.html"
    assert report.handle(parsed(str(result), "--html", str(target))) == 0
    assert target.exists()
    assert not result.with_suffix(".html").exists()


def test_conclusions_alone_are_a_small_result(result: Path, tmp_path: Path) -> None:
    small = tmp_path / "small.json"
    assert report.handle(parsed(str(result), "--json", str(small))) == 0
    kept = report.read(small)
    assert (kept.verdict, kept.machine) == (a_run().verdict, a_run().machine)
    assert kept.windows == []
    assert report.handle(parsed(str(small))) == 0


def test_the_latest_result_is_meant_unless_one_is_named(
    result: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_run().write(result.with_name("20261122-000000-sweep.json"))
    monkeypatch.setattr(report, "RESULTS", result.parent)
    assert report.latest() == result
    monkeypatch.setattr(report, "RESULTS", result.parent / "none")
    with pytest.raises(CommandError, match=r"There is no result in .*loadtest sweep") as caught:
        report.latest()
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("content", [None, b"{}", b"\xff\xfe\x00"])
def test_a_wrong_file_is_one_line(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "x.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CommandError, match=r"x\.json (cannot be read|is no result)") as caught:
        report.handle(parsed(str(path)))
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)


def test_a_page_that_cannot_be_written_is_one_line(result: Path) -> None:
    with pytest.raises(CommandError, match="cannot be written"):
        report.handle(parsed(str(result), "--html", str(result / "page.html")))
