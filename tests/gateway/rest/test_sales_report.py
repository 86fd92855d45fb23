"""`GET /reports/sales`: what was sold, by day, hour, item and department, in the restaurant's time zone."""

import asyncio
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from gateway.domain.days import Calendar
from gateway.domain.lines import Outcome
from gateway.domain.sales import Sales, SalesBy, Sold, add_up
from gateway.orders.reports import AT_ONCE
from tests.support.orders import NOON_MS, order
from tests.support.rest_app import Json, Served, problem
from tests.support.waiting import eventually, until

BERLIN = Calendar(ZoneInfo("Europe/Berlin"))


async def report(served: Served, **query: Any) -> Json:
    response = await served.client.get("/reports/sales", params=query)
    assert response.status_code == 200, response.text
    body: Json = response.json()
    return body


def figures(body: Json, *names: str) -> list[tuple[Any, ...]]:
    return [tuple(figure[name] for name in names) for figure in body["figures"]]


@pytest.fixture
async def sold(served_on_any: Served) -> Served:
    """Orders of three hours, 40 minutes past 15:00 UTC each, of which one is cancelled."""
    served = served_on_any
    await served.order("bar coffee 2", "kitchen pizza", "bar beer")
    served.restaurant.clock.now += 3600
    await served.order("bar coffee", "bar soda 2")
    served.restaurant.clock.now += 3600
    cancelled = (await served.order("kitchen pizza 3")).json()["order_id"]
    assert (await served.client.delete(f"/orders/{cancelled}")).status_code == 200
    await served.restaurant.settle()
    return served


async def test_sales_are_added_up_by_day(sold: Served) -> None:
    body = await report(sold)
    assert body["time_zone"] == "UTC"
    assert figures(body, "day", "quantity", "total", "currency", "currency_exponent") == [
        ("2025-06-15", 6, 2 * 350 + 1100 + 350 + 600, "EUR", 2)
    ]
    assert [(total["quantity"], total["total"], total["day"]) for total in body["totals"]] == [(6, 2750, None)]


async def test_sales_are_added_up_by_hour_item_and_department(sold: Served) -> None:
    assert figures(await report(sold, by="hour"), "hour", "quantity", "total") == [
        ("2025-06-15T15:00+00:00", 3, 1800),
        ("2025-06-15T16:00+00:00", 3, 950),
    ]
    assert figures(await report(sold, by="item"), "department", "item", "quantity", "total") == [
        ("bar", "coffee", 3, 1050),
        ("bar", "soda", 2, 600),
        ("kitchen", "pizza", 1, 1100),
    ]
    assert figures(await report(sold, by="department"), "department", "item", "total") == [
        ("bar", None, 1650),
        ("kitchen", None, 1100),
    ]


async def test_a_line_that_the_staff_cancelled_was_not_sold(sold: Served) -> None:
    order_id = (await sold.order("bar coffee 5", "bar soda")).json()["order_id"]
    await sold.restaurant.settle()
    before = {each["item"]: each["quantity"] for each in (await report(sold, by="item"))["figures"]}
    await sold.restaurant.watches["bar"].cancel_line(order_id, 0, "no milk")

    async def is_left_out() -> bool:
        return (await sold.restaurant.service.find(order_id)).total == 300

    await eventually(is_left_out, "the order says so")
    await until(lambda: sold.restaurant.service.following.unsettled == 0)
    await sold.restaurant.settle()
    body = await report(sold, by="item")
    assert {each["item"]: each["quantity"] for each in body["figures"]} == {**before, "coffee": before["coffee"] - 5}
    assert body["totals"][0]["total"] == 2750 + 300


async def test_only_orders_of_the_range_count(sold: Served) -> None:
    assert (await report(sold, **{"from": "2025-06-15T16:00:00Z"}))["totals"][0]["total"] == 950
    assert (await report(sold, to="2025-06-15T16:00:00Z"))["totals"][0]["total"] == 1800
    assert await report(sold, to="2025-06-15T15:00:00Z") == {
        "by": "day",
        "time_zone": "UTC",
        "figures": [],
        "totals": [],
        "left_out": 0,
    }
    body = problem(await sold.client.get("/reports/sales", params={"from": "2020-01-01T00:00:00Z"}), 400)
    assert body["field"] == "from"


@pytest.mark.parametrize("path", ["sales", "ready-times", "preparation-times", "orders"])
@pytest.mark.parametrize(
    "to", ["0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "9999-01-01T00:00:00Z", "9999-12-31T23:59:59Z"]
)
async def test_a_report_up_to_a_moment_that_has_no_day_is_refused(served: Served, path: str, to: str) -> None:
    body = problem(await served.client.get(f"/reports/{path}", params={"to": to}), 400)
    assert (body["field"], body["value"]) == ("to", to)


async def test_a_layout_that_there_is_not_is_refused_with_those_that_there_are(served: Served) -> None:
    body = problem(await served.client.get("/reports/sales", params={"format": "xml"}), 400)
    assert (body["field"], body["allowed"]) == ("format", "expected one of csv, json")


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("lines", '[{"department": "bar", "item": "coffee", "outcome": "frozen"}]'),
        ("lines", '[{"department": "bar", "item": "coffee", "quantity": "two", "outcome": "accepted"}]'),
        ("lines", "not JSON"),
        ("currency", "ECU"),
    ],
)
async def test_an_order_that_cannot_be_read_is_left_out_logged_and_counted(
    sold: Served, column: str, text: str
) -> None:
    spoiled = (await sold.order("bar coffee")).json()["order_id"]
    await sold.restaurant.settle()
    await sold.restaurant.journal.flush()

    def spoil(connection: sa.Connection) -> None:
        words = {"text": text, "id": spoiled}
        connection.execute(sa.text(f"UPDATE orders SET {column} = :text WHERE order_id = :id"), words)

    await sold.restaurant.database.write(spoil)
    with capture_logs() as lines:
        body = await report(sold)
    assert (body["left_out"], body["totals"][0]["total"]) == (1, 2750)
    assert [line["order_id"] for line in lines if line["event"] == "an order cannot be read"] == [spoiled]
    assert (await report(sold, by="item"))["left_out"] == 1


async def test_a_report_of_more_orders_than_are_read_at_once_is_whole(served_on_any: Served) -> None:
    restaurant = served_on_any.restaurant
    placed = [order("bar coffee", now_ms=NOON_MS + number // 3) for number in range(AT_ONCE + 5)]
    for each in placed:
        each.lines[0].outcome, each.lines[0].unit_price, each.owed = Outcome.ACCEPTED, 350, {}
    await asyncio.gather(*map(restaurant.journal.insert, placed))
    body = await report(served_on_any)
    assert (body["totals"][0]["quantity"], body["left_out"]) == (AT_ONCE + 5, 0)


async def test_a_report_is_written_as_csv(sold: Served) -> None:
    response = await sold.client.get("/reports/sales", params={"by": "department", "format": "csv"})
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert response.text.splitlines() == [
        "day,hour,department,item,quantity,total,currency,currency_exponent",
        ",,bar,,5,1650,EUR,2",
        ",,kitchen,,1,1100,EUR,2",
    ]


def sales(by: SalesBy, *times: str, currency: str = "EUR") -> list[Sales]:
    quarters = [int(datetime.fromisoformat(each).timestamp()) // 900 for each in times]
    return add_up([Sold(quarter, currency, "bar", "coffee", 1, 350) for quarter in quarters], by, BERLIN)


def test_the_day_on_which_the_clocks_are_set_back_has_25_hours() -> None:
    times = ["2026-10-24T23:45+02:00", "2026-10-25T00:00+02:00", "2026-10-25T23:45+01:00", "2026-10-26T00:00+01:00"]
    assert [(each.key.day, each.quantity) for each in sales(SalesBy.DAY, *times)] == [
        ("2026-10-24", 1),
        ("2026-10-25", 2),
        ("2026-10-26", 1),
    ]
    twice = ["2026-10-25T02:30+02:00", "2026-10-25T02:30+01:00", "2026-10-25T02:45+01:00"]
    assert [(each.key.hour, each.quantity) for each in sales(SalesBy.HOUR, *twice)] == [
        ("2026-10-25T02:00+02:00", 1),
        ("2026-10-25T02:00+01:00", 2),
    ]


def test_the_day_on_which_the_clocks_are_set_forward_has_23_hours() -> None:
    times = ["2026-03-29T01:45+01:00", "2026-03-29T03:00+02:00", "2026-03-29T23:45+02:00", "2026-03-30T00:00+02:00"]
    assert [(each.key.day, each.quantity) for each in sales(SalesBy.DAY, *times)] == [
        ("2026-03-29", 3),
        ("2026-03-30", 1),
    ]
    assert [each.key.hour for each in sales(SalesBy.HOUR, *times[:2])] == [
        "2026-03-29T01:00+01:00",
        "2026-03-29T03:00+02:00",
    ]
