"""The quick version; the long one is `python -m tests.fuzz`."""

import pytest

from tests.fuzz import rest
from tests.support.systems import System

pytestmark = pytest.mark.proof

CASES = 600


def test_every_response_to_a_generated_case_is_as_described_and_no_fault(system: System) -> None:
    responses = rest.fuzz_gateway(system, CASES, 1, lambda _: None)
    assert not responses.faults, responses
    assert responses.cases >= CASES
    assert {name for name, status in responses.statuses if status in {200, 201}} == {
        "placeOrder",
        "placeSetMenu",
        "getOrder",
        "listOrders",
        "cancelOrder",
        "listTickets",
        "getTicket",
        "moveTicket",
        "moveTickets",
        "tickLine",
        "listStock",
        "changeStock",
        "setOnSale",
        "listStockChanges",
        "getMenu",
        "getLiveness",
        "getReadiness",
    }
