"""What a scrape shows of requests, on the fast path and beside it."""

import httpx

from gateway.rest.request_metrics import RequestMetrics
from tests.support.metrics import Samples, samples
from tests.support.orders import new_id
from tests.support.rest_app import Served, client

COFFEE = {"lines": [{"department": "bar", "item": "coffee"}]}


class Counted:
    """A client of an app whose requests are counted."""

    def __init__(self, served: Served) -> None:
        self.metrics = RequestMetrics()
        self.client = client(served.create_app(metrics=self.metrics))

    async def shown(self) -> Samples:
        return await samples(self.metrics.families)

    async def counts(self) -> Samples:
        """Return the number of requests by their labels."""
        head = "http_request_seconds_count"
        return {name.removeprefix(head): n for name, n in (await self.shown()).items() if name.startswith(head)}


def key(response: httpx.Response, route: str) -> str:
    return f"{{code={response.status_code},method={response.request.method},route={route}}}"


async def test_requests_are_counted_by_method_route_and_code(served: Served) -> None:
    counted = Counted(served)
    async with counted.client as caller:
        placed = await caller.post("/orders", json=COFFEE)
        read = await caller.get(placed.headers["location"])
        responses = {
            key(placed, "/orders"): 1.0,
            key(read, "/orders/{order_id}"): 1.0,
            key(await caller.get(f"/orders/{new_id()}"), "/orders/{order_id}"): 1.0,
            key(await caller.get("/nothing/here"), "none"): 1.0,
            key(await caller.request("BREW", "/orders"), "/orders").replace("BREW", "other"): 1.0,
            key(await caller.post("/orders", json={"lines": []}), "/orders"): 1.0,
            key(await caller.post("/orders?x=1", json=COFFEE), "/orders"): 1.0,
        }
        first = await counted.counts()
    assert {name.partition(",")[0] for name in first} == {
        "{code=201",
        "{code=200",
        "{code=404",
        "{code=405",
        "{code=400",
    }
    assert sum(first.values()) == 7
    assert first[key(placed, "/orders")] == 1
    assert set(first) <= set(responses) | {"{code=405,method=other,route=none}"}


async def test_a_duration_is_that_of_the_request(served: Served) -> None:
    counted = Counted(served)
    async with counted.client as caller:
        await caller.post("/orders", json=COFFEE)
    shown = await counted.shown()
    labels = "code=201,method=POST,route=/orders"
    assert 0 < shown[f"http_request_seconds_sum{{{labels}}}"] < 5
    assert shown["http_request_seconds_bucket{code=201,le=+Inf,method=POST,route=/orders}"] == 1


async def test_an_exception_is_counted_by_its_class_on_both_ways(served: Served) -> None:
    counted = Counted(served)
    async with counted.client as caller:
        await caller.post("/orders", json={"lines": []})
        await caller.get(f"/orders/{new_id()}")
        await caller.delete(f"/orders/{new_id()}")
    shown = await counted.shown()
    refusals = {name: value for name, value in shown.items() if name.startswith("http_refusals")}
    assert refusals["http_refusals_total{reason=OrderNotFound}"] == 2
    assert refusals["http_refusals_total{reason=FieldNotAllowed}"] == 1
    assert sum(refusals.values()) == 3
