"""Clients of the gateways' events, whose screens have to show what the databases have once all faults are over.

Each resumes by the id of its last event, at any gateway, over one connection after another.
"""

import asyncio
import random
from collections.abc import Iterator, Sequence
from typing import Any

import httpx

from tests.support.database_contents import Books
from tests.support.event_stream import Parser, Screen
from tests.support.keys import AUTHORIZED
from tests.support.pictures import SeenStock, SeenTicket, is_open, outcome_name, state_name
from tests.torture.watchers import CATCH_UP_SECONDS

QUIET_SECONDS = 12.0
"""How long a connection may be silent: it has an event every 5 s."""

NOT_NOW = frozenset({429, 503})


class ScreenClient:
    """Follows all departments by events."""

    def __init__(self, urls: Sequence[str], departments: Sequence[str], chance: random.Random) -> None:
        """Know nothing yet."""
        self.surprises: list[str] = []
        self.calls = 0
        self.changes = 0
        self._screen = Screen()
        self._urls = urls
        self._departments = departments
        self._chance = chance
        self._is_steady = False
        self._archived: set[tuple[str, str]] = set()

    @property
    def resets(self) -> int:
        """How many snapshots there were."""
        return len(self._screen.resets)

    async def follow(self) -> None:
        """Read events over one connection after another (until cancelled)."""
        while True:
            await asyncio.sleep(0.2 * self._chance.random())
            patience = None if self._is_steady else self._chance.choice((1.0, 10.0, 60.0)) * self._chance.random()
            try:
                async with asyncio.timeout(patience):
                    await self._read()
            except (httpx.TransportError, httpx.StreamError, TimeoutError, AttributeError):  # see Party._ask
                continue

    async def _read(self) -> None:
        self.calls += 1
        parser = Parser(self._screen.last_id)
        headers = AUTHORIZED | ({"last-event-id": self._screen.last_id} if self._screen.last_id else {})
        url = self._chance.choice(self._urls) + "/events"
        async with (
            httpx.AsyncClient(timeout=QUIET_SECONDS, trust_env=False) as client,
            client.stream("GET", url, headers=headers) as response,
        ):
            if response.status_code != 200:
                if response.status_code not in NOT_NOW:
                    self.surprises.append(f"GET /events: {response.status_code}")
                return
            async for piece in response.aiter_bytes():
                self._screen.take(parser.feed(piece))
                self.changes += sum(event.kind in ("ticket", "stock") for event in self._screen.received)
                self._screen.received.clear()
                self._screen.ticks.clear()

    async def check(self, books: Books) -> list[str]:
        """When all is quiet: wait until the screen shows what the databases have, and list where it does not."""
        self._is_steady = True
        truths = {name: await asyncio.to_thread(books.truth, name) for name in self._departments}
        tickets = {(name, key): ticket for name, truth in truths.items() for key, ticket in truth.tickets.items()}
        stock = {(name, item): each for name, truth in truths.items() for item, each in truth.stock.items()}
        for name in self._departments:
            archived = await asyncio.to_thread(books.archived, name)
            self._archived |= {(name, order_id) for order_id in archived} - tickets.keys()
        deadline = asyncio.get_running_loop().time() + CATCH_UP_SECONDS
        while True:
            wrong = [*self._differences(tickets, stock)]
            if not wrong or asyncio.get_running_loop().time() > deadline:
                return [*self.surprises, *wrong]
            await asyncio.sleep(0.1)

    def _differences(
        self, tickets: dict[tuple[str, str], SeenTicket], stock: dict[tuple[str, str], SeenStock]
    ) -> Iterator[str]:
        """Yield where the screen differs: it shows every open ticket, and every other one that it knows as it is.

        What was archived it may show still.
        """
        shown = {key: _ticket(data) for key, data in self._screen.tickets.items()}
        to_show = {key for key, ticket in tickets.items() if is_open(ticket)}
        for key in sorted((shown.keys() | to_show) - self._archived):
            there = _facts(tickets[key]) if key in tickets else None
            if shown.get(key) != there:
                yield f"a screen shows {key} as {shown.get(key)}, and there is {there}"
        levels = {key: _stock(data) for key, data in self._screen.stock.items()}
        for key in sorted(levels.keys() | stock.keys()):
            if levels.get(key) != stock.get(key):
                yield f"a screen shows the stock of {key} as {levels.get(key)}, and there is {stock.get(key)}"


def _ticket(data: Any) -> tuple[Any, ...]:
    lines = [(line["made"], line["outcome"], line["cancel_reason"] or "") for line in data["lines"]]
    return data["revision"], data["state"], data["number"] or 0, data["moved_by"] or "", data["wasted"], lines


def _facts(ticket: SeenTicket) -> tuple[Any, ...]:
    lines = [(line.made, outcome_name(line), line.cancel_reason or "") for line in ticket.lines]
    return ticket.revision, state_name(ticket), ticket.number, ticket.moved_by, ticket.wasted, lines


def _stock(data: Any) -> SeenStock:
    figures = [data[name] for name in ("revision", "received", "on_hand", "held", "sold", "wasted")]
    return SeenStock._make([*figures, not data["on_sale"], data["unlimited"]])
