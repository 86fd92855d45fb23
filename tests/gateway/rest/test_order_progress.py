"""What a waiter and a guest see of an order's way through the departments."""

import asyncio

import pytest

from gateway.domain.lines import TicketState
from tests.support.rest_app import Json, Served


async def read_until(served: Served, order_id: str, **expected: object) -> Json:
    """Read an order until it has these fields."""
    async with asyncio.timeout(10):
        while True:
            body: Json = (await served.client.get(f"/orders/{order_id}")).json()
            if all(body[name] == value for name, value in expected.items()):
                return body
            await asyncio.sleep(0.005)


async def test_an_order_shows_how_far_each_line_is_and_when_each_step_was(served: Served) -> None:
    placed = (await served.order("bar coffee", "bar beer", "kitchen pizza")).json()
    assert (placed["progress"], placed["tickets"]) == ("queued", [])
    assert 100 <= placed["number"] <= 999
    bar = served.restaurant.watches["bar"]
    await bar.move(placed["order_id"], TicketState.PREPARING)
    await bar.move(placed["order_id"], TicketState.READY)
    body = await read_until(served, placed["order_id"], progress="partly_ready")
    assert [line["progress"] for line in body["lines"]] == ["ready", None, "queued"]
    assert body["tickets"] == [
        {
            "department": "bar",
            "started_at": "2025-06-15T15:06:40.101Z",
            "ready_at": "2025-06-15T15:06:40.102Z",
            "served_at": None,
            "withdrawn_at": None,
        }
    ]
    (listed,) = (await served.client.get("/orders")).json()["orders"]
    assert listed == body


async def test_a_part_that_was_withdrawn_is_named_with_the_staffs_reason(served: Served) -> None:
    placed = (await served.order("bar coffee", "kitchen pizza", policy="all_or_nothing")).json()
    await served.restaurant.watches["kitchen"].move(placed["order_id"], TicketState.CANCELLED, "no dough")
    body = await read_until(served, placed["order_id"], total=350)
    assert (body["status"], body["progress"]) == ("partly_accepted", "queued")
    assert [(line["outcome"], line["progress"]) for line in body["lines"]] == [
        ("accepted", "queued"),
        ("cancelled", "withdrawn"),
    ]
    assert body["lines"][1]["reason"] == "kitchen has withdrawn it: no dough; the rest of the order stands"
    (ticket,) = body["tickets"]
    assert (ticket["department"], ticket["withdrawn_at"]) == ("kitchen", "2025-06-15T15:06:40.101Z")


async def test_a_line_that_was_withdrawn_alone_is_named_with_the_staffs_reason(served: Served) -> None:
    placed = (await served.order("bar coffee", "bar soda", "kitchen pizza", policy="all_or_nothing")).json()
    bar = served.restaurant.watches["bar"]
    await bar.cancel_line(placed["order_id"], 0, "no milk")
    body = await read_until(served, placed["order_id"], total=1400)
    assert (body["status"], body["progress"]) == ("partly_accepted", "queued")
    assert [(line["outcome"], line["progress"], line["unit_price"]) for line in body["lines"]] == [
        ("cancelled", "withdrawn", None),
        ("accepted", "queued", 300),
        ("accepted", "queued", 1100),
    ]
    assert body["lines"][0]["reason"] == "bar has withdrawn it: no milk; the rest of the order stands"
    (ticket,) = body["tickets"]
    assert (ticket["department"], ticket["withdrawn_at"]) == ("bar", None)
    await bar.move(placed["order_id"], TicketState.READY)
    body = await read_until(served, placed["order_id"], progress="partly_ready")
    assert [line["progress"] for line in body["lines"]] == ["withdrawn", "ready", "queued"]
    (listed,) = (await served.client.get("/orders")).json()["orders"]
    assert listed == body


async def test_a_line_of_a_best_effort_order_says_nothing_of_the_rest(served: Served) -> None:
    placed = (await served.order("bar coffee", "bar soda")).json()
    await served.restaurant.watches["bar"].cancel_line(placed["order_id"], 1)
    body = await read_until(served, placed["order_id"], total=350)
    assert body["lines"][1]["reason"] == "bar has withdrawn it"


@pytest.mark.parametrize("is_cancelled_by_client", [True, False])
async def test_nobody_is_told_that_the_rest_stands_of_an_order_of_which_nothing_is_left(
    served: Served, is_cancelled_by_client: bool
) -> None:
    order_id = (await served.order("bar coffee", "kitchen pizza", policy="all_or_nothing")).json()["order_id"]
    await served.restaurant.watches["kitchen"].move(order_id, TicketState.CANCELLED, "no dough")
    await read_until(served, order_id, total=350)
    if is_cancelled_by_client:
        assert (await served.client.delete(f"/orders/{order_id}")).status_code in (200, 202)
    else:
        await served.restaurant.watches["bar"].move(order_id, TicketState.CANCELLED, "no cups")
    body = await read_until(served, order_id, total=0)
    assert (body["status"], body["progress"]) == ("cancelled", "withdrawn")
    assert body["lines"][1]["reason"] == "kitchen has withdrawn it: no dough"


async def test_an_order_is_quoted_a_time_that_its_tickets_revise(served: Served) -> None:
    for name, kinds in {"bar": {"coffee": ("hot", 60)}, "kitchen": {"pizza": ("", 900)}}.items():
        served.restaurant.departments[name].kinds = kinds
    await served.client.get("/menu")
    placed = (await served.order("bar coffee", "kitchen pizza")).json()
    assert placed["created_at"] == "2025-06-15T15:06:40.000Z"
    assert placed["ready_at"] == "2025-06-15T15:21:40.000Z"
    queued_behind = (await served.order("bar coffee")).json()
    assert queued_behind["ready_at"] == "2025-06-15T15:08:40.000Z"
    bar, kitchen = served.restaurant.watches["bar"], served.restaurant.watches["kitchen"]
    await bar.move(placed["order_id"], TicketState.PREPARING)
    await bar.move(placed["order_id"], TicketState.READY)
    await kitchen.move(placed["order_id"], TicketState.PREPARING)
    body = await read_until(served, placed["order_id"], progress="partly_ready")
    assert body["ready_at"] == "2025-06-15T15:21:40.101Z"
    await kitchen.move(placed["order_id"], TicketState.READY)
    body = await read_until(served, placed["order_id"], progress="ready")
    assert body["ready_at"] == "2025-06-15T15:06:40.102Z"
    await served.restaurant.settle()
    await served.restaurant.crash_and_open()
    assert (await served.restaurant.service.find(queued_behind["order_id"])).quotes == {"bar": (60, 60)}


async def test_an_order_that_was_refused_is_not_quoted_a_time(served: Served) -> None:
    assert (await served.order("bar beer")).json()["order"]["ready_at"] is None
