import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from bench.openloop import CONNECTIONS, load

CREATED = b"HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\n{}"
BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"


class Gateway:
    """Responds to the nth order with what `response` says, once it is open."""

    def __init__(self, response: Callable[[int], bytes]) -> None:
        self.open = asyncio.Event()
        self.orders = 0
        self._respond = response

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readline():
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(head.rpartition(b"Content-Length: ")[2]))
            await self.open.wait()
            self.orders += 1
            writer.write(self._respond(self.orders))
        writer.close()


@asynccontextmanager
async def serving(gateway: Gateway) -> AsyncIterator[int]:
    async with await asyncio.start_server(gateway.serve, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


async def test_every_order_that_is_due_is_asked_and_counted() -> None:
    gateway = Gateway(lambda number: BUSY if number % 10 == 0 else CREATED)
    gateway.open.set()
    async with serving(gateway) as port:
        seen = await load(port, "{}", rate=500, seconds=0.2)
    assert (seen.asked, seen.orders, gateway.orders) == (100, 90, 100)


async def test_an_order_that_had_to_wait_shows_it_from_the_moment_it_was_due() -> None:
    gateway = Gateway(lambda _: CREATED)
    rate, stalled = 500.0, 0.4
    async with serving(gateway) as port:
        loading = asyncio.create_task(load(port, "{}", rate, seconds=stalled))
        asyncio.get_running_loop().call_later(stalled, gateway.open.set)
        seen = await loading
    assert seen.orders == rate * stalled > CONNECTIONS  # a stall stops nobody from ordering
    assert seen.latencies[100] > 0.7 * stalled * 1000
    assert seen.latencies[50] > 0.2 * stalled * 1000


async def test_an_order_on_a_connection_that_breaks_is_lost() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.readline():
            writer.transport.abort()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        seen = await load(server.sockets[0].getsockname()[1], "{}", rate=500, seconds=0.2)
    assert (seen.asked, seen.orders) == (100, 0)
