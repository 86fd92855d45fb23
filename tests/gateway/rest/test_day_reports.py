"""`GET /reports/preparation-times` and `/reports/orders`: how long the staff took, and how many orders there were."""

import csv
import io

import sqlalchemy as sa

from gateway.domain.lines import TicketState
from gateway.rest.csv_text import csv_text
from tests.support.rest_app import Json, Served, problem
from tests.support.waiting import eventually


async def report(served: Served, path: str, **query: str) -> Json:
    response = await served.client.get(f"/reports/{path}", params=query)
    assert response.status_code == 200, response.text
    body: Json = response.json()
    return body


async def prepare(served: Served, department: str, **seconds: float) -> None:
    """Let a department start orders and finish them so much later, and wait until the journal has it."""
    await served.restaurant.settle()
    await served.restaurant.journal.flush()
    watch = served.restaurant.watches[department]
    for order_id, took in seconds.items():
        await watch.move(order_id, TicketState.PREPARING)
        watch.revision += round(took * 1000) - 1  # a revision of this fake is a millisecond
        await watch.move(order_id, TicketState.READY)

    async def is_known() -> bool:
        figures = (await report(served, "preparation-times"))["figures"]
        return [each["shares"] for each in figures] == [len(seconds)]

    await eventually(is_known, "the journal has what is ready")


async def test_preparation_times_have_median_and_95th_percentile(served_on_any: Served) -> None:
    placed = [(await served_on_any.order("kitchen pizza", "bar coffee")).json()["order_id"] for _ in range(3)]
    await prepare(served_on_any, "kitchen", **dict(zip(placed, (300, 60, 120), strict=True)))
    body = await report(served_on_any, "preparation-times", by="item")
    (pizza,) = body["figures"]
    assert (pizza["department"], pizza["item"], pizza["shares"]) == ("kitchen", "pizza", 3)
    assert (pizza["p50"], pizza["p95"]) == (120.0, 300.0)
    (kitchen,) = (await report(served_on_any, "preparation-times"))["figures"]
    assert (kitchen["item"], kitchen["shares"]) == (None, 3)
    assert (await report(served_on_any, "preparation-times", to="2025-06-15T15:00:00Z"))["figures"] == []
    text = (await served_on_any.client.get("/reports/preparation-times?by=item&format=csv")).text
    assert list(csv.reader(io.StringIO(text))) == [
        ["department", "item", "shares", "p50", "p95"],
        ["kitchen", "pizza", "3", "120.0", "300.0"],
    ]


async def test_a_share_that_is_not_ready_yet_has_no_preparation_time(served_on_any: Served) -> None:
    restaurant = served_on_any.restaurant
    order_id = (await served_on_any.order("kitchen pizza")).json()["order_id"]
    await restaurant.watches["kitchen"].move(order_id, TicketState.PREPARING)

    async def is_known() -> bool:
        return "kitchen" in (await restaurant.service.find(order_id)).tickets

    await eventually(is_known, "the gateway knows that it is started")
    assert (await report(served_on_any, "preparation-times"))["figures"] == []


async def test_orders_are_counted_by_their_status(served_on_any: Served) -> None:
    restaurant = served_on_any.restaurant
    assert (await report(served_on_any, "orders"))["orders"] == 0
    for wish in ("bar coffee", "kitchen pizza", "bar beer 99"):
        await served_on_any.order(wish)
    cancelled = (await served_on_any.order("bar coffee")).json()["order_id"]
    assert (await served_on_any.client.delete(f"/orders/{cancelled}")).status_code == 200
    await restaurant.settle()
    assert await report(served_on_any, "orders") == {
        "orders": 4,
        "accepted": 2,
        "partly_accepted": 0,
        "refused": 1,
        "cancelled": 1,
        "pending": 0,
        "left_out": 0,
    }
    assert (await report(served_on_any, "orders", to="2025-06-15T15:00:00Z"))["orders"] == 0
    for path in ("orders", "preparation-times"):
        assert problem(await served_on_any.client.get(f"/reports/{path}?from=2020-01-01T00:00:00Z"), 400)["field"]


async def test_an_order_that_cannot_be_read_is_left_out_and_counted(served_on_any: Served) -> None:
    restaurant = served_on_any.restaurant
    spoiled = (await served_on_any.order("kitchen pizza")).json()["order_id"]
    await prepare(served_on_any, "kitchen", **{spoiled: 60})
    await restaurant.settle()
    await restaurant.journal.flush()

    def spoil(connection: sa.Connection) -> None:
        statement = "UPDATE orders SET lines = 'none', status = 'lost' WHERE order_id = :id"
        connection.execute(sa.text(statement), {"id": spoiled})

    await restaurant.database.write(spoil)
    assert (await report(served_on_any, "orders"))["left_out"] == 1
    assert (await report(served_on_any, "preparation-times"))["left_out"] == 1


def test_no_cell_of_a_csv_starts_a_formula() -> None:
    text = csv_text([["=1+1", "+1", "-1", "@sum", "\tx", "\rx"], ['say "now"', "김치, 매운", -3, 0.5, None, ""]])
    first, second = csv.reader(io.StringIO(text, newline=""))
    assert first == ["'=1+1", "'+1", "'-1", "'@sum", "'\tx", "'\rx"]
    assert second == ['say "now"', "김치, 매운", "-3", "0.5", "", ""]
