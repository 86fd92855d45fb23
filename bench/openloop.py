"""`python -m bench.openloop`: an open loop. Orders come at a fixed rate, whether earlier ones are answered or not.

A latency counts from the moment at which the order was due, so an order that had to wait for a free connection, or for
this program, shows it: no coordinated omission. How late orders were sent is shown beside.
"""

import argparse
import asyncio
import sys
import time
from collections import deque
from typing import Any

import msgspec
import uvloop

from bench.percentiles import PERCENTILES, percentiles

CONNECTIONS = 64
"""How many connections there are at first; where none is free, another one is made."""

DRAIN_SECONDS = 20.0
LOOK_SECONDS = 0.001
"""How long to sleep where nothing is due: the loop's timers know no less."""


class OpenLoad(msgspec.Struct, frozen=True):
    """Of the orders that got 201: milliseconds from due to the response, and from due to sent, by percentile."""

    asked: int
    orders: int
    latencies: dict[float, float]
    lateness: dict[float, float]


class _Connection(asyncio.Protocol):
    """One order at a time on a kept connection."""

    def __init__(self, loop: "_Loop") -> None:
        self._loop = loop
        self._answer = b""
        self._due = self._sent = 0.0
        self._transport: Any = None  # uvloop's are no subclasses of asyncio's

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def connection_lost(self, _error: Exception | None) -> None:
        self._loop.lose(self, busy=bool(self._due))

    def close(self) -> None:
        self._transport.close()

    def send(self, due: float) -> None:
        self._due, self._sent = due, time.perf_counter()
        self._transport.write(self._loop.request)

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, found, body = self._answer.partition(b"\r\n\r\n")
        if found and len(body) >= _content_length(head):
            self._loop.note(self._due, self._sent, created=head.startswith(b"HTTP/1.1 201 "))
            self._answer, self._due = b"", 0.0
            self._loop.release(self)


class _Loop:
    """Sends what is due on whatever connection is free."""

    def __init__(self, port: int, body: str) -> None:
        self.request = request(port, body)
        self.other = 0
        self.latencies: list[float] = []
        self.lateness: list[float] = []
        self._port = port
        self._connections: list[_Connection] = []
        self._free: deque[_Connection] = deque()
        self._tasks: set[asyncio.Task[None]] = set()

    def note(self, due: float, sent: float, *, created: bool) -> None:
        if not created:
            self.other += 1
            return
        self.latencies.append((time.perf_counter() - due) * 1000)
        self.lateness.append((sent - due) * 1000)

    def release(self, connection: _Connection) -> None:
        self._free.append(connection)

    def lose(self, connection: _Connection, *, busy: bool) -> None:
        if busy:
            self.other += 1
        elif connection in self._free:
            self._free.remove(connection)  # a gateway lets go of what is idle for long

    def close(self) -> None:
        for connection in self._connections:
            connection.close()

    async def run(self, rate: float, seconds: float) -> int:
        """Send at a rate, then wait for what is not answered yet; return how many orders were due."""
        for _ in range(CONNECTIONS):
            self._free.append(await self._connect())
        total, begun, asked = round(rate * seconds), time.perf_counter(), 0
        while asked < total:
            while asked < total and (due := begun + asked / rate) <= time.perf_counter():
                self._place(due)
                asked += 1
            await asyncio.sleep(LOOK_SECONDS)
        deadline = time.perf_counter() + DRAIN_SECONDS
        while len(self.latencies) + self.other < total and time.perf_counter() < deadline:  # noqa: ASYNC110 - once
            await asyncio.sleep(LOOK_SECONDS)
        return total

    def _place(self, due: float) -> None:
        if self._free:
            self._free.popleft().send(due)
            return
        task = asyncio.create_task(self._place_anew(due))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _place_anew(self, due: float) -> None:
        connection = await self._connect()
        connection.send(due)

    async def _connect(self) -> _Connection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(lambda: _Connection(self), "127.0.0.1", self._port)
        self._connections.append(connection)
        return connection


def _content_length(head: bytes) -> int:
    _, _, rest = head.lower().partition(b"content-length:")
    return int(rest.partition(b"\r\n")[0])


def request(port: int, body: str) -> bytes:
    """Write an order as it goes over the wire."""
    head = f"POST /orders HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body.encode())}\r\n\r\n{body}".encode()


async def load(port: int, body: str, rate: float, seconds: float) -> OpenLoad:
    """Place orders at a rate."""
    loop = _Loop(port, body)
    asked = await loop.run(rate, seconds)
    loop.close()
    late, latencies = percentiles(loop.lateness, PERCENTILES), percentiles(loop.latencies, PERCENTILES)
    return OpenLoad(asked, len(loop.latencies), latencies, late)


def main() -> None:
    """Place orders, and write what came of them to standard output, as JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.openloop", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--body", required=True)
    given = parser.parse_args()
    done = uvloop.run(load(given.port, given.body, given.rate, given.seconds))
    sys.stdout.buffer.write(msgspec.json.encode(done))


if __name__ == "__main__":
    main()
