"""Reads server-sent events as the HTML standard says, and gathers the picture that they make."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any, NamedTuple, Self

import httpx
from litestar.types import ASGIApp

from tests.support.keys import AUTHORIZED
from tests.support.waiting import FACT_SECONDS, until

RECONNECT_SECONDS = 0.1


class Event(NamedTuple):
    """An event as a client gets it: its kind, its data, and the id of the last event that had one."""

    kind: str
    data: Any
    id: str


@dataclass
class Parser:
    """Turns pieces of a stream into events."""

    last_id: str = ""
    retry: int | None = None
    _rest: str = field(default="")

    def feed(self, piece: bytes) -> list[Event]:
        """Return the events that a piece completes."""
        *blocks, self._rest = (self._rest + piece.decode()).split("\n\n")
        return list(self._events(blocks))

    def _events(self, blocks: Iterable[str]) -> Iterator[Event]:
        for block in blocks:
            fields = dict(line.split(": ", 1) for line in block.split("\n"))
            if "retry" in fields:
                self.retry = int(fields["retry"])
            self.last_id = fields.get("id", self.last_id)
            if "data" in fields:
                yield Event(fields["event"], json.loads(fields["data"]), self.last_id)


@dataclass
class Screen:
    """What a client knows from the events: the latest state of everything, and the id to resume from."""

    tickets: dict[tuple[str, str], Any] = field(default_factory=dict)
    stock: dict[tuple[str, str], Any] = field(default_factory=dict)
    menus: dict[str, Any] = field(default_factory=dict)
    orders: dict[str, Any] = field(default_factory=dict)
    items: dict[tuple[str, str], tuple[int | None, bool]] = field(default_factory=dict)
    departments: dict[str, Any] = field(default_factory=dict)
    resets: list[list[str]] = field(default_factory=list)
    ticks: list[Any] = field(default_factory=list)
    received: list[Event] = field(default_factory=list)
    last_id: str = ""

    def take(self, events: Iterable[Event]) -> None:
        """Take events in."""
        for event in events:
            self.received.append(event)
            self.last_id = event.id
            getattr(self, f"_on_{event.kind}")(event.data)

    def _on_ticket(self, data: Any) -> None:
        self.tickets[data["department"], data["order_id"]] = data

    def _on_stock(self, data: Any) -> None:
        self.stock[data["department"], data["item"]] = data

    def _on_item(self, data: Any) -> None:
        self.items[data["department"], data["item"]] = data["available"], data["on_sale"]

    def _on_menu(self, data: Any) -> None:
        self.menus[data["department"]] = data

    def _on_order(self, data: Any) -> None:
        self.orders[data["order_id"]] = data

    def _on_department(self, data: Any) -> None:
        self.departments[data["name"]] = data

    def _on_tick(self, data: Any) -> None:
        self.ticks.append(data)

    def _on_reset(self, data: Any) -> None:
        self.resets.append(data["departments"])
        for known in (self.tickets, self.stock):
            for key in [key for key in known if key[0] in data["departments"]]:
                del known[key]


class Following:
    """A client of an app's `/events`, without a socket. It reads as fast as the app sends, unless it is `paused`."""

    def __init__(self, app: ASGIApp, target: str, headers: Mapping[str, str], method: str) -> None:
        path, _, query = target.partition("?")
        self.screen = Screen()
        self.parser = Parser()
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""
        self.pieces: list[int] = []
        self.is_complete = False
        self.reads = asyncio.Event()
        self.reads.set()
        self._gone = asyncio.Event()
        self._has_asked = False
        scope: Any = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [
                (b"host", b"gateway.test"),
                *((name.encode(), value.encode()) for name, value in {**AUTHORIZED, **headers}.items() if value),
            ],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 2),
            "scheme": "http",
            "http_version": "1.1",
            "root_path": "",
        }
        self.task = asyncio.get_running_loop().create_task(self._serve(app, scope))

    async def until(self, fact: Callable[[Screen], object]) -> Screen:
        """Wait until something is true of what the client knows."""
        await until(lambda: bool(fact(self.screen)))
        return self.screen

    async def up_to_date(self) -> Screen:
        """Wait for the first tick."""
        return await self.until(lambda screen: screen.ticks)

    async def leave(self) -> None:
        """Close the connection, and wait until the app has noticed."""
        self._gone.set()
        await self.task

    async def _serve(self, app: ASGIApp, scope: Any) -> None:
        await app(scope, self._receive, self._send)

    async def _receive(self) -> Any:
        if not self._has_asked:
            self._has_asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        await self.reads.wait()
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            return
        self.body += message["body"]
        self.pieces.append(len(message["body"]))
        self.is_complete = not message.get("more_body", False)
        if self.status == 200:
            self.screen.take(self.parser.feed(message["body"]))


@asynccontextmanager
async def follow(
    app: ASGIApp, target: str = "/events", method: str = "GET", **headers: str
) -> AsyncIterator[Following]:
    """Follow the events of an app, and leave at the end."""
    following = Following(app, target, {name.replace("_", "-"): value for name, value in headers.items()}, method)
    try:
        yield following
    finally:
        following.reads.set()
        await following.leave()


class EventSource:
    """A client of a real gateway, or of several in turn, that connects again as a browser does, only sooner."""

    def __init__(self, *urls: str, query: str = "") -> None:
        self.screen = Screen()
        self.parser = Parser()
        self.connections = 0
        self.endings = 0
        self._urls = cycle(urls)
        self._query = query

    async def __aenter__(self) -> Self:
        self._task = asyncio.get_running_loop().create_task(self._follow())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])

    async def until(self, fact: Callable[[Screen], object]) -> Screen:
        """Wait until something is true of what the client knows."""
        await until(lambda: self._task.done() or bool(fact(self.screen)), FACT_SECONDS)
        if self._task.done():
            self._task.result()
        return self.screen

    async def _follow(self) -> None:
        async with httpx.AsyncClient(timeout=None, trust_env=False, verify=False, headers=AUTHORIZED) as client:
            while True:
                with suppress(httpx.TransportError):
                    await self._connect(client)
                    self.endings += 1
                await asyncio.sleep(RECONNECT_SECONDS)

    async def _connect(self, client: httpx.AsyncClient) -> None:
        self.parser = Parser(self.parser.last_id)
        headers = {"Last-Event-ID": self.parser.last_id} if self.parser.last_id else {}
        async with client.stream("GET", f"{next(self._urls)}/events{self._query}", headers=headers) as response:
            assert response.status_code == 200, response.status_code
            self.connections += 1
            async for piece in response.aiter_bytes():
                self.screen.take(self.parser.feed(piece))
