"""The short form of the rehearsal: a host dies, and the primary is restarted."""

import http
from collections.abc import Iterator

import pytest

from tests.deploy.two_hosts.blows import Blow, kill, restart_primary
from tests.deploy.two_hosts.customers import Ledger, shopping
from tests.deploy.two_hosts.machines import CAN_WIRE
from tests.deploy.two_hosts.stage import Stage, put_up

pytestmark = [
    pytest.mark.blocks_loop,
    pytest.mark.needs("items", "users"),
    pytest.mark.skipif(
        not CAN_WIRE, reason="network namespaces are of another platform, or take root"
    ),
]
ANSWERS_OF_PROXIES = {0, http.HTTPStatus.BAD_GATEWAY}


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with put_up() as stage:
        yield stage


@pytest.fixture(scope="module")
def ledger(stage: Stage) -> Iterator[Ledger]:
    """What customers are told meanwhile; afterwards nothing may be lost."""
    with shopping(stage.proxy, stage.token) as ledger:
        yield ledger
    balance = stage.balance(ledger)
    assert balance.acknowledged
    assert (balance.lost, balance.doubled, balance.is_same_on_replica) == (set(), 0, True)


def only(blows: Iterator[Blow]) -> Blow:
    (blow,) = blows
    return blow


def test_a_host_that_dies_takes_its_own_requests_along_and_no_others(
    stage: Stage, ledger: Ledger
) -> None:
    blow = only(kill(stage, ledger))
    assert set(blow.statuses) <= ANSWERS_OF_PROXIES
    assert blow.begun_later == []


def test_a_primary_that_restarts_is_a_503_and_nothing_else(stage: Stage, ledger: Ledger) -> None:
    blow = only(restart_primary(stage, ledger))
    assert set(blow.statuses) == {http.HTTPStatus.SERVICE_UNAVAILABLE}
    assert blow.healed_after < 2
