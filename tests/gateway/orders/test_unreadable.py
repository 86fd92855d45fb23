"""Rows of the journal that this version cannot read: each is passed over alone, and stays as it is for a newer one."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from gateway.domain.errors import OrderUnreadable
from gateway.domain.order import Status
from tests.support.order_path import Restaurant
from tests.support.orders import new_id, order, outcomes
from tests.support.rest_app import problem, serve

UNREADABLE = [
    ("owed", '{"bar": "reserve"}'),
    ("owed", '{"cellar": "place"}'),
    ("owed", "not JSON"),
    ("lines", '[{"department": "bar", "item": "coffee", "outcome": "frozen"}]'),
    ("lines", "null"),
    ("quotes", '{"bar": "soon"}'),
    ("policy", "first_come"),
    ("currency", "ECU"),
]


@pytest.fixture
async def restaurant(database_url: str) -> AsyncIterator[Restaurant]:
    restaurant = Restaurant(database_url)
    await restaurant.open()
    yield restaurant
    restaurant.repair()
    await restaurant.close()


async def spoil(restaurant: Restaurant, order_id: str, column: str, text: str) -> None:
    """Write a newer version's words into an unfinished order."""

    def write(connection: sa.Connection) -> None:
        words = {"owed": '{"bar": "place"}', column: text}
        changes = ", ".join(f"{name} = :{name}" for name in words)
        connection.execute(sa.text(f"UPDATE orders SET {changes} WHERE order_id = :id"), {**words, "id": order_id})

    await restaurant.database.write(write)


async def row(restaurant: Restaurant, order_id: str) -> Any:
    def read(connection: sa.Connection) -> Any:
        return connection.execute(sa.text("SELECT * FROM orders WHERE order_id = :id"), {"id": order_id}).one()

    return tuple(await restaurant.database.read(read))


@pytest.mark.parametrize(("column", "text"), UNREADABLE)
async def test_a_gateway_starts_beside_it_takes_up_the_rest_and_leaves_it_as_it_is(
    restaurant: Restaurant, column: str, text: str
) -> None:
    spoiled, sound = order("bar coffee"), order("bar soda")
    for each in (spoiled, sound):
        await restaurant.journal.insert(each)
    await spoil(restaurant, spoiled.order_id, column, text)
    before = await row(restaurant, spoiled.order_id)
    await restaurant.journal.retire()
    await restaurant.crash()
    with capture_logs() as lines:
        await restaurant.open()
        await restaurant.service._lease_keeper._claim()
    await restaurant.settle()
    assert outcomes(await restaurant.service.find(sound.order_id)) == ["accepted"]
    assert await row(restaurant, spoiled.order_id) == before
    assert restaurant.service.unreadable == 1
    said = [line for line in lines if line["event"] == "an order cannot be read"]
    assert [(line["log_level"], line["order_id"]) for line in said] == [("error", spoiled.order_id)]


async def test_any_number_of_them_does_not_hide_the_orders_behind_them(restaurant: Restaurant) -> None:
    asked = [order("bar coffee") for _ in range(7)]
    for each in asked:
        await restaurant.journal.insert(each)
    for each in asked[:5]:
        await spoil(restaurant, each.order_id, "owed", '{"bar": "reserve"}')
    await restaurant.journal.retire()
    await restaurant.journal.enlist()
    claimed: list[str] = []
    while found := await restaurant.journal.claim(dict, 2):
        claimed += [each.order_id for each in found]
    assert claimed == [each.order_id for each in asked[5:]]
    assert restaurant.journal.unreadable == 5


async def test_a_living_gateway_goes_on_beside_it(restaurant: Restaurant) -> None:
    spoiled = order("bar coffee")
    await restaurant.journal.insert(spoiled)
    await spoil(restaurant, spoiled.order_id, "owed", '{"bar": "reserve"}')
    before = await row(restaurant, spoiled.order_id)
    await restaurant.service._lease_keeper._find_unknown()
    await restaurant.service._lease_keeper._claim()
    assert await row(restaurant, spoiled.order_id) == before
    with pytest.raises(OrderUnreadable, match=f"order {spoiled.order_id} is written in a way that this version"):
        await restaurant.service.find(spoiled.order_id)
    with pytest.raises(OrderUnreadable):
        await restaurant.service.cancel(spoiled.order_id)
    with pytest.raises(OrderUnreadable):
        await restaurant.service.place(order("bar coffee", order_id=spoiled.order_id))
    assert await row(restaurant, spoiled.order_id) == before
    assert (await restaurant.service.place(order("bar coffee"))).status is Status.ACCEPTED
    await restaurant.settle()


async def test_those_beside_it_in_one_batch_are_written(restaurant: Restaurant) -> None:
    spoiled = order("bar coffee")
    await restaurant.journal.insert(spoiled)
    await spoil(restaurant, spoiled.order_id, "policy", "first_come")
    results = [
        restaurant.journal.insert(each) for each in (order("bar soda"), order("bar coffee", order_id=spoiled.order_id))
    ]
    assert await results[0] is None
    with pytest.raises(OrderUnreadable):
        await results[1]


async def test_pages_pass_over_it_and_count_it(restaurant: Restaurant) -> None:
    asked = [order("bar coffee") for _ in range(3)]
    for each in asked:
        await restaurant.service.place(each)
    await restaurant.settle()
    await spoil(restaurant, asked[1].order_id, "owed", '{"bar": "reserve"}')
    page = await restaurant.service.list_orders(10, None, None, None)
    assert [each.order_id for each in page.orders] == [asked[2].order_id, asked[0].order_id]
    assert restaurant.service.unreadable == 1
    first = await restaurant.service.list_orders(1, None, None, None)
    assert first.cursor is not None
    rest = await restaurant.service.list_orders(1, first.cursor, None, None)
    assert [each.order_id for each in [*first.orders, *rest.orders]] == [asked[2].order_id, asked[0].order_id]


async def test_what_can_be_read_again_is_not_counted_any_more(restaurant: Restaurant) -> None:
    asked = order("bar coffee")
    await restaurant.service.place(asked)
    await restaurant.settle()
    await spoil(restaurant, asked.order_id, "policy", "first_come")
    with pytest.raises(OrderUnreadable):
        await restaurant.service.find(asked.order_id)
    await spoil(restaurant, asked.order_id, "policy", "best_effort")
    await restaurant.service.find(asked.order_id)
    assert restaurant.service.unreadable == 0


async def test_over_http_it_is_a_problem_that_says_so_and_the_list_goes_on(database_url: str) -> None:
    async with serve(database_url) as served:
        placed = (await served.order("bar coffee")).json()
        spoiled = (await served.order("bar soda")).json()["order_id"]
        await served.restaurant.settle()
        await spoil(served.restaurant, spoiled, "owed", '{"bar": "reserve"}')
        for response in (
            await served.client.get(f"/orders/{spoiled}"),
            await served.client.delete(f"/orders/{spoiled}"),
            await served.order("bar soda", order_id=spoiled),
        ):
            body = problem(response, 503)
            assert body["title"] == "The order cannot be read"
            assert body["order_id"] == spoiled
            assert "reserve" in body["detail"]
        listed = await served.client.get("/orders")
        assert [each["order_id"] for each in listed.json()["orders"]] == [placed["order_id"]]
        assert (await served.client.get("/health/ready")).json()["unreadable_orders"] == 1
        assert (await served.client.get(f"/orders/{new_id()}")).status_code == 404
