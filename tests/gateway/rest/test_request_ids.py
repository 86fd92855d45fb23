"""Every response names its request, and what is logged of a request does so, too."""

from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from structlog.testing import LogCapture
from structlog.typing import EventDict

from infra.http.request_log import identify_requests
from infra.logs import ACCESS, add_request_id, logger_class
from tests.support.plain_logs import log_plainly
from tests.support.rest_app import Served, client

ID = "table-7/attempt:2"


@pytest.fixture
def lines() -> Iterator[list[EventDict]]:
    """What is logged, from the level `access` up."""
    capture = LogCapture()
    structlog.configure(processors=[add_request_id, capture], wrapper_class=logger_class(ACCESS))
    yield capture.entries
    log_plainly()


ROUTES = [
    ("GET", "/", 200),
    ("GET", "/menu", 200),
    ("GET", "/orders?limit=0", 400),
    ("GET", "/nowhere", 404),
    ("DELETE", "/menu", 405),
    ("POST", "/orders", 400),
    ("POST", "/api/restaurants", 400),
    ("GET", "/health/ready", 200),
    ("GET", "/schema", 200),
    ("GET", "/schema/openapi.json", 200),
    ("GET", "/assets/swagger-ui/swagger-ui.css", 200),
    ("GET", "/assets/nothing", 404),
    ("GET", "/favicon.ico", 200),
]


@pytest.mark.parametrize(("method", "path", "status"), ROUTES)
@pytest.mark.asyncio(loop_scope="module")
async def test_every_response_names_its_request(shared: Served, method: str, path: str, status: int) -> None:
    mine = await shared.client.request(method, path, headers={"x-request-id": ID})
    other = await shared.client.request(method, path)
    for response in (mine, other):
        assert response.status_code == status
        assert len(response.headers.get_list("x-request-id")) == 1
    assert mine.headers["x-request-id"] == ID
    assert other.headers["x-request-id"] not in ("", ID)


async def test_an_order_that_is_placed_names_its_request(served: Served) -> None:
    body = {"lines": [{"department": "bar", "item": "coffee"}]}
    response = await served.client.post("/orders", json=body, headers={"X-Request-ID": ID})
    assert response.status_code == 201
    assert response.headers["x-request-id"] == ID


@pytest.mark.parametrize("sent", ["", "two words", "x" * 129, "caf\xe9"])
async def test_an_id_that_is_not_allowed_is_replaced(served: Served, sent: str) -> None:
    response = await served.client.get("/health/live", headers={b"x-request-id": sent.encode("latin-1")})
    assert response.status_code == 200
    assert response.headers["x-request-id"] != sent


async def test_a_fault_that_is_logged_names_its_request(served: Served, lines: list[EventDict]) -> None:
    async def fail() -> None:
        raise AssertionError("never foreseen")

    served.restaurant.bar.probe = fail  # type: ignore[method-assign, assignment]  # a fault, as none is known
    assert (await served.client.get("/menu", headers={"x-request-id": ID})).status_code == 500
    (line,) = [line for line in lines if line["event"] == "a handler failed"]
    assert line["request_id"] == ID


# The line of a request.


async def test_a_request_is_one_line_with_its_facts(served: Served, lines: list[EventDict]) -> None:
    async with client(served.create_app(log_requests=True)) as caller:
        found = await caller.get("/orders?table=7&limit=3", headers={"x-request-id": ID})
        placed = await caller.post("/orders", json={"lines": [{"department": "bar", "item": "coffee"}]})
        await caller.get("/a%0Ab")
    first, second, third = [line for line in lines if line["log_level"] == "access"]
    assert 0 <= first.pop("ms") < 10_000
    assert first == {
        "event": "request",
        "log_level": "access",
        "method": "GET",
        "path": "/orders?table&limit",
        "status": 200,
        "bytes": len(found.content),
        "client": "127.0.0.1",
        "request_id": ID,
    }
    assert (second["method"], second["path"], second["status"]) == ("POST", "/orders", 201)
    assert second["bytes"] == len(placed.content)
    assert second["request_id"] == placed.headers["x-request-id"]
    assert (third["path"], third["status"]) == ("/a%0Ab", 404)


async def test_no_line_is_written_where_none_is_wanted(served: Served, lines: list[EventDict]) -> None:
    await served.client.get("/menu")
    assert [line for line in lines if line["log_level"] == "access"] == []


async def test_a_request_that_fails_altogether_has_its_line(lines: list[EventDict]) -> None:
    async def fail(*_: object) -> None:
        raise ConnectionError("gone")

    scope: Any = {"type": "http", "method": "GET", "headers": [], "raw_path": b"/", "client": None}
    with pytest.raises(ConnectionError):
        await identify_requests(fail, is_logged=True)(scope, fail, fail)  # type: ignore[arg-type]
    (line,) = lines
    assert (line["status"], line["bytes"], line["client"]) == (500, 0, None)
