"""The quick version; the long one is `python -m tests.fuzz`."""

import httpx
import pytest
from litestar.handlers import HTTPRouteHandler

from gateway.domain.access import NAMEABLE, Action, Caller, Grant, Role
from gateway.rest.access_check import actions_of
from gateway.rest.app import routes
from tests.fuzz import rest
from tests.support.processes import environment, run
from tests.support.systems import System
from tests.support.waiting import wait_for

pytestmark = pytest.mark.proof

CASES = 600

ROLES = {
    "guest": ([], Grant(Role.GUEST)),
    "station": (["-d", "bar"], Grant(Role.STATION, frozenset({"bar"}))),
    "waiter": ([], Grant(Role.WAITER)),
    "service": (["--right", Action.ORDER_LIST], Grant(Role.SERVICE, rights=frozenset({Action.ORDER_LIST}))),
    "service with all rights": (
        [part for right in sorted(NAMEABLE) for part in ("--right", right)],
        Grant(Role.SERVICE, rights=NAMEABLE),
    ),
}
"""The options by which a key is made, and what it grants."""


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
        "getLiveness",
        "getReadiness",
    }


@pytest.mark.parametrize("name", ROLES)
def test_generated_cases_do_nothing_that_their_role_may_not(system: System, name: str) -> None:
    options, grant = ROLES[name]
    headers = {} if grant.role is Role.GUEST else with_new_key(system, grant.role, options)
    allowed = Caller((grant, Grant(Role.GUEST))).allowed
    handlers = [handler for handler in routes() if isinstance(handler, HTTPRouteHandler)]
    actions = {str(handler.operation_id): actions_of(handler) for handler in handlers if handler.operation_id}

    def may(operation: str) -> bool:
        return not allowed.isdisjoint(actions[operation])

    responses = rest.fuzz(system.url, rest.ITEMS, CASES, 2, lambda _: None, headers, may)
    assert not responses.faults, responses
    assert {operation for operation in actions if not may(operation)} >= {"listKeys", "makeKey"}


def with_new_key(system: System, role: Role, options: list[str]) -> dict[str, str]:
    """Make a key; return the header that sends it, once the gateway knows it."""
    variables = environment(HOME=system.books.store.home, URL=system.url)
    done = run(["-m", "ops", "access", "key", "fuzz", "--role", role, *options], variables)
    assert done.code == 0, done
    headers = {"authorization": f"Bearer {done.stdout.strip()}"}
    with httpx.Client(base_url=system.url, trust_env=False, headers=headers) as client:
        wait_for(lambda: client.get("/me").status_code == 200, "the gateway knows the key")
    return headers
