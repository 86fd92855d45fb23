import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bench.steps import Staff
from bench.streams import Streams, TicketState, tickets_in
from bench.watchers import ARRIVE_SECONDS, Followed, take_steps

TICK = b'id: bar.a.1\nevent: tick\ndata: {"now_ms":1}\n\n'
RESET = b'id: 0\nevent: reset\ndata: {"departments":["bar"]}\n\n'
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nretry: 1000\n\n"


def event(order_id: str, state: str) -> bytes:
    data = {"department": "bar", "order_id": order_id, "number": 7, "state": state, "lines": []}
    return b"event: ticket\ndata: %b\n\n" % json.dumps(data).encode()


class Gateway:
    """Has tickets that can be moved, and tells every client; as it comes, in pieces that end anywhere."""

    def __init__(self, tickets: int) -> None:
        self.states = {str(number): "queued" for number in range(tickets)}
        self.step_ids: list[str] = []
        self.clients: list[asyncio.StreamWriter] = []
        self.deaf: set[int] = set()
        self.repeats = 1
        self.refused: set[str] = set()
        self.most_requests = 1_000_000  # of one connection

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(self.most_requests):
            line = await reader.readline()
            if not line:
                break
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.rpartition(b"Content-Length: ")[2] or 0) if b"Content-Length" in head else 0
            body = await reader.readexactly(length)
            await self._respond(line.split()[1].decode(), body, writer)
        writer.close()

    async def _respond(self, path: str, body: bytes, writer: asyncio.StreamWriter) -> None:
        if path == "/events":
            self.clients.append(writer)
            writer.write(HEAD + RESET + TICK)
            return
        if path.startswith("/tickets?"):
            tickets = [{"department": "bar", "order_id": key, "state": state} for key, state in self.states.items()]
            _respond(writer, 200, {"tickets": tickets, "next": None})
            return
        order_id, move = path.split("/")[3], json.loads(body)
        self.step_ids.append(move["step_id"])
        if order_id in self.refused or move["expected"] != self.states[order_id]:
            _respond(writer, 409, {"title": "the ticket is in another state"})
            return
        self.states[order_id] = {"start": "preparing", "recall": "queued"}[move["verb"]]
        await self.tell(event(order_id, self.states[order_id]) * self.repeats)
        _respond(writer, 200, {"state": self.states[order_id]})

    async def tell(self, events: bytes) -> None:
        for number, client in enumerate(self.clients):
            if number not in self.deaf:
                client.write(events[:20])
                await client.drain()
                client.write(events[20:])


def _respond(writer: asyncio.StreamWriter, status: int, content: object) -> None:
    body = json.dumps(content).encode()
    writer.write(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body))


@asynccontextmanager
async def serving(gateway: Gateway) -> AsyncIterator[int]:
    async with await asyncio.start_server(gateway.serve, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]
        for client in gateway.clients:
            client.close()


async def follow(gateway: Gateway, clients: int) -> Followed:
    """Take as many steps as there are tickets, so that none waits for the response to an earlier one; do so twice."""
    rate = 400.0
    async with serving(gateway) as port:
        streams, staff = Streams(port), Staff(port)
        await streams.connect(clients)
        await staff.find_tickets()
        for _ in range(2):
            seen = await take_steps(streams, staff, clients, rate, len(gateway.states) / rate)
        staff.close()
        streams.close()
    return seen


def test_tickets_are_read_from_events_of_all_kinds() -> None:
    assert tickets_in(TICK + event("a", "queued") + RESET + event("b", "ready")) == (
        TicketState("bar", "a", "queued"),
        TicketState("bar", "b", "ready"),
    )


async def test_every_step_is_counted_at_every_client() -> None:
    gateway = Gateway(tickets=20)
    seen = await follow(gateway, clients=3)
    assert (seen.steps, seen.failed, seen.deliveries, seen.lost, seen.resets) == (20, 0, 60, 0, 0)
    assert len(set(gateway.step_ids)) == 40
    assert set(gateway.states.values()) == {"queued"}  # started, then recalled
    assert 0 < seen.latencies[50] <= seen.latencies[100]
    assert 0 <= seen.lateness[1] <= seen.responses[1]


async def test_a_state_that_comes_twice_is_one_delivery() -> None:
    gateway = Gateway(tickets=20)
    gateway.repeats = 2
    assert (await follow(gateway, clients=2)).deliveries == 40


async def test_a_step_that_a_client_does_not_hear_of_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.watchers.ARRIVE_SECONDS", 0.1)
    gateway = Gateway(tickets=20)
    gateway.deaf = {1}
    assert (await follow(gateway, clients=3)).deliveries == 40


async def test_a_refused_step_has_failed_and_nobody_waits_for_it() -> None:
    gateway = Gateway(tickets=20)
    gateway.refused = {"2"}
    async with asyncio.timeout(ARRIVE_SECONDS):
        seen = await follow(gateway, clients=1)
    assert (seen.steps, seen.failed, seen.deliveries) == (20, 1, 19)
    assert seen.last_failure.startswith("409 ")


async def test_a_step_is_sent_again_where_a_kept_connection_was_closed() -> None:
    gateway = Gateway(tickets=20)
    gateway.most_requests = 3
    seen = await follow(gateway, clients=0)
    assert (seen.steps, seen.failed, len(gateway.step_ids)) == (20, 0, 40)


async def test_a_step_that_no_connection_takes_has_failed() -> None:
    gateway = Gateway(tickets=4)
    async with serving(gateway) as port:
        gateway.most_requests = 1
        staff = Staff(port)
        await staff.find_tickets()
        gateway.most_requests = 0
        seen = await take_steps(Streams(port), staff, 0, rate=200, seconds=0.02)
        staff.close()
    assert (seen.steps, seen.failed) == (4, 4)


async def test_a_client_that_the_gateway_leaves_is_lost() -> None:
    gateway = Gateway(tickets=1)
    async with serving(gateway) as port:
        streams = Streams(port)
        await streams.connect(3)
        gateway.clients[1].close()
        gateway.deaf = {1}
        async with asyncio.timeout(5):
            while not streams.lost:  # noqa: ASYNC110 - the fact that is waited for
                await asyncio.sleep(0.001)
        await gateway.tell(RESET)
        async with asyncio.timeout(5):
            while streams.resets < 2:  # noqa: ASYNC110 - the same
                await asyncio.sleep(0.001)
        streams.close()
    assert streams.lost == 1


async def test_a_stream_that_ends_before_it_has_everything_is_an_error() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HEAD)
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        with pytest.raises(ConnectionError, match="before the first tick"):
            await Streams(server.sockets[0].getsockname()[1]).connect(2)
