"""The quick version; the long one is `python -m tests.fuzz`."""

import pytest

from tests.fuzz import rest
from tests.fuzz.roles import ROLES
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
        "getMe",
        "listKeys",
        "makeKey",
        "listPeople",
        "addPerson",
        "getTableCode",
        "voidTableCodes",
        "readAuditLog",
        "listSessions",
        "endAllSessions",
        "listOwnSessions",
        "reportSales",
        "reportReadyTimes",
        "reportPreparationTimes",
        "reportOrders",
        "getLiveness",
        "getReadiness",
    }


@pytest.mark.parametrize("name", ROLES)
def test_generated_cases_do_nothing_that_their_role_may_not(system: System, closed: System, name: str) -> None:
    known = ROLES[name]
    serving = closed if known.is_closed else system
    responses = rest.fuzz(serving.url, rest.ITEMS, CASES, 2, lambda _: None, known.headers(serving), known.may)
    assert not responses.faults, responses
    assert responses.refused > CASES / 3 or name in MIGHTY, responses


MIGHTY = {"manager", "service with all rights"}
"""Who may do nearly everything."""
