"""`GET /reports/ready-times`: how well the quoted times came true, by department."""

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.accuracy import Measured, accuracy, percentile
from gateway.domain.lines import TicketState
from tests.support.order_path import Restaurant
from tests.support.rest_app import Json, Served, problem
from tests.support.waiting import eventually


async def report(served: Served, **query: str) -> Json:
    response = await served.client.get("/reports/ready-times", params=query)
    assert response.status_code == 200, response.text
    body: Json = response.json()
    return body


async def finish(restaurant: Restaurant, department: str, order_id: str) -> None:
    """Let a department finish an order, and wait until the gateway knows."""
    await restaurant.watches[department].move(order_id, TicketState.READY)

    async def is_known() -> bool:
        tickets = (await restaurant.service.find(order_id)).tickets
        return department in tickets and tickets[department].state is TicketState.READY

    await eventually(is_known, "the gateway knows that it is ready")


async def test_quotes_are_compared_with_what_came_true(served_on_any: Served) -> None:
    restaurant = served_on_any.restaurant
    restaurant.departments["bar"].kinds = {"coffee": ("hot", 60)}
    await served_on_any.client.get("/menu")
    first, second = [(await served_on_any.order("bar coffee", "kitchen pizza")).json()["order_id"] for _ in range(2)]
    await served_on_any.order("kitchen pizza")
    assert await report(served_on_any) == {"departments": [], "left_out": 0}
    for order_id in (first, second):
        await finish(restaurant, "bar", order_id)
    (bar,) = (await report(served_on_any))["departments"]
    assert bar == {
        "department": "bar",
        "shares": 2,
        "quoted": {"p50": 60.0, "p90": 120.0},
        "actual": {"p50": 0.1, "p90": 0.1},
        "error": {"p50": 59.9, "p90": 119.9},
        "late_p50": -119.9,
    }
    assert (await report(served_on_any, to="2025-06-15T15:00:00Z"))["departments"] == []
    assert problem(await served_on_any.client.get("/reports/ready-times?from=2020-01-01T00:00:00Z"), 400)["field"]


async def test_an_order_whose_quotes_cannot_be_read_is_left_out_and_counted(served_on_any: Served) -> None:
    restaurant = served_on_any.restaurant
    spoiled, sound = [(await served_on_any.order("bar coffee")).json()["order_id"] for _ in range(2)]
    await finish(restaurant, "bar", sound)

    def spoil(connection: sa.Connection) -> None:
        connection.execute(sa.text("UPDATE orders SET quotes = 'soon' WHERE order_id = :id"), {"id": spoiled})

    await restaurant.settle()
    await restaurant.database.write(spoil)
    body = await report(served_on_any)
    assert ([each["shares"] for each in body["departments"]], body["left_out"]) == ([1], 1)


def test_the_error_counts_both_ways_and_lateness_has_a_sign() -> None:
    late, early = Measured("bar", 60, 90), Measured("bar", 60, 50)
    (bar,) = accuracy([late, early, early])
    assert (bar.shares, bar.quoted, bar.actual, bar.error, bar.late_p50) == (3, (60, 60), (50, 90), (10, 30), -10)
    assert [each.department for each in accuracy([late, late._replace(department="bakery")])] == ["bakery", "bar"]
    assert accuracy([]) == []


@given(st.lists(st.floats(-1e6, 1e6), min_size=1), st.sampled_from([0.5, 0.9, 1.0]))
def test_a_percentile_is_the_smallest_value_that_so_many_do_not_exceed(values: list[float], share: float) -> None:
    found = percentile(values, share)
    assert sum(value <= found for value in values) >= share * len(values)
    assert sum(value < found for value in values) < share * len(values)
    assert found in values


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_a_percentile_of_one_value_is_that_value(share: float) -> None:
    assert percentile([7.0], share) == 7
