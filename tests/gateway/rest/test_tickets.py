"""`/tickets`: lists, steps and ticks of the staff over the whole app."""

import pytest

from gateway.domain.lines import Outcome, TicketState
from gateway.domain.tickets import LiveLine
from tests.support.event_stream import follow
from tests.support.orders import NOON_MS
from tests.support.rest_app import Json, Served, problem
from tests.support.waiting import until

A = "00000000-0000-4000-8000-00000000000a"
B = "00000000-0000-4000-8000-00000000000b"
C = "00000000-0000-4000-8000-00000000000c"
START: Json = {"verb": "start", "expected": "queued", "step_id": "s1", "moved_by": "Ada"}


def url(order_id: str, rest: str = "", department: str = "bar") -> str:
    return f"/tickets/{department}/{order_id}{rest}"


async def listed(served: Served, query: str = "") -> list[str]:
    response = await served.client.get(f"/tickets{query}")
    assert response.status_code == 200, response.text
    return [ticket["order_id"] for ticket in response.json()["tickets"]]


async def moved(served: Served, order_id: str, **fields: object) -> Json:
    response = await served.client.post(url(order_id, "/moves"), json={**START, **fields})
    assert response.status_code == 200, response.text
    body: Json = response.json()
    return body


# Lists.


async def test_the_list_has_the_oldest_ticket_first_and_filters(served: Served) -> None:
    served.watches["bar"].change(B, TicketState.PREPARING, placed_at_ms=NOON_MS + 2, table="8", number=148)
    served.watches["bar"].change(A, placed_at_ms=NOON_MS + 1, number=147)
    served.watches["kitchen"].change(A, placed_at_ms=NOON_MS + 1, number=147)
    served.watches["kitchen"].change(C, TicketState.SERVED, placed_at_ms=NOON_MS)
    assert await listed(served) == [C, A, A, B]
    assert await listed(served, "?department=bar") == [A, B]
    assert await listed(served, "?state=queued&state=served") == [C, A, A]
    assert await listed(served, "?state=served") == [C]
    assert await listed(served, "?state=preparing") == [B]
    assert await listed(served, "?table=8") == [B]
    assert await listed(served, "?number=147&department=kitchen") == [A]
    assert await listed(served, "?number=999") == []


async def test_the_pages_of_a_list_have_every_ticket_once_whatever_happens_meanwhile(served: Served) -> None:
    ids = [f"00000000-0000-4000-8000-{number:012}" for number in range(7)]
    for number, order_id in enumerate(ids):
        served.watches["bar"].change(order_id, placed_at_ms=NOON_MS + number // 2)
    found: list[str] = []
    cursor = ""
    for turn in range(4):
        page = (await served.client.get(f"/tickets?limit=2{cursor}")).json()
        found += [ticket["order_id"] for ticket in page["tickets"]]
        served.watches["bar"].change(ids[turn], TicketState.SERVED, placed_at_ms=NOON_MS + turn // 2)
        cursor = f"&cursor={page['next']}"
    assert found == ids
    assert page["next"] is None


async def test_a_list_names_the_departments_that_cannot_be_reached(served: Served) -> None:
    async with follow(served.app) as client:
        await client.up_to_date()
        served.watches["kitchen"].go_away()
        await until(lambda: len(served.watches["kitchen"].calls) > 2)
        served.restaurant.clock.now += 2
        await client.until(lambda screen: screen.departments["kitchen"]["state"] == "unreachable")
        assert (await served.client.get("/tickets")).json()["unreachable"] == ["kitchen"]
        assert (await served.client.get("/tickets?department=bar")).json()["unreachable"] == []
        assert (await served.client.get("/stock")).json()["unreachable"] == ["kitchen"]


# One ticket.


async def test_a_ticket_is_as_in_the_list_and_in_the_events(served: Served) -> None:
    served.watches["bar"].change(A, TicketState.READY, moved_by="Ada", moved_at_ms=NOON_MS, number=147)
    found = (await served.client.get(url(A))).json()
    assert (await served.client.get("/tickets")).json()["tickets"] == [found]
    async with follow(served.app) as client:
        assert (await client.up_to_date()).tickets["bar", A] == found
    assert (found["moved_by"], found["moved_at"], found["number"]) == ("Ada", "2025-06-15T15:06:40.000Z", 147)


@pytest.mark.parametrize(
    ("path", "detail"),
    [
        (url(A, department="pub"), "there is no department pub: there are bakery, bar, kitchen"),
        (url(C), f"bar has no ticket of order {C}"),
    ],
)
async def test_what_there_is_not_is_a_404_that_names_what_there_is(served: Served, path: str, detail: str) -> None:
    served.watches["bar"].change(A)
    assert problem(await served.client.get(path), 404)["detail"] == detail
    assert problem(await served.client.post(f"{path}/moves", json=START), 404)["detail"] == detail
    assert problem(await served.client.put(f"{path}/lines/0", json={"made": True}), 404)["detail"] == detail


# Steps.


async def test_a_step_returns_the_ticket_and_is_seen_by_everybody(served: Served) -> None:
    served.watches["bar"].change(A)
    async with follow(served.app) as client:
        await client.up_to_date()
        ticket = await moved(served, A)
        assert (ticket["state"], ticket["moved_by"]) == ("preparing", "Ada (manager)")
        await client.until(lambda screen: screen.tickets["bar", A] == ticket)


async def test_the_same_step_again_returns_the_same(served: Served) -> None:
    served.watches["bar"].change(A)
    first = await moved(served, A)
    await moved(served, A, verb="finish", expected="preparing", step_id="s2")
    assert await moved(served, A) == first


async def test_the_second_cook_gets_the_ticket_as_it_is_and_who_moved_it_and_when(served: Served) -> None:
    served.watches["bar"].change(A)
    ticket = await moved(served, A)
    refusal = problem(await served.client.post(url(A, "/moves"), json={**START, "step_id": "s2"}), 409)
    assert refusal["ticket"] == ticket
    assert (refusal["ticket"]["moved_by"], refusal["ticket"]["moved_at"]) == (
        "Ada (manager)",
        "2025-06-15T15:06:40.000Z",
    )
    assert refusal["order_id"] == A
    assert "is preparing, not queued; Ada (manager) moved it" in refusal["detail"]


async def test_a_step_id_of_another_step_is_refused(served: Served) -> None:
    served.watches["bar"].change(A)
    ticket = await moved(served, A)
    again = {**START, "verb": "finish", "expected": "preparing"}
    refusal = problem(await served.client.post(url(A, "/moves"), json=again), 409)
    assert (refusal["title"], refusal["ticket"]) == ("The step id is taken", ticket)


async def test_a_department_that_cannot_be_reached_is_a_503_that_says_when_to_try_again(served: Served) -> None:
    served.watches["bar"].change(A)
    served.watches["bar"].go_away()
    for response in (
        await served.client.post(url(A, "/moves"), json=START),
        await served.client.get(url(A)),
        await served.client.put(url(A, "/lines/0"), json={"made": True}),
    ):
        assert "sending it again, with the same id, is safe" in problem(response, 503)["detail"]
        assert response.headers["retry-after"] == "1"


async def test_several_steps_have_a_result_each_in_their_order(served: Served) -> None:
    served.watches["bar"].change(A)
    served.watches["bar"].change(B, TicketState.READY)
    served.watches["kitchen"].go_away()
    wanted = [("bar", B), ("kitchen", A), ("bar", A), ("pub", A), ("bar", C)]
    moves = [
        {"department": department, "order_id": order_id, **START, "step_id": f"s{number}"}
        for number, (department, order_id) in enumerate(wanted)
    ]
    response = await served.client.post("/tickets/moves", json={"moves": moves})
    assert response.status_code == 200
    results = response.json()["results"]
    assert [(each["department"], each["order_id"]) for each in results] == wanted
    assert [each["status"] for each in results] == [409, 503, 200, 404, 404]
    assert results[0]["problem"]["ticket"]["state"] == "ready"
    assert results[0]["ticket"] is None
    assert results[2]["ticket"]["state"] == "preparing"
    assert results[2]["problem"] is None


async def test_two_steps_with_one_ticket_are_refused(served: Served) -> None:
    served.watches["bar"].change(A)
    move = {"department": "bar", "order_id": A, **START}
    refusal = problem(
        await served.client.post("/tickets/moves", json={"moves": [move, {**move, "step_id": "s2"}]}), 400
    )
    assert refusal["field"] == "moves[1].order_id"
    assert served.watches["bar"].tickets[A].state is TicketState.QUEUED


# Cancels of one line.


def three_lines(served: Served, order_id: str = A, state: TicketState = TicketState.QUEUED) -> None:
    """Open a ticket of which the second line was refused."""
    outcomes = {"tea": Outcome.ACCEPTED, "beer": Outcome.OUT_OF_STOCK, "coffee": Outcome.ACCEPTED}
    lines = [LiveLine(item, 1, "", False, False, outcome, 100) for item, outcome in outcomes.items()]
    served.watches["bar"].change(order_id, state, lines=lines)


CANCEL: Json = {**START, "verb": "cancel", "reason": "no tea", "line": 0}


async def test_a_line_is_cancelled_and_everybody_sees_it_and_why(served: Served) -> None:
    three_lines(served)
    async with follow(served.app) as client:
        await client.up_to_date()
        ticket = await moved(served, A, **CANCEL)
        await client.until(lambda screen: screen.tickets["bar", A] == ticket)
    assert (ticket["state"], ticket["cancel_reason"], ticket["moved_by"]) == ("queued", None, "Ada (manager)")
    assert [(line["outcome"], line["cancel_reason"], line["unit_price"]) for line in ticket["lines"]] == [
        ("cancelled", "no tea", None),
        ("out_of_stock", None, None),
        ("accepted", None, 100),
    ]
    assert await moved(served, A, **CANCEL) == ticket
    assert (await served.client.get(url(A))).json() == ticket


async def test_the_last_line_takes_its_ticket_with_it(served: Served) -> None:
    three_lines(served)
    await moved(served, A, **CANCEL)
    ticket = await moved(served, A, **{**CANCEL, "line": 2, "step_id": "s2", "reason": "fire"})
    assert (ticket["state"], ticket["cancel_reason"]) == ("cancelled", "fire")
    assert [line["outcome"] for line in ticket["lines"]] == ["cancelled", "out_of_stock", "accepted"]


async def test_a_line_that_there_is_not_is_a_404_that_names_those_that_there_are(served: Served) -> None:
    three_lines(served)
    refusal = problem(await served.client.post(url(A, "/moves"), json={**CANCEL, "line": 3}), 404)
    assert refusal["detail"] == "bar's ticket has no line 3: its lines are 0 (tea), 1 (beer), 2 (coffee)"


async def test_a_line_that_was_refused_or_is_cancelled_already_is_a_409_with_the_ticket(served: Served) -> None:
    three_lines(served)
    ticket = await moved(served, A, **CANCEL)
    for line, outcome in ((0, "cancelled"), (1, "out_of_stock")):
        again = {**CANCEL, "line": line, "step_id": f"again {line}"}
        refusal = problem(await served.client.post(url(A, "/moves"), json=again), 409)
        assert (refusal["ticket"], refusal["order_id"]) == (ticket, A)
        assert f"line {line} of ticket {A} is {outcome}" in refusal["detail"]


async def test_a_step_id_of_another_line_is_refused(served: Served) -> None:
    three_lines(served)
    ticket = await moved(served, A, **CANCEL)
    for other in ({**CANCEL, "line": 2}, {**CANCEL, "line": None}):
        refusal = problem(await served.client.post(url(A, "/moves"), json=other), 409)
        assert (refusal["title"], refusal["ticket"]) == ("The step id is taken", ticket)


async def test_lines_of_several_tickets_are_cancelled_at_once(served: Served) -> None:
    three_lines(served)
    three_lines(served, B, TicketState.PREPARING)
    served.watches["bar"].change(C)
    moves = [
        {"department": "bar", "order_id": A, **CANCEL},
        {"department": "bar", "order_id": B, **CANCEL, "step_id": "s2", "expected": "queued"},
        {"department": "bar", "order_id": C, **CANCEL, "step_id": "s3", "line": 9},
    ]
    results = (await served.client.post("/tickets/moves", json={"moves": moves})).json()["results"]
    assert [each["status"] for each in results] == [200, 409, 404]
    assert results[0]["ticket"]["lines"][0]["outcome"] == "cancelled"
    assert results[1]["problem"]["ticket"]["lines"][0]["outcome"] == "accepted"


# Ticks.


async def test_a_line_is_ticked_off_and_on(served: Served) -> None:
    lines = [LiveLine(item, 1, "", False, False, Outcome.ACCEPTED, 100) for item in ("tea", "coffee")]
    served.watches["bar"].change(A, TicketState.PREPARING, lines=lines)
    for made in (True, True, False):
        response = await served.client.put(url(A, "/lines/1"), json={"made": made, "moved_by": "Ada"})
        assert [line["made"] for line in response.json()["lines"]] == [False, made]
    refusal = problem(await served.client.put(url(A, "/lines/2"), json={"made": True}), 404)
    assert refusal["detail"] == "bar's ticket has no line 2: its lines are 0 (tea), 1 (coffee)"


async def test_a_line_of_a_ticket_that_is_not_open_is_refused_with_the_ticket(served: Served) -> None:
    served.watches["bar"].change(A, TicketState.SERVED)
    refusal = problem(await served.client.put(url(A, "/lines/0"), json={"made": True}), 409)
    assert refusal["ticket"]["state"] == "served"
