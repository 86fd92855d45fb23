"""What clients send, and how they look at what became of it."""

import asyncio
import uuid
from typing import Any, Protocol, Self

import httpx

from tests.support.waiting import eventually

Json = dict[str, Any]


def line(department: str, item: str, quantity: int = 1) -> Json:
    """Write a line."""
    return {"department": department, "item": item, "quantity": quantity}


def order(*lines: Json, order_id: str | None = None) -> Json:
    """Write an order, with an id of its own."""
    return {"order_id": order_id or str(uuid.uuid4()), "lines": list(lines)}


def outcomes(response: Json) -> list[str]:
    """List what became of an order's lines."""
    return [line["outcome"] for line in response["lines"]]


async def look(client: httpx.AsyncClient, order_id: str) -> Json:
    """Look at an order."""
    response = await client.get(f"/orders/{order_id}")
    assert response.status_code == 200, response.text
    found: Json = response.json()
    return found


async def decided(client: httpx.AsyncClient, order_id: str) -> Json:
    """Wait until no line of an order is pending; return it."""

    async def is_decided() -> Json | None:
        found = await look(client, order_id)
        return None if found["status"] == "pending" else found

    found = await eventually(is_decided, f"order {order_id} is decided")
    assert found is not None
    return found


async def whole_history(client: httpx.AsyncClient) -> list[Json]:
    """Read every order, newest first, page by page."""
    orders: list[Json] = []
    cursor: dict[str, str] = {}
    while True:
        response = await client.get("/orders", params={"limit": "200", **cursor})
        assert response.status_code == 200, response.text
        page = response.json()
        orders += page["orders"]
        if page["next"] is None:
            return orders
        cursor = {"cursor": page["next"]}


def states_of_menu(menu: httpx.Response) -> dict[str, str]:
    """Tell which departments a menu shows as open, and which as unreachable."""
    assert menu.status_code == 200, menu.text
    return {shown["name"]: shown["state"] for shown in menu.json()["departments"]}


class HasClient(Protocol):
    """What can be ordered at."""

    def client(self) -> httpx.AsyncClient: ...


class Load:
    """Clients who order one after another, and keep what was not accepted at once, or got no response."""

    def __init__(self, system: HasClient, pause: float = 0.01) -> None:
        """`pause`, in seconds, is how long a client thinks between two orders."""
        self._system = system
        self._pause = pause
        self.responses = 0
        self.wrong: list[Json | str] = []

    async def __aenter__(self) -> Self:
        self._enough = False
        self._client = self._system.client()
        self._clients = [asyncio.create_task(self._dine()) for _ in range(8)]
        return self

    async def __aexit__(self, *error: object) -> None:
        self._enough = True
        await asyncio.gather(*self._clients)
        await self._client.aclose()

    async def _dine(self) -> None:
        while not self._enough:
            try:
                await self._order()
            except httpx.TransportError as error:
                self.wrong.append(repr(error))
            await asyncio.sleep(self._pause)

    async def _order(self) -> None:
        response = await self._client.post("/orders", json=order(line("bar", "coffee"), line("kitchen", "pasta")))
        self.responses += 1
        if response.status_code != 201 or outcomes(response.json()) != ["accepted", "accepted"]:
            self.wrong.append(response.json())
