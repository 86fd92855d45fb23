"""`GET /orders` by time, department, progress and number."""

from typing import Any

import pytest

from gateway.domain.lines import TicketState
from tests.support.rest_app import Served, problem
from tests.support.waiting import eventually

HOUR = 3600.0


async def listed(served: Served, **query: Any) -> list[str]:
    response = await served.client.get("/orders", params=query)
    assert response.status_code == 200, response.text
    return [each["order_id"] for each in response.json()["orders"]]


async def place_hourly(served: Served, count: int) -> list[str]:
    """Place an order an hour, the first at 15:06:40 UTC."""
    placed = []
    for _ in range(count):
        placed.append((await served.order("bar coffee")).json()["order_id"])
        await served.restaurant.settle()
        served.restaurant.clock.now += HOUR
    return placed


async def test_orders_of_a_range_of_time_are_listed(served_on_any: Served) -> None:
    served = served_on_any
    first, second, third = await place_hourly(served, 3)
    assert await listed(served, **{"from": "2025-06-15T16:06:40Z"}) == [third, second]
    assert await listed(served, to="2025-06-15T16:06:40Z") == [first]
    assert await listed(served, **{"from": "2025-06-15T18:00:00+02:00", "to": "2025-06-15T16:10:00Z"}) == [second]
    assert await listed(served, **{"from": "2026-01-01T00:00:00Z"}) == []
    page = (await served.client.get("/orders", params={"to": "2025-06-15T17:10:00Z", "limit": "2"})).json()
    assert [each["order_id"] for each in page["orders"]] == [third, second]
    assert await listed(served, to="2025-06-15T17:10:00Z", cursor=page["next"]) == [first]


async def test_orders_of_a_department_are_listed(served_on_any: Served) -> None:
    served = served_on_any
    both = (await served.order("bar coffee", "kitchen pizza")).json()["order_id"]
    bar = (await served.order("bar coffee")).json()["order_id"]
    assert await listed(served, department="bar") == [bar, both]
    assert await listed(served, department="kitchen") == [both]
    assert await listed(served, department="kitch") == await listed(served, department="%") == []


async def test_an_order_is_found_by_its_number_of_today_or_yesterday(served: Served) -> None:
    placed = (await served.order("bar coffee")).json()
    await served.order("bar coffee")
    assert await listed(served, number=placed["number"]) == [placed["order_id"]]
    served.restaurant.clock.now += 50 * HOUR
    assert await listed(served, number=placed["number"]) == []
    found = await listed(served, number=placed["number"], **{"from": "2025-06-15T00:00:00Z"})
    assert found == [placed["order_id"]]


async def test_orders_are_listed_by_their_progress(served_on_any: Served) -> None:
    served = served_on_any
    placed = [(await served.order("bar coffee")).json()["order_id"] for _ in range(5)]
    await served.restaurant.settle()
    for order_id in placed[1:4]:
        await served.restaurant.watches["bar"].move(order_id, TicketState.READY)

    async def are_ready() -> bool:
        return await listed(served, progress="ready") == placed[3:0:-1]

    await eventually(are_ready, "three orders are ready")
    assert await listed(served, progress="queued") == [placed[4], placed[0]]
    page = (await served.client.get("/orders", params={"progress": "ready", "limit": "2"})).json()
    assert [each["order_id"] for each in page["orders"]] == [placed[3], placed[2]]
    assert await listed(served, progress="ready", cursor=page["next"]) == [placed[1]]


async def test_orders_of_a_number_or_a_progress_are_looked_for_in_the_two_days_before_the_end_of_the_range(
    served: Served,
) -> None:
    placed = (await served.order("bar coffee")).json()
    await served.restaurant.settle()
    served.restaurant.clock.now += 50 * HOUR
    for query in ({"number": placed["number"]}, {"progress": "queued"}):
        assert await listed(served, **query) == []
        assert await listed(served, to="2025-06-16T00:00:00Z", **query) == [placed["order_id"]]


async def test_an_offset_whose_plus_became_a_space_is_an_offset(served: Served) -> None:
    placed = (await served.order("bar coffee")).json()["order_id"]
    for text in ("2025-06-15T17:00:00 02:00", "2025-06-15T17:00:00.000 0200", "2025-06-15T17:00 02:00"):
        assert await listed(served, **{"from": text}) == [placed]
        assert await listed(served, to=text) == []


async def test_a_range_that_ends_before_it_begins_is_refused(served: Served) -> None:
    query = {"from": "2025-06-16T00:00:00Z", "to": "2025-06-15T00:00:00Z"}
    for path in ("/orders", "/reports/sales", "/reports/ready-times", "/reports/preparation-times", "/reports/orders"):
        body = problem(await served.client.get(path, params=query), 400)
        assert (body["field"], body["value"]) == ("from", query["from"])
        assert query["to"] in body["allowed"]
        assert (await served.client.get(path, params={**query, "to": query["from"]})).status_code == 200


@pytest.mark.parametrize("text", ["yesterday", "2025-06-15", "2025-06-15T16:06:40", ""])
async def test_a_moment_has_to_have_an_offset(served: Served, text: str) -> None:
    response = await served.client.get("/orders", params={"from": text})
    body = problem(response, 400)
    assert body["field"] == "from"
    assert "2026-11-22T20:00:00Z" in body["detail"]
