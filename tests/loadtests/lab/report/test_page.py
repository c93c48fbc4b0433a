"""One page from a result: whole or nearly empty, it is valid, escaped and asks nobody."""

import math
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from loadtests.lab.report import render, write_html
from loadtests.lab.report.page import MEANINGS
from loadtests.lab.result import ExitCode, Gate, Outcome, Result, Verdict
from loadtests.lab.window import Blocked, Config, Route, Second, Window, Worker
from tests.loadtests.lab.results import MACHINE, a_gate, a_run, a_sweep, a_window

SVG = "{http://www.w3.org/2000/svg}"
PICTURE = re.compile(r"<svg.*?</svg>", re.DOTALL)
HOSTILE = "</title><script>alert(1)</script>&\"'\x00\x1b[31m\ufffe"


def pictures(page: str) -> list[ET.Element]:
    """Parse every picture of a page; one that is no XML raises."""
    return [ET.fromstring(text) for text in PICTURE.findall(page)]  # noqa: S314 - our own page


def titles(page: str) -> list[str]:
    return re.findall(r"<h[23][^>]*>(.*?)</h[23]>", page)


def bare(**changes: object) -> Result:
    verdict = Verdict(code=ExitCode.VOID, summary="Nothing was measured.")
    result = Result(kind="run", id="x", started=1.0, machine=MACHINE, verdict=verdict)
    return result.model_copy(update=changes)


def flat(window: Window, value: float | None) -> Window:
    """Let a window have seen this one value all the time."""
    window.timeline = [Second(at=at, p95=value) for at in range(3)]
    window.routes = [Route(route="GET /")]
    return window


@pytest.mark.parametrize("build", [a_sweep, a_gate, a_run])
def test_pictures_are_valid_and_say_what_they_show(build: object) -> None:
    assert callable(build)
    shown = [svg for svg in pictures(render(build())) if svg.get("role") == "img"]
    assert shown
    for svg in shown:
        named = {element.get("id"): (element.text or "").strip() for element in svg[:2]}
        assert list(named) == (svg.get("aria-labelledby") or "").split()
        assert all(named.values())
    names = [svg.get("aria-labelledby") for svg in shown]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("build", [a_sweep, a_gate, a_run])
def test_each_picture_has_its_numbers(build: object) -> None:
    assert callable(build)
    page = render(build())
    figures = re.findall(r"<figure.*?</figure>", page, re.DOTALL)
    assert figures
    for figure in figures:
        assert figure.count('role="img"') == 2
        assert re.search(r"<details>.*<tbody>\s*<tr><td", figure, re.DOTALL)


def test_a_sweep_tells_everything() -> None:
    assert {
        *("Recommended settings", "Why not more", "As more is offered", "What it costs"),
        *(
            "Throughput of 2x8",
            "Answer times of 2x8",
            "What waits in 2x8",
            "The best configurations side by side",
        ),
        *("Where a request&#39;s time goes", "Workers and pool: most answered"),
        *("Connections against the ceiling", "What turning one knob brought", "Second by second"),
        *("Routes", "Workers", "Lines that held the event loop", "Whether to believe it"),
    } <= set(titles(render(a_sweep())))


def test_what_waits_is_told_where_a_probe_looked() -> None:
    result = a_sweep()
    page = render(result)
    assert "waiting inside a pool" in page
    assert re.search(r"in the server at \d+: \d", page)
    for window in result.windows:
        window.workers = []
    assert "What waits in 2x8" not in render(result)


def test_a_section_without_data_stays_away() -> None:
    found = titles(render(bare()))
    assert found == ["Where it comes from"]
    assert "Against the base" in titles(render(a_gate()))
    assert not {"Gates", "Why not more", "Recommended settings"} & set(titles(render(a_run())))


@pytest.mark.parametrize("code", list(ExitCode))
def test_the_verdict_is_said_in_words(code: ExitCode) -> None:
    page = render(bare(verdict=Verdict(code=code, summary="Because of this.")))
    assert f"<strong>{MEANINGS[code][0]}</strong> exit code {code.value}" in page
    assert "<h1>Because of this.</h1>" in page


def test_the_page_asks_nobody_and_runs_nothing() -> None:
    page = render(a_gate())
    assert not re.search(r"<script|<link(?! rel=\"icon\" href=\"data:)|@import|url\(", page)
    assert not re.search(r"\s(src|style|on\w+)=", page)
    assert set(re.findall(r"https?://[^\"' <]+", page)) == {"http://www.w3.org/2000/svg"}


def test_hostile_words_are_only_words() -> None:
    result = a_gate()
    result.id, result.notes, result.coverage = HOSTILE, [HOSTILE], [HOSTILE]
    result.verdict.summary = result.diagnoses[0].summary = HOSTILE
    result.mix, result.versions = {HOSTILE: 0.5}, {HOSTILE: HOSTILE}
    result.gates += [
        Gate(scope=HOSTILE, metric=HOSTILE, allowed=1.1, ratio=1.2, outcome=Outcome.FAIL)
    ]
    config = Config(variables=((HOSTILE, HOSTILE),))
    window = a_window(config, 5).model_copy(update={"name": HOSTILE, "voids": [HOSTILE]})
    window.routes = [Route(route=HOSTILE, complaints={HOSTILE: 2})]
    window.workers[0].blocked = [Blocked(where=HOSTILE, seconds=1.0, times=1)]
    result.windows.append(window)
    page = render(result)
    assert "<script" not in page
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe]", page)
    assert pictures(page)


@pytest.mark.parametrize("value", [None, 0.0, math.nan, math.inf, 1e-12, 1e12])
def test_odd_values_are_drawn_or_left_out(value: float | None) -> None:
    config = Config()
    odd = [flat(a_window(config, load), value) for load in (5, 10)]
    result = bare(windows=[*odd, a_window(config, 15)])
    for worker in odd[0].workers:
        worker.cpu = worker.request_seconds = value or 0.0
    page = render(result)
    assert not re.search(r'[ "MLHV-](nan|inf)\b', "".join(PICTURE.findall(page)))
    assert pictures(page)


@pytest.mark.parametrize(
    "windows",
    [
        [],
        [Window(name="x", config=Config(), model="closed", began=0, seconds=0)],
        [Window(name="x", config=Config(), model="open", offered=0, began=0, seconds=1)],
        [
            Window(name="x", config=Config(), model="open", offered=n, began=0, seconds=1)
            for n in (1, 2)
        ],
        [flat(a_window(Config(), 5), 0.2).model_copy(update={"workers": [Worker(pid=1)]})] * 2,
        [a_window(Config(), 5, seconds=1.0)],
    ],
)
def test_windows_with_next_to_nothing(windows: list[Window]) -> None:
    page = render(bare(windows=windows))
    assert all(svg.tag == f"{SVG}svg" for svg in pictures(page))
    assert ("Second by second" in titles(page)) == any(window.timeline for window in windows)


def test_long_names_stay_inside_of_their_picture() -> None:
    result = a_gate()
    for gate in result.gates:
        gate.metric = "a_metric_with_a_very_long_name_" * 5
    for svg in pictures(render(result)):
        width = float((svg.get("viewBox") or "0 0 64 8").split()[2])
        for text in svg.iter(f"{SVG}text"):
            length = len(text.text or "") * 6.4
            shift = {"end": length, "middle": length / 2}.get(text.get("text-anchor", ""), 0)
            assert float(text.get("x", "0")) - shift >= -12
            assert float(text.get("x", "0")) - shift + length <= width + 24, text.text


def test_writing_leaves_no_half_of_a_page(tmp_path: Path) -> None:
    path = tmp_path / "pages" / "x.html"
    write_html(a_run(), path)
    assert path.read_text(encoding="utf-8").rstrip().endswith("</html>")
    assert [entry.name for entry in path.parent.iterdir()] == ["x.html"]


def test_the_last_second_of_a_window_is_seldom_whole() -> None:
    window = a_window(Config(), 5, seconds=2.5)
    window.timeline = [Second(at=0, done=10), Second(at=1, done=10), Second(at=2, done=5)]
    page = render(bare(windows=[window]))
    (course,) = re.findall(r'<path class="s1-line" d="M([^"]*L[^"]*L[^"]*)"', page)[:1]
    assert len({place.split()[1] for place in course.split("L")}) == 1
    window.seconds = 2.2
    assert '<path class="s1-line" d="M' in render(bare(windows=[window]))
    assert not re.search(r'class="s1-line" d="M[^"]*L[^"]*L', render(bare(windows=[window])))


def test_a_void_window_is_called_void_where_its_figures_stand() -> None:
    window = a_window(Config(), 5)
    assert "in a void window" not in render(bare(windows=[window]))
    window.voids = ["It was late."]
    page = render(bare(windows=[window]))
    assert "<span>in a void window</span>" in page
    assert "Void: It was late.</p>" in page
