"""The staff's part of a load: steps with tickets at a fixed rate, whether earlier ones are answered or not.

Each ticket is started and recalled in turn, so a few tickets are enough for any time. A step's latency counts from the
moment at which it was due.
"""

import asyncio
import itertools
import json
import time
from collections import deque
from typing import NamedTuple, Protocol

import msgspec

from bench.streams import AUTHORIZATION, TicketState

Key = tuple[str, str]
"""A ticket: department and order id."""

_STEPS = {"queued": ("start", "preparing"), "preparing": ("recall", "queued")}
"""By a ticket's state: the verb, and the state after it."""

TICKETS = 60
DRAIN_SECONDS = 20.0


class Step(NamedTuple):
    """A step that is due: the ticket's state after it, and when, by `time.perf_counter`."""

    key: Key
    state: str
    due: float


class Followers(Protocol):
    """Those who wait for the events of steps."""

    def expect(self, step: Step) -> None:
        """Wait for a step's event, from before it is sent."""

    def forget(self, step: Step) -> None:
        """Do not wait for the event of a step that failed."""


class _Tickets(msgspec.Struct):
    tickets: list[TicketState]


class _Connection(NamedTuple):
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


class Staff:
    """Takes steps over REST, on as many connections as it takes."""

    def __init__(self, port: int) -> None:
        """Work at the gateway of a port."""
        self.latencies: list[float] = []
        self.lateness: list[float] = []
        self.failed = 0
        self.answer = ""
        """The last response other than 200."""
        self._port = port
        self._tickets: deque[tuple[Key, str]] = deque()
        self._free: list[_Connection] = []
        self._all: list[_Connection] = []
        self._numbers = itertools.count()
        self._tasks: set[asyncio.Task[None]] = set()

    async def find_tickets(self) -> None:
        """Choose the oldest tickets that are open; nobody else moves them."""
        states = "&".join(f"state={state}" for state in _STEPS)
        head = f"GET /tickets?{states}&limit={TICKETS} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\n"
        _, body = await self._ask(head.encode() + AUTHORIZATION + b"\r\n")
        found = msgspec.json.decode(body, type=_Tickets).tickets
        self._tickets = deque(((ticket.department, ticket.order_id), ticket.state) for ticket in found)

    async def take_steps(self, rate: float, seconds: float, followers: Followers) -> int:
        """Take steps at a rate, and wait for their responses; return how many were due."""
        total, begun = round(rate * seconds), time.perf_counter()
        for number in range(total):
            due = begun + number / rate
            while (left := due - time.perf_counter()) > 0:  # noqa: ASYNC110 - until a time, of which timers know less
                await asyncio.sleep(left)
            self._begin(due, followers)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=DRAIN_SECONDS)
        self.failed += len(self._tasks)
        return total

    def close(self) -> None:
        """Close the connections."""
        for connection in self._all:
            connection.writer.close()

    def _begin(self, due: float, followers: Followers) -> None:
        if not self._tickets:
            self.failed += 1
            self.answer = "every ticket waits for a response"
            return
        key, state = self._tickets.popleft()
        task = asyncio.create_task(self._take(key, state, due, followers))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _take(self, key: Key, state: str, due: float, followers: Followers) -> None:
        verb, after = _STEPS[state]
        step = Step(key, after, due)
        followers.expect(step)
        request = self._request(key, verb, state)
        self.lateness.append((time.perf_counter() - due) * 1000)
        status, body = await self._ask(request)
        if status == 200:
            self.latencies.append((time.perf_counter() - due) * 1000)
        else:
            self.failed += 1
            self.answer = f"{status} {body!r}"
            followers.forget(step)
        self._tickets.append((key, after if status == 200 else state))

    async def _ask(self, request: bytes) -> tuple[int, bytes]:
        """Send a request, anew where the gateway has closed a connection that was idle; return the response.

        The status is 0 where a new connection breaks, too.
        """
        while True:
            is_new = not self._free
            connection = await self._connect() if is_new else self._free.pop()
            try:
                connection.writer.write(request)
                response = await _response(connection.reader)
            except (asyncio.IncompleteReadError, ConnectionError) as error:
                if is_new:
                    return 0, str(error).encode()
                continue
            self._free.append(connection)
            return response

    def _request(self, key: Key, verb: str, state: str) -> bytes:
        department, order_id = key
        step_id = f"bench-{time.time_ns()}-{next(self._numbers)}"
        body = json.dumps({"verb": verb, "expected": state, "step_id": step_id, "moved_by": "Ada"}).encode()
        head = f"POST /tickets/{department}/{order_id}/moves HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\n"
        rest = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        return head.encode() + AUTHORIZATION + rest.encode() + body

    async def _connect(self) -> _Connection:
        connection = _Connection(*await asyncio.open_connection("127.0.0.1", self._port))
        self._all.append(connection)
        return connection


async def _response(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Read a response; return its status and its body."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
    return int(head.split(maxsplit=2)[1]), await reader.readexactly(length)
