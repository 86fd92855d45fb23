"""Clients that order all the time, from any gateway, whatever fails, and record every response in a file.

The file is what the auditor compares with the databases: a JSON line for each response, on disk before the client goes
on.
"""

import asyncio
import json
import os
import random
import ssl
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

import httpx

Json = dict[str, Any]

MENUS = {
    "bar": {"coffee": 1_000_000, "soda": 400, "beer": 0},
    "kitchen": {"pasta": 1_000_000, "pizza": 400, "meat": 0},
    "bakery": {"cookie": 1_000_000, "donut": 400, "gelato": 0},
}

RESPONSE_SECONDS = 15.0
PERSISTENCE = 200
"""How often a client who wants to know asks again."""


class ResponseLog:
    """What clients were told, on disk before anybody goes on."""

    def __init__(self, path: Path) -> None:
        """Start an empty book."""
        self.path = path
        self.orders: set[str] = set()
        self._file = path.open("ab", buffering=0)

    def note(self, order_id: str, response: Json) -> None:
        """Note a response."""
        self.orders.add(order_id)
        lines = [{"outcome": line["outcome"]} for line in response["lines"]]
        self._write({"order_id": order_id, "answer": {"status": response["status"], "lines": lines}})

    def note_cancel(self, order_id: str) -> None:
        """Note that a cancel is about to be asked for."""
        self._write({"order_id": order_id, "cancel": True})

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        """Close the file at the end, whatever comes."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close the file."""
        self.close()

    def _write(self, note: Json) -> None:
        self._file.write(json.dumps(note).encode() + b"\n")
        os.fdatasync(self._file.fileno())


class Party:
    """A number of clients."""

    def __init__(
        self,
        urls: Sequence[str],
        book: ResponseLog,
        seed: int,
        pause: float,
        verify: ssl.SSLContext | bool = True,
        *,
        archives: bool = False,
    ) -> None:
        """`pause`, in seconds, is how long a client thinks between two orders, on average; `verify`: whom it trusts.

        `archives`: orders may be archived meanwhile.
        """
        self.archived: set[str] = set()
        """The orders of which a client was told that they are archived."""
        self._archives = archives
        self._urls = urls
        self._verify = verify
        self._seed = seed
        self._pause = pause
        self.book = book
        self.begun = 0
        self.given_up = 0
        self.statuses: Counter[int] = Counter()
        self.surprises: list[str] = []
        self.enough = asyncio.Event()

    @asynccontextmanager
    async def celebrating(self, clients: int) -> AsyncIterator[None]:
        """Celebrate meanwhile, and to the end; where what is done meanwhile fails, the clients stop at once."""
        task = asyncio.create_task(self.celebrate(clients))
        try:
            yield
            self.enough.set()
            await task
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def celebrate(self, clients: int) -> None:
        """Order until it is `enough`, and then until everyone knows what became of the last orders."""
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=clients)
        async with httpx.AsyncClient(
            timeout=RESPONSE_SECONDS, limits=limits, trust_env=False, verify=self._verify
        ) as client:
            await asyncio.gather(*(self._dine(client, random.Random(f"{self._seed}-{n}")) for n in range(clients)))

    async def _dine(self, client: httpx.AsyncClient, chance: random.Random) -> None:
        while not self.enough.is_set():
            body = any_order(chance)
            self.begun += 1
            response = await self._ask(client, chance, "POST", "/orders", body, give_up=0.2)
            if response is None:
                self.given_up += 1
            else:
                await self._go_on(client, chance, body)
            await asyncio.sleep(self._pause * 2 * chance.random())

    async def _go_on(self, client: httpx.AsyncClient, chance: random.Random, body: Json) -> None:
        """Do what clients do with an order that they have placed."""
        order_id = body["order_id"]
        whim = chance.random()
        if whim < 0.15:
            self.book.note_cancel(order_id)
            await self._ask(client, chance, "DELETE", f"/orders/{order_id}", None, give_up=0.5)
        elif whim < 0.25:
            await self._ask(client, chance, "POST", "/orders", body, give_up=0.5)
        elif whim < 0.30:
            other = body | {"table": "another"}
            response = await self._ask(client, chance, "POST", "/orders", other, give_up=1.0)
            if response is None or order_id in self.archived:
                return
            if response.status_code != 409 or "order" in response.json():
                self.surprises.append(f"another body for {order_id}: {response.status_code} {response.text}")
        elif whim < 0.40:
            await self._ask(client, chance, "GET", f"/orders/{order_id}", None, give_up=0.5)

    async def _ask(
        self,
        client: httpx.AsyncClient,
        chance: random.Random,
        method: str,
        path: str,
        body: Json | None,
        give_up: float,
    ) -> httpx.Response | None:
        """Ask, and ask again, until there is a response or the client gives up; note what it says."""
        for attempt in range(PERSISTENCE):
            try:
                response = await client.request(method, chance.choice(self._urls) + path, json=body)
            except (httpx.TransportError, AttributeError):  # anyio's, for a connection that broke as it was made
                self.statuses[0] += 1
            else:
                self.statuses[response.status_code] += 1
                if response.status_code != 503:
                    self._hear(response, method, path, body)
                    return response
                if "retry-after" not in response.headers:
                    self.surprises.append(f"503 without Retry-After: {response.text}")
            if chance.random() < give_up:
                return None
            await asyncio.sleep(0.1 + 0.4 * chance.random() * min(attempt, 4))
        self.surprises.append(f"{method} {path} never got a response")
        return None

    def _hear(self, response: httpx.Response, method: str, path: str, body: Json | None) -> None:
        said = response.json()
        if response.status_code == 410 and self._archives:
            self.archived.add(body["order_id"] if body else path.rpartition("/")[2])
            return
        if response.status_code in (200, 201, 202):
            self.book.note(said["order_id"], said)
        elif response.status_code == 409:
            if said.get("order"):
                self.book.note(said["order_id"], said["order"])
        else:
            self.surprises.append(f"{method} {path}: {response.status_code} {response.text}")


def any_order(chance: random.Random) -> Json:
    """Order something of some departments, all or nothing or not."""
    departments = chance.sample(list(MENUS), chance.randint(1, len(MENUS)))
    lines = []
    for department in departments:
        # The first item is always there, the second soon sold out, the last never was there.
        item = chance.choices(list(MENUS[department]), weights=(80, 18, 2))[0]
        lines.append({"department": department, "item": item, "quantity": chance.randint(1, 3)})
        if chance.random() < 0.5:  # so that its staff can cancel one of several
            lines.append({"department": department, "item": next(iter(MENUS[department])), "quantity": 1})
    return {
        "order_id": str(uuid.UUID(int=chance.getrandbits(128), version=4)),
        "table": str(chance.randint(1, 40)),
        "policy": chance.choice(["best_effort", "all_or_nothing"]),
        "lines": lines,
    }
