"""Clients of `/events`: one raw socket each, in one process, so that they cost little beside what they measure."""

import asyncio
import re
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from bench.programs import KEY

AUTHORIZATION = f"Authorization: Bearer {KEY}\r\n".encode()

CONNECTING = 50
"""How many clients connect at the same time."""

READY_SECONDS = 60.0

_TICKET = re.compile(rb"event: ticket\ndata: ([^\n]*)\n")
_TICK = b"\nevent: tick\n"
_RESET = b"\nevent: reset\n"
_END = b"\n\n"


class TicketState(msgspec.Struct, frozen=True):
    """What a `ticket` event says of a ticket's state."""

    department: str
    order_id: str
    state: str


class Arrival(NamedTuple):
    """A ticket's state that reached a client, and when, by `time.perf_counter`."""

    client: int
    ticket: TicketState
    at: float


class Stream(asyncio.Protocol):
    """One client; it reads everything, and decodes tickets only while somebody wants to know of them."""

    def __init__(self, streams: "Streams", number: int) -> None:
        """Be one of the clients, which have numbers."""
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._streams = streams
        self._number = number
        self._rest = b""
        self._transport: Any = None  # uvloop's are no subclasses of asyncio's

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for all events."""
        self._transport = transport
        self._transport.write(self._streams.request)

    def data_received(self, data: bytes) -> None:
        """Count what came, and tell of the tickets in it."""
        at = time.perf_counter()
        whole, end, self._rest = (self._rest + data).rpartition(_END)
        if not end:
            return
        whole += _END
        streams = self._streams
        streams.bytes += len(data)
        streams.events += whole.count(b"\nevent: ")
        streams.resets += _RESET in whole and self.ready.done()
        if streams.on_ticket is not None:
            for ticket in tickets_in(whole):
                streams.on_ticket(Arrival(self._number, ticket, at))
        if not self.ready.done() and _TICK in whole:
            self.ready.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        """Count a client whose stream ended though it did not leave."""
        self._streams.lost += not self._streams.is_closed
        if not self.ready.done():
            self.ready.set_exception(ConnectionError(f"the stream ended before the first tick: {self._rest!r} {error}"))

    def close(self) -> None:
        """Leave."""
        self._transport.close()


class Streams:
    """All clients of one process, and what they have received together."""

    def __init__(self, port: int) -> None:
        """Follow the gateway of a port."""
        self.request = b"GET /events HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n%b\r\n" % (port, AUTHORIZATION)
        self.on_ticket: Callable[[Arrival], None] | None = None
        self.bytes = self.events = self.resets = self.lost = 0
        self.is_closed = False
        self._port = port
        self._streams: list[Stream] = []

    async def connect(self, clients: int) -> None:
        """Connect so many clients, and wait until each has everything; raises ConnectionError, TimeoutError."""
        for first in range(0, clients, CONNECTING):
            numbers = range(first, min(first + CONNECTING, clients))
            streams = await asyncio.gather(*(self._connect(number) for number in numbers))
            async with asyncio.timeout(READY_SECONDS):
                await asyncio.gather(*(stream.ready for stream in streams))
            self._streams += streams

    def close(self) -> None:
        """Let all clients leave."""
        self.is_closed = True
        for stream in self._streams:
            stream.close()

    async def _connect(self, number: int) -> Stream:
        loop = asyncio.get_running_loop()
        _, stream = await loop.create_connection(lambda: Stream(self, number), "127.0.0.1", self._port)
        return stream


@lru_cache(maxsize=64)
def tickets_in(events: bytes) -> tuple[TicketState, ...]:
    """Return the tickets of some events; clients get the same bytes, which are decoded once."""
    return tuple(msgspec.json.decode(data, type=TicketState) for data in _TICKET.findall(events))
