import pytest

from loadtests.lab.generator.plan import Plan, Segment

HOST, OTHER = "http://127.0.0.1:8000", "http://127.0.0.1:8001"
WARM_UP = Segment("warm-up", HOST, "closed", 5, users=8, is_measured=False)


def test_plan_survives_json() -> None:
    plan = Plan((WARM_UP, Segment("a", OTHER, "open", 2.5, rate=40, seed=3)), scenarios=("Items",))
    assert Plan.load(plan.dump()) == plan
    assert (plan.hosts, plan.seconds) == ((HOST, OTHER), 7.5)


@pytest.mark.parametrize(
    "segment",
    [
        Segment("a", HOST, "open", 5, users=8),
        Segment("a", HOST, "closed", 5, rate=8),
        Segment("a", HOST, "open", 0, rate=8),
    ],
)
def test_segment_without_load_is_a_problem(segment: Segment) -> None:
    assert list(Plan((WARM_UP,)).problems()) == []
    (problem,) = Plan((WARM_UP, segment)).problems()
    assert problem.startswith("Segment 'a' needs seconds, and a rate")


def test_nothing_can_be_borne_by_nobody() -> None:
    assert len(list(Plan((), processes=0).problems())) == 2
