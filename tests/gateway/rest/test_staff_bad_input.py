"""What the staff's routes refuse: every bad request gets a problem that names the field, and changes nothing."""

import pytest

from gateway.domain.lines import TicketState
from tests.support.orders import new_id
from tests.support.rest_app import Json, Served, problem

pytestmark = pytest.mark.asyncio(loop_scope="module")

A = "00000000-0000-4000-8000-00000000000a"
TICKET = f"/tickets/bar/{A}"
START: Json = {"verb": "start", "expected": "queued", "step_id": "s1", "moved_by": "Ada"}
CHANGES = "/stock/bar/latte/changes"
SALE = "/stock/bar/latte/sale"
DELIVERY: Json = {"reason": "delivery", "delta": 24, "change_id": "c1", "changed_by": "Ada"}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("department=pub", "department"),
        ("state=eaten", "state"),
        ("number=0", "number"),
        ("number=x", "number"),
        ("limit=501", "limit"),
        ("cursor=17", "cursor"),
        ("cursor=1_x_", "cursor"),
        ("table=", "table"),
        ("table=%00", "table"),
        ("colour=red", "colour"),
    ],
)
async def test_a_query_that_means_nothing_is_refused(shared: Served, query: str, field: str) -> None:
    assert problem(await shared.client.get(f"/tickets?{query}"), 400)["field"] == field


async def test_a_state_that_no_ticket_is_shown_in_is_refused_with_those_that_there_are(shared: Served) -> None:
    allowed = f"expected one of {', '.join(state for state in TicketState if state is not TicketState.NONE)}"
    for state in ("eaten", "none"):
        assert problem(await shared.client.get(f"/tickets?state={state}"), 400)["allowed"] == allowed
        step = {**START, "expected": state}
        assert problem(await shared.client.post(f"{TICKET}/moves", json=step), 400)["allowed"] == allowed


async def test_steps_with_more_tickets_than_allowed_are_refused(shared: Served) -> None:
    moves = [{"department": "bar", "order_id": new_id(), **START} for _ in range(101)]
    refusal = problem(await shared.client.post("/tickets/moves", json={"moves": moves}), 400)
    assert (refusal["field"], refusal["allowed"]) == ("moves", "expected a list of 1 to 100")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"verb": "eat"}, "verb"),
        ({"verb": None}, "verb"),
        ({"expected": "none"}, "expected"),
        ({"expected": 1}, "expected"),
        ({"step_id": ""}, "step_id"),
        ({"step_id": "x" * 65}, "step_id"),
        ({"step_id": "\0"}, "step_id"),
        ({"moved_by": "x" * 65}, "moved_by"),
        ({"moved_by": "\0"}, "moved_by"),
        ({"reason": "because"}, "reason"),
        ({"verb": "cancel", "reason": "x" * 201}, "reason"),
        ({"verb": "cancel", "reason": "\0"}, "reason"),
        ({"line": 0}, "line"),
        ({"verb": "recall", "expected": "preparing", "line": 1}, "line"),
        ({"verb": "cancel", "line": -1}, "line"),
        ({"verb": "cancel", "line": 1000}, "line"),
        ({"verb": "cancel", "line": 2**64}, "line"),
        ({"verb": "cancel", "line": "1"}, "line"),
        ({"verb": "cancel", "line": 1.5}, "line"),
        ({"verb": "cancel", "line": True}, "line"),
        ({"verb": "cancel_line", "line": 1}, "verb"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_a_step_that_means_nothing_is_refused_alone_and_among_several(
    shared: Served, fields: Json, field: str
) -> None:
    shared.watches["bar"].change(A)
    refusal = problem(await shared.client.post(f"{TICKET}/moves", json={**START, **fields}), 400)
    assert refusal["field"] == field
    move = {"department": "bar", "order_id": A, **START, **fields}
    refusal = problem(await shared.client.post("/tickets/moves", json={"moves": [move]}), 400)
    assert refusal["field"] == f"moves[0].{field}"
    assert shared.watches["bar"].tickets[A].state is TicketState.QUEUED


@pytest.mark.parametrize("missing", ["verb", "expected", "step_id"])
async def test_a_step_without_what_it_needs_is_refused(shared: Served, missing: str) -> None:
    body = {name: value for name, value in START.items() if name != missing}
    refusal = problem(await shared.client.post(f"{TICKET}/moves", json=body), 400)
    assert refusal["detail"].startswith(f"{missing} is missing")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "made"),
        ({"made": 1}, "made"),
        ({"made": True, "moved_by": "\0"}, "moved_by"),
        ({"made": True, "x": 1}, "x"),
    ],
)
async def test_a_tick_that_means_nothing_is_refused(shared: Served, body: Json, field: str) -> None:
    assert problem(await shared.client.put(f"{TICKET}/lines/0", json=body), 400)["field"] == field


@pytest.mark.parametrize("line", ["-1", "1000", "99999999999999999999"])
async def test_a_line_that_no_ticket_can_have_is_refused(shared: Served, line: str) -> None:
    shared.watches["bar"].change(A)
    assert problem(await shared.client.put(f"{TICKET}/lines/{line}", json={"made": True}), 400)["field"] == "line"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"reason": "theft"}, "reason"),
        ({"reason": "off_sale"}, "reason"),
        ({"change_id": ""}, "change_id"),
        ({"change_id": "x" * 65}, "change_id"),
        ({"change_id": "\0"}, "change_id"),
        ({"changed_by": "x" * 65}, "changed_by"),
        ({"changed_by": "\0"}, "changed_by"),
        ({"delta": None}, "delta"),
        ({"delta": 0}, "delta"),
        ({"delta": -1}, "delta"),
        ({"delta": 1_000_000_001}, "delta"),
        ({"delta": 1.5}, "delta"),
        ({"reason": "waste"}, "delta"),
        ({"reason": "correction", "delta": 0}, "delta"),
        ({"count": 3}, "count"),
        ({"expected": 3}, "expected"),
        ({"reason": "count"}, "delta"),
        ({"reason": "count", "delta": None}, "count"),
        ({"reason": "count", "delta": None, "count": 3}, "expected"),
        ({"reason": "count", "delta": None, "count": -1, "expected": 3}, "count"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_a_change_that_means_nothing_is_refused(shared: Served, fields: Json, field: str) -> None:
    shared.staff["bar"].stock("latte", 9)
    refusal = problem(await shared.client.post(CHANGES, json={**DELIVERY, **fields}), 400)
    assert refusal["field"] == field
    assert shared.watches["bar"].stock["latte"].on_hand == 9


async def test_what_a_reason_allows_is_said(shared: Served) -> None:
    refusal = problem(await shared.client.post(CHANGES, json={**DELIVERY, "reason": "waste"}), 400)
    assert refusal["allowed"] == "expected -1000000000 to -1 with waste"
    refusal = problem(await shared.client.post(CHANGES, json={**DELIVERY, "reason": "correction", "delta": 0}), 400)
    assert refusal["allowed"] == "expected -1000000000 to 1000000000, and not 0 with correction"


@pytest.mark.parametrize(
    ("body", "field"),
    [({}, "on_sale"), ({"on_sale": 0}, "on_sale"), ({"on_sale": True, "changed_by": "\0"}, "changed_by")],
)
async def test_a_sale_that_means_nothing_is_refused(shared: Served, body: Json, field: str) -> None:
    assert problem(await shared.client.put(SALE, json=body), 400)["field"] == field


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "cursor=x", "before=1"])
async def test_a_query_of_the_changes_that_means_nothing_is_refused(shared: Served, query: str) -> None:
    shared.staff["bar"].stock("latte", 9)
    assert problem(await shared.client.get(f"{CHANGES}?{query}"), 400)["field"] == query.partition("=")[0]
