"""What was placed is in the log, with its table, its items and its request."""

import asyncio
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from structlog.testing import LogCapture

from gateway.orders.placed_log import ORDERS_IN_A_LINE, PlacedLog
from infra.logs import add_request_id
from tests.support.order_path import Restaurant
from tests.support.orders import new_id, order
from tests.support.plain_logs import log_plainly
from tests.support.rest_app import Served
from tests.support.waiting import until


@pytest.fixture
def lines() -> Iterator[list[Any]]:
    capture = LogCapture()
    structlog.configure(processors=[add_request_id, capture])
    yield capture.entries
    log_plainly()


def placed(lines: list[Any]) -> list[dict[str, Any]]:
    """All orders in the lines, in their order."""
    return [each for line in lines if line["event"] == "placed" for each in line["placed"]]


async def test_an_order_is_logged_with_its_table_items_and_request(served: Served, lines: list[Any]) -> None:
    first, second = new_id(), new_id()
    await served.client.post(
        "/orders",
        json={
            "order_id": first,
            "table": "7",
            "lines": [
                {"department": "bar", "item": "coffee", "quantity": 2},
                {"department": "kitchen", "item": "pizza"},
            ],
        },
        headers={"x-request-id": "mine"},
    )
    response = await served.set_menu("coffee", "pizza", "cookie", order_id=second)
    await until(lambda: len(placed(lines)) == 2)
    assert placed(lines) == [
        {"order_id": first, "table": "7", "items": 3, "request_id": "mine"},
        {"order_id": second, "table": None, "items": 3, "request_id": response.headers["x-request-id"]},
    ]


async def test_orders_that_are_placed_within_a_moment_share_a_line(served: Served, lines: list[Any]) -> None:
    await asyncio.gather(*(served.order("bar coffee") for _ in range(10)))
    await until(lambda: len(placed(lines)) == 10)
    (line,) = [line for line in lines if line["event"] == "placed"]
    assert line["orders"] == 10
    assert line["log_level"] == "info"


async def test_a_line_about_many_orders_is_not_one_request_s(served: Served, lines: list[Any]) -> None:
    served.restaurant.bar.mouth.clear()
    placing = asyncio.create_task(served.order("bar coffee"))
    await until(lambda: len(placed(lines)) == 1)
    (line,) = [line for line in lines if line["event"] == "placed"]
    assert "request_id" not in line
    served.restaurant.bar.mouth.set()
    await placing


async def test_an_order_that_is_sent_again_is_not_logged_again(served: Served, lines: list[Any]) -> None:
    order_id = new_id()
    for _ in range(3):
        await served.order("bar coffee", order_id=order_id)
    await served.restaurant.service.close()
    assert [each["order_id"] for each in placed(lines)] == [order_id]


async def test_what_is_not_logged_yet_is_when_the_gateway_closes(tmp_path: Path, lines: list[Any]) -> None:
    restaurant = Restaurant(f"sqlite:///{tmp_path}/gateway.db")
    await restaurant.open()
    asked = order("bar coffee")
    await restaurant.service.place(asked)
    await restaurant.close()
    assert placed(lines) == [{"order_id": asked.order_id, "table": None, "items": 1, "request_id": None}]


async def test_no_line_is_longer_than_collectors_take(lines: list[Any]) -> None:
    log = PlacedLog()
    for _ in range(2 * ORDERS_IN_A_LINE + 1):
        log.note(order("bar coffee"))
    log.flush()
    assert [line["orders"] for line in lines] == [ORDERS_IN_A_LINE, ORDERS_IN_A_LINE, 1]
    assert max(len(str(line)) for line in lines) < 16_000


async def test_a_line_for_people_shows_its_orders_as_json() -> None:
    text = io.StringIO()
    renderer = structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0)
    structlog.configure(processors=[renderer], logger_factory=structlog.WriteLoggerFactory(text))
    try:
        log, asked = PlacedLog(), order("bar coffee")
        asked.table = 'T"7'
        log.note(asked)
        log.flush()
    finally:
        log_plainly()
    shown = text.getvalue().partition("placed=")[2].strip()
    assert json.loads(shown) == [{"order_id": asked.order_id, "table": 'T"7', "items": 1, "request_id": None}]
