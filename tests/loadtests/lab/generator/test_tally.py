import pytest

from loadtests.lab.generator.plan import Segment
from loadtests.lab.generator.tally import Share, add_up

SEGMENT = Segment("a", "http://127.0.0.1", "open", 10, rate=1)


def share_of(*answers: tuple[float, float, str | None], elapsed: float = 10.0) -> Share:
    share = Share(segment=0, elapsed=elapsed)
    for seconds, at, complaint in answers:
        tick = share.tick(at - seconds)
        tick.offered += 1
        tick.started += 1
        share.answer("GET /", seconds, at, complaint)
        share.tick(at).done += complaint is None
        share.tick(at).failed += complaint is not None
        share.answered += complaint is None
        share.answered_in_time += complaint is None and at <= SEGMENT.seconds
    return share


def test_processes_are_added_up() -> None:
    shares = [share_of((0.5, 1.2, None), (0.1, 2.5, "busy")), share_of((0.5, 1.7, None))]
    shares[1].cpu, shares[1].dropped = 0.3, 2
    tally = add_up(
        SEGMENT, 100.0, [Share.model_validate(s.model_dump(mode="json")) for s in shares]
    )
    (route,) = tally.routes
    assert (tally.journeys, tally.seconds) == (2, 10)
    assert (route.ok.count, route.failed.count, route.complaints) == (2, 1, {"busy": 1})
    assert (tally.generator.cpu, tally.generator.dropped, tally.generator.processes) == (0.3, 2, 2)


def test_failures_leave_quantiles_of_answers_alone() -> None:
    (route,) = add_up(SEGMENT, 0, [share_of((0.5, 1, None), *[(0.001, 2, "busy")] * 50)]).routes
    assert route.ok.quantile(0.5) == pytest.approx(0.5, rel=0.01)


def test_timeline_knows_who_is_in_flight() -> None:
    tally = add_up(SEGMENT, 0, [share_of((2.5, 2.6, None)), share_of((0.1, 1.5, None))])
    seconds = [(each.at, each.offered, each.done, each.in_flight) for each in tally.timeline]
    assert seconds == [(0, 1, 0, 1), (1, 1, 1, 1), (2, 0, 1, 0)]


def test_what_is_answered_after_the_end_makes_the_rate_no_higher() -> None:
    """A server answers half of it in time and needs as long again for the rest."""
    answers = [(1.0, 1.0 + place, None) for place in range(20)]
    tally = add_up(SEGMENT, 0, [share_of(*answers, elapsed=20.0)])
    assert sum(route.ok.count for route in tally.routes) / tally.seconds == pytest.approx(1.0)
    nothing = add_up(SEGMENT, 0, [share_of(elapsed=20.0)])
    assert nothing.seconds == 20.0
