"""The REST app with fake departments, and an HTTP client that calls it without a socket."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

import httpx
from litestar import Litestar
from litestar.types import ASGIApp, Receive, Scope, Send

from gateway.access.guest_limits import GuestLimit
from gateway.access.policy import AccessPolicy
from gateway.domain.access import Action
from gateway.domain.currencies import Currency
from gateway.domain.limits import OrderLimits
from gateway.orders.backoff import RetryPolicy
from gateway.rest.access_check import ACTION
from gateway.rest.access_parts import AccessParts
from gateway.rest.app import create_app, create_litestar, wrap
from gateway.rest.event_json import event_json
from gateway.rest.readiness import Readiness
from gateway.rest.requests import RequestReader
from gateway.tickets.watching import LiveDepartments, live_departments
from infra.supervise import in_background
from tests.support.access import access_parts
from tests.support.fake_staff_departments import FakeStaffDepartment
from tests.support.fake_watches import FakeWatch
from tests.support.keys import AUTHORIZED
from tests.support.order_path import QUICK, Restaurant
from tests.support.orders import new_id
from tests.support.ready_apps import MAX_BODY, Parts, ReadyApp, give_back, pages, take_app

MAX_STREAMS = 20
NAMES = ("bar", "kitchen", "bakery")

OPEN = {ACTION: Action.PAGE_READ}
"""The action of routes that tests make."""

Json = dict[str, Any]


@dataclass
class Served:
    """The REST app of a running restaurant, and what it is built from."""

    restaurant: Restaurant
    requests: RequestReader
    readiness: Readiness
    live: LiveDepartments
    watches: dict[str, FakeWatch]
    staff: dict[str, FakeStaffDepartment]
    access: AccessParts
    cors_origins: Sequence[str] = ()
    is_demo: bool = False
    client: httpx.AsyncClient = field(init=False)

    def __post_init__(self) -> None:
        self.client = client(self.call_app)

    @property
    def parts(self) -> Parts:
        """What an app is built from."""
        return self.restaurant.service, self.requests, self.readiness, self.live, self.staff, self.access

    @cached_property
    def ready(self) -> ReadyApp:
        """The app within its layers, which is used again: it is given back when the restaurant closes."""
        return take_app(self.parts, self.restaurant.clock.pair)

    @cached_property
    def app(self) -> ASGIApp:
        """The app, ready when it is first called: some tests build another one."""
        if self.is_demo:
            return self.create_app(cors_origins=self.cors_origins)
        return wrap(self.ready.litestar, cors_origins=self.cors_origins)

    def close(self) -> None:
        """Give the app back."""
        if "ready" in vars(self):
            give_back(self.ready)

    async def call_app(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)

    def create_app(self, **options: Any) -> ASGIApp:
        """Build another app of the same parts."""
        plugins = [pages(self.restaurant.clock.pair.wall, is_demo=self.is_demo)]
        return create_app(*self.parts, max_body=MAX_BODY, plugins=plugins, **options)

    def create_litestar(self, *routes: Any, **options: Any) -> Litestar:
        """Build a Litestar app of other routes and the same parts, without the layers around it or a description."""
        return create_litestar(*self.parts, routes, max_body=MAX_BODY, openapi_config=None, opt=OPEN, **options)

    async def order(self, *wishes: str, **fields: Any) -> httpx.Response:
        """POST an order for `bar coffee 2` and so on."""
        lines = []
        for wish in wishes:
            department, item, *rest = wish.split()
            lines.append({"department": department, "item": item, "quantity": int(rest[0]) if rest else 1})
        return await self.client.post("/orders", json={"lines": lines, **fields})

    async def post(self, path: str, body: bytes | str) -> httpx.Response:
        """POST a body as it is, as JSON."""
        content = body if isinstance(body, bytes) else body.encode()
        return await self.client.post(path, content=content, headers={"content-type": "application/json"})

    async def set_menu(self, drink: str, meal: str, dessert: str, **fields: Any) -> httpx.Response:
        wish = {"drink": drink, "meal": meal, "dessert": dessert, **fields}
        return await self.client.post("/api/restaurants", json=wish)


def client(app: ASGIApp, headers: Mapping[str, str] = AUTHORIZED) -> httpx.AsyncClient:
    """Call an app without a socket, by default as a manager."""
    transport = httpx.ASGITransport(app=cast("Any", app))  # which types the same protocol in other words
    return httpx.AsyncClient(transport=transport, base_url="http://gateway.test", headers=headers)


@asynccontextmanager
async def serve(
    url: str,
    names: Sequence[str] = NAMES,
    away: Sequence[str] = (),
    retry_policy: RetryPolicy = QUICK,
    cors_origins: Sequence[str] = (),
    currency: str = "EUR",
    policy: AccessPolicy | None = None,
    limit: GuestLimit | None = None,
    proxies: tuple[str, ...] = (),
    public_url: str = "",
    *,
    is_demo: bool = False,
) -> AsyncIterator[Served]:
    """Start a restaurant and close it at the end; the departments in `away` are unreachable from the start."""
    restaurant = Restaurant(url, names, retry_policy)
    for name in away:
        restaurant.departments[name].go_away()
    restaurant.prepare()
    clock = restaurant.clock.pair
    requests = RequestReader(names, OrderLimits(), Currency(currency), new_order_id=new_id, wall=clock.wall)
    readiness = Readiness(restaurant.service, clock=clock, wait_for_departments=10.0)
    watches = {name: FakeWatch(name) for name in names}
    live = live_departments(
        watches,
        restaurant.service.find_all,
        event_json,
        most=MAX_STREAMS,
        clock=clock,
        random=lambda: 0.1,
    )
    staff = {name: FakeStaffDepartment(watch) for name, watch in watches.items()}
    access = access_parts(restaurant.database, restaurant.service, clock, policy, limit, proxies, public_url)
    served = Served(restaurant, requests, readiness, live, watches, staff, access, cors_origins, is_demo)
    await restaurant.service.start()
    await access.check.access.start()
    try:
        async with served.client, in_background({"watches": live.run}):
            yield served
    finally:
        served.close()
        restaurant.repair()
        await restaurant.service.close()
        restaurant.database.close()


def problem(response: httpx.Response, status: int) -> Json:
    """Return the body of a problem; fail if the response is not a problem of this status."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: Json = response.json()
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    return body
