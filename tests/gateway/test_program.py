"""The announcement, and bounds that fit each other."""

import pytest
from structlog.testing import capture_logs

from gateway.orders.backoff import RetryPolicy
from gateway.rest.announcement import FIRST_CHECK, LAST_CHECK, announce
from gateway.settings import GatewaySettings
from infra.errors import SettingsError
from infra.http.guard import CONNECTIONS
from infra.settings import read_settings


class SlowStart:
    """Is ready after so many checks."""

    def __init__(self, checks: int) -> None:
        self.checks = checks
        self.slept: list[float] = []

    async def is_ready(self) -> bool:
        self.checks -= 1
        return self.checks < 0

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


async def test_the_longer_it_takes_until_orders_can_be_placed_the_rarer_are_the_checks() -> None:
    start = SlowStart(checks=60)
    await announce(start.is_ready, "http://here", sleep=start.sleep)
    assert len(start.slept) == 60
    assert start.slept == sorted(start.slept)
    assert (start.slept[0], start.slept[-1]) == (FIRST_CHECK, LAST_CHECK)
    assert len([seconds for seconds in start.slept if seconds < 1]) < 15


async def test_the_addresses_of_the_pages_are_logged() -> None:
    with capture_logs() as logged:
        await announce(SlowStart(0).is_ready, "http://here", departments=["bar", "kitchen"])
    assert logged[0]["order"] == "http://here/"
    assert [each["address"] for each in logged[1:3]] == ["http://here/stations/bar", "http://here/stations/kitchen"]
    assert (logged[3]["waiter"], logged[3]["office"]) == ("http://here/waiter", "http://here/office")


def test_orders_are_refused_with_a_reason_before_connections_are() -> None:
    most = 3900
    assert most <= CONNECTIONS - 100
    assert max_waiting(str(most)) == most
    with pytest.raises(SettingsError):
        max_waiting(str(most + 1))
    assert max_waiting("") == RetryPolicy().waiting <= CONNECTIONS - 1000


def max_waiting(text: str) -> int:
    return read_settings(GatewaySettings, "gateway", {"COMANDA_MAX_WAITING": text}).max_waiting
