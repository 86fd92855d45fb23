"""What a scrape shows of requests, on the fast path and beside it."""

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from gateway.rest.request_metrics import RequestMetrics
from tests.support.metrics import Samples, samples
from tests.support.orders import new_id
from tests.support.rest_app import Served, client

pytestmark = pytest.mark.asyncio(loop_scope="module")

COFFEE = {"lines": [{"department": "bar", "item": "coffee"}]}


class Counted:
    """A client of an app whose requests are counted."""

    def __init__(self, served: Served) -> None:
        self.metrics = RequestMetrics()
        self.client = client(served.create_app(metrics=self.metrics))

    async def shown(self, family: str) -> Samples:
        """Return the series of a family by their labels."""
        found = await samples(self.metrics.families)
        return {name.removeprefix(family): n for name, n in found.items() if name.startswith(f"{family}{{")}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def counted(shared: Served) -> AsyncIterator[Counted]:
    counted = Counted(shared)
    async with counted.client:
        yield counted


def key(response: httpx.Response, route: str, method: str = "") -> str:
    return f"{{code={response.status_code},method={method or response.request.method},route={route}}}"


def more(after: Samples, before: Samples) -> Samples:
    """Return by how much series have grown, of those that have."""
    return {name: value - before.get(name, 0) for name, value in after.items() if value != before.get(name, 0)}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def placed(counted: Counted) -> httpx.Response:
    return await counted.client.post("/orders", json=COFFEE)


async def test_requests_are_counted_by_method_route_and_code(counted: Counted, placed: httpx.Response) -> None:
    before = await counted.shown("http_request_seconds_count")
    caller = counted.client
    expected = {
        key(await caller.post("/orders", json=COFFEE), "/orders"): 1,
        key(await caller.post("/orders", json={"lines": []}), "/orders"): 1,
        key(await caller.get(placed.headers["location"]), "/orders/{order_id}"): 1,
        key(await caller.get(f"/orders/{new_id()}"), "/orders/{order_id}"): 1,
        key(await caller.get("/nothing/here"), "none"): 1,
        key(await caller.request("BREW", "/orders"), "none", "other"): 1,
    }
    assert {name.partition(",")[0] for name in expected} >= {"{code=201", "{code=200", "{code=400", "{code=404"}
    assert more(await counted.shown("http_request_seconds_count"), before) == expected


async def test_a_duration_is_that_of_the_request(counted: Counted, placed: httpx.Response) -> None:
    (seconds,) = [n for name, n in (await counted.shown("http_request_seconds_sum")).items() if "code=201" in name]
    count = (await counted.shown("http_request_seconds_count"))[key(placed, "/orders")]
    assert 0 < seconds / count < 5


async def test_an_exception_is_counted_by_its_class_on_both_ways(counted: Counted) -> None:
    before = await counted.shown("http_refusals_total")
    await counted.client.post("/orders", json={"lines": []})
    await counted.client.get(f"/orders/{new_id()}")
    await counted.client.delete(f"/orders/{new_id()}")
    grown = more(await counted.shown("http_refusals_total"), before)
    assert grown == {"{reason=FieldNotAllowed}": 1, "{reason=OrderNotFound}": 2}
