"""`/orders`: place, read, list and cancel orders à la carte."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from gateway.domain.currencies import Currency
from gateway.domain.lines import Outcome
from gateway.domain.order import Order
from gateway.domain.transitions import Goal
from gateway.orders.backoff import RetryPolicy
from tests.support.fake_departments import STOCK
from tests.support.orders import new_id
from tests.support.rest_app import Json, Served, problem, serve
from tests.support.waiting import until


def outcomes(body: Json) -> list[str]:
    return [line["outcome"] for line in body["lines"]]


async def test_the_response_to_an_order_has_an_outcome_for_each_line(served: Served) -> None:
    order_id = new_id()
    response = await served.client.post(
        "/orders",
        json={
            "order_id": order_id,
            "table": "7",
            "lines": [
                {"department": "bar", "item": "coffee", "quantity": 2},
                {"department": "kitchen", "item": "meat", "note": "rare"},
                {"department": "bakery", "item": "brownie"},
                {"department": "bar", "item": "soda", "quantity": 6},
            ],
        },
    )
    assert response.status_code == 201
    assert response.headers["location"] == f"/orders/{order_id}"
    assert response.headers["content-type"] == "application/json"
    assert response.json() == {
        "order_id": order_id,
        "number": response.json()["number"],
        "status": "partly_accepted",
        "progress": "queued",
        "policy": "best_effort",
        "table": "7",
        "total": 700,
        "currency": "EUR",
        "currency_exponent": 2,
        "created_at": "2025-06-15T15:06:40.000Z",
        "ready_at": "2025-06-15T15:16:40.000Z",
        "lines": [
            {
                "department": "bar",
                "item": "coffee",
                "quantity": 2,
                "note": "",
                "allergy": False,
                "outcome": "accepted",
                "unit_price": 350,
                "available": None,
                "reason": None,
                "progress": "queued",
            },
            {
                "department": "kitchen",
                "item": "meat",
                "quantity": 1,
                "note": "rare",
                "allergy": False,
                "outcome": "out_of_stock",
                "unit_price": None,
                "available": 0,
                "reason": "none left",
                "progress": None,
            },
            {
                "department": "bakery",
                "item": "brownie",
                "quantity": 1,
                "note": "",
                "allergy": False,
                "outcome": "not_on_menu",
                "unit_price": None,
                "available": None,
                "reason": "bakery does not sell this",
                "progress": None,
            },
            {
                "department": "bar",
                "item": "soda",
                "quantity": 6,
                "note": "",
                "allergy": False,
                "outcome": "out_of_stock",
                "unit_price": None,
                "available": 5,
                "reason": "5 left",
                "progress": None,
            },
        ],
        "tickets": [],
    }


async def test_a_lone_accepted_order_has_the_status_accepted(served: Served) -> None:
    body = (await served.order("bar coffee", "kitchen pizza")).json()
    assert body["status"] == "accepted"
    assert body["total"] == 1450
    assert body["table"] is None


async def test_an_order_without_an_id_gets_one_of_its_own(served: Served) -> None:
    ids = {(await served.order("bar coffee")).json()["order_id"] for _ in range(5)}
    assert len(ids) == 5


async def test_an_order_id_is_taken_in_any_spelling_and_given_back_in_one(served: Served) -> None:
    order_id = new_id()
    first = await served.order("bar coffee", order_id=order_id.upper())
    assert first.json()["order_id"] == order_id
    again = await served.order("bar coffee", order_id=order_id.replace("-", ""))
    assert again.json() == first.json()
    assert (await served.client.get(f"/orders/{order_id.upper()}")).json() == first.json()


async def test_an_order_of_which_nothing_can_be_had_is_a_conflict_with_all_outcomes(served: Served) -> None:
    order_id = new_id()
    response = await served.order("bar beer", "kitchen fish", order_id=order_id)
    body = problem(response, 409)
    assert body["title"] == "Nothing could be accepted"
    assert body["order_id"] == order_id
    assert body["order"]["status"] == "refused"
    assert outcomes(body["order"]) == ["out_of_stock", "not_on_menu"]
    assert "bar beer: none left; kitchen fish: kitchen does not sell this" in body["detail"]
    assert response.headers["location"] == f"/orders/{order_id}"
    assert (await served.client.get(f"/orders/{order_id}")).json() == body["order"]


async def test_an_order_is_pending_while_a_department_is_away_and_decided_when_it_is_back(served: Served) -> None:
    served.restaurant.kitchen.go_away()
    response = await served.order("bar coffee", "kitchen pizza")
    assert response.status_code == 202
    body = response.json()
    assert response.headers["location"] == f"/orders/{body['order_id']}"
    assert body["status"] == "pending"
    assert outcomes(body) == ["accepted", "pending"]
    assert body["lines"][1]["reason"] == "kitchen cannot be reached; it is still being tried"
    assert body["total"] == 350
    served.restaurant.kitchen.come_back()
    await served.restaurant.settle()
    found = (await served.client.get(response.headers["location"])).json()
    assert found["status"] == "accepted"
    assert found["total"] == 1450


@pytest.mark.parametrize(
    ("wishes", "status"), [(["bar coffee"], 201), (["bar coffee", "kitchen meat"], 201), (["bar beer"], 409)]
)
async def test_the_same_order_again_gets_the_same_response(served: Served, wishes: list[str], status: int) -> None:
    order_id = new_id()
    first = await served.order(*wishes, order_id=order_id)
    again = await served.order(*wishes, order_id=order_id)
    await served.restaurant.settle()
    and_again = await served.order(*wishes, order_id=order_id)
    for response in (first, again, and_again):
        assert response.status_code == status
        assert response.content == first.content
        assert response.headers["location"] == f"/orders/{order_id}"
    assert served.restaurant.bar.stock["coffee"] == (9 if status == 201 else 10)


async def test_the_same_pending_order_again_is_pending_until_it_is_decided(served: Served) -> None:
    order_id = new_id()
    served.restaurant.bar.go_away()
    assert (await served.order("bar coffee", order_id=order_id)).status_code == 202
    assert (await served.order("bar coffee", order_id=order_id)).status_code == 202
    served.restaurant.bar.come_back()
    await served.restaurant.settle()
    assert (await served.order("bar coffee", order_id=order_id)).status_code == 201
    assert served.restaurant.bar.stock["coffee"] == 9


async def test_the_same_order_ten_times_at_once_has_one_effect(served: Served) -> None:
    order_id = new_id()
    responses = await asyncio.gather(*(served.order("bar coffee 3", order_id=order_id) for _ in range(10)))
    assert {response.status_code for response in responses} == {201}
    assert len({response.content for response in responses}) == 1
    assert served.restaurant.bar.stock["coffee"] == 7


@pytest.mark.parametrize(
    "other",
    [
        {"lines": [{"department": "bar", "item": "soda"}]},
        {"lines": [{"department": "bar", "item": "coffee", "quantity": 2}]},
        {"lines": [{"department": "bar", "item": "coffee", "note": "hot"}]},
        {"lines": [{"department": "bar", "item": "coffee", "expected_price": 350}]},
        {"lines": [{"department": "bar", "item": "coffee", "allergy": True}]},
        {"lines": [{"department": "bar", "item": "coffee"}], "table": "7"},
        {"lines": [{"department": "bar", "item": "coffee"}], "policy": "all_or_nothing"},
        {"lines": [{"department": "bar", "item": "coffee"}] * 2},
    ],
)
async def test_another_body_with_a_known_id_is_a_conflict_that_says_so(served: Served, other: Json) -> None:
    order_id = new_id()
    await served.order("bar coffee", order_id=order_id)
    body = problem(await served.client.post("/orders", json={"order_id": order_id, **other}), 409)
    assert body["title"] == "The order id is taken"
    assert body["detail"] == f"order {order_id} exists with another body; a new order needs an order_id of its own"
    assert body["order_id"] == order_id
    assert served.restaurant.bar.stock == STOCK["bar"] | {"coffee": 9}


EXPECTED = {"department": "bar", "item": "coffee", "expected_price": 350}


async def test_a_line_that_expects_the_price_that_its_item_has_is_accepted(served: Served) -> None:
    response = await served.client.post("/orders", json={"lines": [EXPECTED]})
    assert response.status_code == 201
    assert response.json()["lines"][0]["unit_price"] == 350


@pytest.mark.parametrize("price", [370, 349, 0])
async def test_a_line_that_expects_another_price_takes_nothing_and_tells_the_price(served: Served, price: int) -> None:
    served.restaurant.bar.prices["coffee"] = price
    response = await served.client.post("/orders", json={"lines": [EXPECTED, {"department": "bar", "item": "soda"}]})
    assert response.status_code == 201
    body = response.json()
    assert (body["status"], body["total"]) == ("partly_accepted", 300)
    assert outcomes(body) == ["price_changed", "accepted"]
    assert body["lines"][0]["unit_price"] == price
    assert body["lines"][0]["reason"] == f"its price is {price} now, and 350 was expected"
    assert served.restaurant.bar.stock == STOCK["bar"] | {"soda": 4}
    assert (await served.client.get(f"/orders/{body['order_id']}")).json() == body


async def test_a_price_of_nothing_may_be_expected(served: Served) -> None:
    served.restaurant.bar.prices["coffee"] = 0
    for price, status in ((0, 201), (1, 409)):
        line = EXPECTED | {"expected_price": price}
        assert (await served.client.post("/orders", json={"lines": [line]})).status_code == status


async def test_an_order_whose_only_price_has_changed_is_a_conflict_that_says_so(served: Served) -> None:
    body = problem(await served.client.post("/orders", json={"lines": [EXPECTED | {"expected_price": 340}]}), 409)
    assert "bar coffee: its price is 350 now, and 340 was expected" in body["detail"]
    assert body["order"]["lines"][0]["unit_price"] == 350
    assert served.restaurant.bar.stock == STOCK["bar"]


async def test_all_or_nothing_takes_nothing_where_one_price_has_changed(served: Served) -> None:
    served.restaurant.bar.prices["coffee"] = 370
    lines = [EXPECTED, {"department": "kitchen", "item": "pizza", "expected_price": 1100}]
    body = problem(await served.client.post("/orders", json={"policy": "all_or_nothing", "lines": lines}), 409)
    assert outcomes(body["order"]) == ["price_changed", "cancelled"]
    await served.restaurant.settle()
    served.restaurant.check_stock()
    assert served.restaurant.kitchen.stock == STOCK["kitchen"]


async def test_an_order_that_was_refused_for_its_price_stays_so_whatever_the_price_becomes(served: Served) -> None:
    order = {"order_id": new_id(), "lines": [EXPECTED | {"expected_price": 370}]}
    first = await served.client.post("/orders", json=order)
    served.restaurant.bar.prices["coffee"] = 370
    again = await served.client.post("/orders", json=order)
    assert (first.status_code, again.content) == (409, first.content)
    assert served.restaurant.bar.stock == STOCK["bar"]


async def test_an_order_keeps_the_currency_in_which_it_was_taken(served_on_any: Served) -> None:
    order_id = new_id()
    first = await served_on_any.order("bar coffee", order_id=order_id)
    served_on_any.requests.currency = Currency("JPY")
    again = await served_on_any.order("bar coffee", order_id=order_id)
    assert again.content == first.content
    assert (await served_on_any.client.get(f"/orders/{order_id}")).json() == first.json()
    new = (await served_on_any.order("bar coffee")).json()
    await served_on_any.restaurant.settle()
    listed = (await served_on_any.client.get("/orders")).json()["orders"]
    assert [(each["order_id"], each["currency"], each["currency_exponent"]) for each in listed] == [
        (new["order_id"], "JPY", 0),
        (order_id, "EUR", 2),
    ]
    cancelled = (await served_on_any.client.delete(f"/orders/{order_id}")).json()
    assert (cancelled["currency"], cancelled["currency_exponent"]) == ("EUR", 2)


async def test_an_order_from_before_a_restart_keeps_its_currency(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/gateway.db"
    async with serve(url, currency="KWD") as before:
        placed = (await before.order("bar coffee")).json()
    async with serve(url, currency="JPY") as after:
        found = (await after.client.get(f"/orders/{placed['order_id']}")).json()
    assert found == placed
    assert (found["currency"], found["currency_exponent"]) == ("KWD", 3)


async def test_a_quantity_of_one_and_an_empty_note_may_be_left_out(served: Served) -> None:
    order_id = new_id()
    plain = {"department": "bar", "item": "coffee"}
    full = plain | {"quantity": 1, "note": ""}
    first = await served.client.post("/orders", json={"order_id": order_id, "lines": [plain]})
    again = await served.client.post(
        "/orders", json={"order_id": order_id, "table": None, "policy": "best_effort", "lines": [full]}
    )
    assert again.content == first.content


async def test_all_or_nothing_is_accepted_whole_or_refused_whole(served: Served) -> None:
    whole = await served.order("bar coffee", "kitchen pizza", policy="all_or_nothing")
    assert whole.status_code == 201
    assert whole.json()["policy"] == "all_or_nothing"
    body = problem(await served.order("bar coffee", "kitchen meat", policy="all_or_nothing"), 409)
    assert outcomes(body["order"]) == ["cancelled", "out_of_stock"]
    assert served.restaurant.bar.stock["coffee"] == 9


# Read, listed.


async def test_an_order_can_be_looked_at_while_it_is_being_placed(served: Served) -> None:
    served.restaurant.kitchen.mouth.clear()
    order_id = new_id()
    placing = asyncio.create_task(served.order("bar coffee", "kitchen pizza", order_id=order_id))
    await until(lambda: served.restaurant.kitchen.tickets != {})
    order = await served.restaurant.service.find(order_id)
    await until(lambda: order.lines[0].outcome is Outcome.ACCEPTED)
    body = (await served.client.get(f"/orders/{order_id}")).json()
    assert outcomes(body) == ["accepted", "pending"]
    served.restaurant.kitchen.mouth.set()
    assert (await placing).status_code == 201


async def test_an_unknown_order_is_not_found(served: Served) -> None:
    order_id = new_id()
    for method in ("GET", "DELETE"):
        body = problem(await served.client.request(method, f"/orders/{order_id}"), 404)
        assert body["detail"] == f"there is no order {order_id}"
        assert body["order_id"] == order_id


async def test_orders_are_listed_newest_first_in_pages(served_on_any: Served) -> None:
    placed = [(await served_on_any.order("bar coffee", table=str(number))).json() for number in range(5)]
    seen: list[Json] = []
    cursor: str | None = None
    pages = 0
    while True:
        query = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = (await served_on_any.client.get("/orders", params=query)).json()
        seen += page["orders"]
        pages += 1
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == placed[::-1]
    assert pages == 3


async def test_orders_are_listed_by_status_and_by_table(served_on_any: Served) -> None:
    accepted = (await served_on_any.order("bar coffee", table="7")).json()
    part = (await served_on_any.order("bar coffee", "bar beer", table="8")).json()
    refused = (await served_on_any.order("bar beer", table="7")).json()["order"]

    async def listed(**query: str) -> list[Json]:
        orders: list[Json] = (await served_on_any.client.get("/orders", params=query)).json()["orders"]
        return orders

    assert await listed() == [refused, part, accepted]
    assert await listed(status="accepted") == [accepted]
    assert await listed(status="partly_accepted") == [part]
    assert await listed(table="7") == [refused, accepted]
    assert await listed(table="7", status="refused") == [refused]
    assert await listed(status="cancelled") == []
    assert await listed(table="9") == []


async def test_without_orders_the_list_is_empty(served: Served) -> None:
    assert (await served.client.get("/orders")).json() == {"orders": [], "next": None}


# Cancelled.


async def test_a_cancelled_order_is_restocked(served: Served) -> None:
    placed = (await served.order("bar coffee 2", "bar beer")).json()
    for _ in range(2):
        response = await served.client.delete(f"/orders/{placed['order_id']}")
        assert response.status_code == 200
        body = response.json()
        assert body["status"] == "cancelled"
        assert body["total"] == 0
        assert outcomes(body) == ["cancelled", "out_of_stock"]
    assert served.restaurant.bar.stock == STOCK["bar"]


async def test_a_cancel_that_a_department_is_still_to_hear_of_is_accepted(served: Served) -> None:
    placed = (await served.order("bar coffee")).json()
    served.restaurant.bar.go_away()
    response = await served.client.delete(f"/orders/{placed['order_id']}")
    assert response.status_code == 202
    served.restaurant.bar.come_back()
    await served.restaurant.settle()
    assert (await served.client.get(f"/orders/{placed['order_id']}")).json()["status"] == "cancelled"


async def test_an_order_that_is_being_made_cannot_be_cancelled(served: Served) -> None:
    placed = (await served.order("bar coffee")).json()
    served.restaurant.bar.start(placed["order_id"])
    body = problem(await served.client.delete(f"/orders/{placed['order_id']}"), 409)
    assert body["title"] == "The order cannot be cancelled"
    assert "bar has it preparing" in body["detail"]
    assert body["order_id"] == placed["order_id"]


async def test_a_cancelled_order_that_is_sent_again_is_a_conflict_that_says_what_it_is(served: Served) -> None:
    order_id = new_id()
    await served.order("bar coffee", order_id=order_id)
    await served.client.delete(f"/orders/{order_id}")
    body = problem(await served.order("bar coffee", order_id=order_id), 409)
    assert body["order"]["status"] == "cancelled"


# Failures.


async def test_where_the_journal_cannot_be_used_nothing_is_acknowledged(served: Served) -> None:
    order_id = new_id()
    served.restaurant.database.is_broken = True
    response = await served.order("bar coffee", order_id=order_id)
    body = problem(response, 503)
    assert body["title"] == "The journal cannot be used"
    assert body["detail"].startswith("the disk is gone. Nothing is acknowledged")
    assert response.headers["retry-after"] == "1"
    for method, path in (("GET", "/orders"), ("GET", f"/orders/{order_id}"), ("DELETE", f"/orders/{order_id}")):
        problem(await served.client.request(method, path), 503)
    served.restaurant.database.is_broken = False
    assert (await served.order("bar coffee", order_id=order_id)).status_code == 201


async def test_too_many_orders_at_once_get_503_with_retry_after(tmp_path: Path) -> None:
    async with serve(f"sqlite:///{tmp_path}/gateway.db", retry_policy=RetryPolicy(waiting=1)) as served:
        served.restaurant.bar.mouth.clear()
        waiting = asyncio.create_task(served.order("bar coffee"))
        await until(lambda: served.restaurant.bar.tickets != {})
        response = await served.order("bar coffee")
        assert problem(response, 503)["title"] == "Too many orders"
        assert response.headers["retry-after"] == "1"
        served.restaurant.bar.mouth.set()
        assert (await waiting).status_code == 201


async def test_a_fault_of_ours_is_a_problem_without_a_word_of_code(
    served: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    async def fail(goal: Goal, orders: Sequence[Order]) -> None:
        raise AssertionError("never foreseen")

    served.restaurant.bar.probe = fail  # type: ignore[method-assign, assignment]  # a fault, as none is known
    body = problem(await served.client.get("/menu"), 500)
    assert body == {"title": "A fault in the gateway", "status": 500, "detail": "it has been logged"}
    assert "a handler failed" in capsys.readouterr().out


async def test_an_item_that_is_off_sale_takes_nothing_and_the_rest_is_served(served: Served) -> None:
    served.restaurant.bar.off_sale = {"coffee"}
    body = (await served.order("bar coffee", "bar soda")).json()
    assert (outcomes(body), body["total"]) == (["off_sale", "accepted"], 300)
    assert (body["lines"][0]["unit_price"], body["lines"][0]["available"]) == (None, None)
    assert body["lines"][0]["reason"] == "bar has taken it off sale"
    assert served.restaurant.bar.stock == STOCK["bar"] | {"soda": 4}
    refused = problem(await served.order("bar coffee"), 409)
    assert "bar coffee: bar has taken it off sale" in refused["detail"]


async def test_an_allergy_is_kept_with_its_line_and_an_order_without_one_says_so(served: Served) -> None:
    lines = [
        {"department": "bar", "item": "coffee", "allergy": True, "note": "nuts"},
        {"department": "bar", "item": "soda"},
    ]
    order = {"order_id": new_id(), "lines": lines}
    body = (await served.client.post("/orders", json=order)).json()
    assert [line["allergy"] for line in body["lines"]] == [True, False]
    assert (await served.client.get(f"/orders/{order['order_id']}")).json() == body
    assert (await served.client.post("/orders", json=order)).json() == body
