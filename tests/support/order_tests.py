"""Tests of a system where nothing fails; its `system` has MENUS, and is made of processes or of containers."""

import asyncio
from collections import Counter

from tests.support.database_contents import StockRow
from tests.support.rest_clients import Json, line, order, outcomes
from tests.support.systems import System

CLIENTS = 64
STOCK = 100
MENUS = {
    "bar": {"coffee": STOCK, "soda": 10, "beer": 0, "tea": 10, "rum": 10, "gin": 10, "cola": 10},
    "kitchen": {"pizza": 50, "pasta": 10},
    "bakery": {"cookie": 10, "donut": 10},
}


async def test_64_clients_buy_exactly_what_there_is(system: System) -> None:
    responses: Counter[tuple[int, str]] = Counter()
    everything_responded = False

    async def buy(times: int) -> None:
        for _ in range(times):
            response = await client.post("/orders", json=order(line("bar", "coffee")))
            told = response.json() if response.status_code == 201 else response.json()["order"]
            (outcome,) = outcomes(told)
            responses[response.status_code, outcome] += 1

    async def audit() -> int:
        audits = 0
        while not everything_responded:
            await asyncio.to_thread(system.books.check, "bar")
            audits += 1
        return audits

    async with system.client() as client:
        auditor = asyncio.create_task(audit())
        await asyncio.gather(*(buy(3) for _ in range(CLIENTS)))
        everything_responded = True
        assert await auditor

    assert responses == {(201, "accepted"): STOCK, (409, "out_of_stock"): 3 * CLIENTS - STOCK}
    assert system.books.check("bar")["coffee"] == StockRow(received=STOCK, on_hand=0, held=0, sold=STOCK)


async def test_clients_of_several_departments_at_once_take_what_each_has(system: System) -> None:
    async with system.client() as client:
        responses = await asyncio.gather(
            *(
                client.post("/orders", json=order(line("kitchen", "pizza", 3), line("bakery", "cookie")))
                for _ in range(20)
            )
        )

    told = [outcomes(a.json() if a.status_code == 201 else a.json()["order"]) for a in responses]
    assert Counter(pizza for pizza, _ in told) == {"accepted": 16, "out_of_stock": 4}
    assert Counter(cookie for _, cookie in told) == {"accepted": 10, "out_of_stock": 10}
    assert system.books.check("kitchen")["pizza"] == StockRow(received=50, on_hand=2, held=0, sold=48)
    assert system.books.check("bakery")["cookie"] == StockRow(received=10, on_hand=0, held=0, sold=10)


async def test_the_same_order_sent_10_times_at_once_has_one_effect_and_one_response(system: System) -> None:
    body = order(line("bar", "soda", 2), line("bar", "beer"))

    async with system.client() as client:
        responses = await asyncio.gather(*(client.post("/orders", json=body) for _ in range(10)))
        again = await client.post("/orders", json=body)

    first = responses[0]
    assert first.status_code == 201
    assert outcomes(first.json()) == ["accepted", "out_of_stock"]
    assert {(a.status_code, a.headers["location"], a.text) for a in [*responses, again]} == {
        (201, f"/orders/{body['order_id']}", first.text)
    }
    assert system.books.check("bar")["soda"] == StockRow(received=10, on_hand=8, held=0, sold=2)


async def test_a_refused_order_sent_again_is_refused_with_the_same_words(system: System) -> None:
    body = order(line("bar", "beer"))

    async with system.client() as client:
        responses = await asyncio.gather(*(client.post("/orders", json=body) for _ in range(10)))

    assert {(a.status_code, a.text) for a in responses} == {(409, responses[0].text)}
    assert outcomes(responses[0].json()["order"]) == ["out_of_stock"]


async def test_another_body_with_a_known_order_id_is_refused(system: System, order_id: str) -> None:
    async with system.client() as client:
        first = await client.post("/orders", json=order(line("bar", "cola"), order_id=order_id))
        other = await client.post("/orders", json=order(line("bar", "cola", 2), order_id=order_id))

    assert first.status_code == 201
    assert other.status_code == 409
    assert "another body" in other.json()["detail"]
    assert system.books.check("bar")["cola"].sold == 1


async def test_a_cancelled_order_is_restocked_once(system: System) -> None:
    body = order(line("bar", "tea", 4), line("kitchen", "pasta", 3))

    async with system.client() as client:
        placed = await client.post("/orders", json=body)
        taken = system.books.stock("bar")["tea"], system.books.stock("kitchen")["pasta"]
        cancelled = await client.delete(f"/orders/{body['order_id']}")
        again = await client.delete(f"/orders/{body['order_id']}")
        late = await client.post("/orders", json=body)

    assert placed.status_code == 201
    assert taken == (StockRow(10, 6, 0, 4), StockRow(10, 7, 0, 3))
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    assert (again.status_code, again.json()["status"]) == (200, "cancelled")
    assert late.status_code == 409, "the same order again is the cancelled one, not a new one"
    assert system.books.check("bar")["tea"] == StockRow(10, 10, 0, 0)
    assert system.books.check("kitchen")["pasta"] == StockRow(10, 10, 0, 0)


async def test_the_menu_shows_live_stock(system: System) -> None:
    async with system.client() as client:
        before = await client.get("/menu")
        await client.post("/orders", json=order(line("bar", "tea")))
        after = await client.get("/menu")

    assert {d["name"]: d["state"] for d in after.json()["departments"]} == {
        "bar": "open",
        "kitchen": "open",
        "bakery": "open",
    }
    assert available(after.json(), "bar", "tea") == available(before.json(), "bar", "tea") - 1


async def test_the_set_menu_gets_the_counters_words(system: System) -> None:
    async with system.client() as client:
        response = await client.post("/api/restaurants", json={"drink": "맥주", "meal": "fish", "dessert": "도넛"})

    told = response.json()
    assert response.status_code == 201
    assert (told["drink"], told["meal"], told["dessert"]) == ("Drink out of stock", "Meal not Found", "Delivery!")


def available(menu: Json, department: str, item: str) -> int:
    (found,) = [
        each["available"]
        for shown in menu["departments"]
        if shown["name"] == department
        for each in shown["items"]
        if each["id"] == item
    ]
    assert isinstance(found, int)
    return found
