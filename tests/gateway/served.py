"""A restaurant behind its REST app, and a guest's client; no socket is involved."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

import httpx
from litestar import Litestar

from gateway.domain.currencies import Currency
from gateway.orders.backoff import RetryPolicy
from gateway.rest.app import create_app
from gateway.rest.restaurant import House, OrderLimits
from tests.gateway.fakes import QUICK, Restaurant, new_id

MAX_BODY = 64 * 1024
NAMES = ("bar", "kitchen", "bakery")

Json = dict[str, Any]


@dataclass
class Served:
    """What a test holds on to."""

    restaurant: Restaurant
    house: House
    app: Litestar
    guest: httpx.AsyncClient

    async def order(self, *wishes: str, **fields: Any) -> httpx.Response:
        """POST an order for `bar coffee 2` and so on."""
        lines = []
        for wish in wishes:
            department, item, *rest = wish.split()
            lines.append({"department": department, "item": item, "quantity": int(rest[0]) if rest else 1})
        return await self.guest.post("/orders", json={"lines": lines, **fields})

    async def post(self, path: str, body: bytes | str) -> httpx.Response:
        """POST a body as it is, as JSON."""
        content = body if isinstance(body, bytes) else body.encode()
        return await self.guest.post(path, content=content, headers={"content-type": "application/json"})

    async def set_menu(self, drink: str, meal: str, dessert: str, **fields: Any) -> httpx.Response:
        wish = {"drink": drink, "meal": meal, "dessert": dessert, **fields}
        return await self.guest.post("/api/restaurants", json=wish)


def client(app: Litestar) -> httpx.AsyncClient:
    """Call an app without a socket."""
    transport = httpx.ASGITransport(app=cast("Any", app))  # which types the same protocol in other words
    return httpx.AsyncClient(transport=transport, base_url="http://gateway.test")


@asynccontextmanager
async def serve(
    url: str,
    names: Sequence[str] = NAMES,
    away: Sequence[str] = (),
    patience: RetryPolicy = QUICK,
    cors_origins: Sequence[str] = (),
    currency: str = "EUR",
) -> AsyncIterator[Served]:
    """Open a restaurant, close it at the end; departments that are `away` are so from the start."""
    restaurant = Restaurant(url, names, patience)
    for name in away:
        restaurant.departments[name].go_away()
    restaurant.prepare()
    house = House(
        restaurant.ordering,
        OrderLimits(),
        Currency(currency),
        new_order_id=new_id,
        clock=restaurant.clock.pair,
        wait_for_departments=10.0,
    )
    app = create_app(house, max_body=MAX_BODY, cors_origins=cors_origins)
    await restaurant.ordering.start()
    try:
        async with client(app) as guest:
            yield Served(restaurant, house, app, guest)
    finally:
        restaurant.repair()
        await restaurant.ordering.close()
        restaurant.database.close()


def problem(response: httpx.Response, status: int) -> Json:
    """Read a problem, and fail where it is none."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: Json = response.json()
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    return body
