"""Clients of the events that are silent, slow, reset or gone: they keep nobody out and no memory."""

import asyncio
import socket
import struct
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, closing, suppress
from pathlib import Path

import pytest

from tests.hardening.conftest import MENUS, RECEIVE_SECONDS
from tests.support.event_stream import EventSource
from tests.support.http2_peers import memory_of
from tests.support.keys import AUTHORIZATION
from tests.support.rest_clients import line, order
from tests.support.systems import System, Systems
from tests.support.waiting import eventually

ATTACKERS = 500
MAX_STREAMS = ATTACKERS + 20
GROWTH_MIB = 30
KEPT_MIB = 10
"""20 KiB a client: a client that is kept costs more."""
WAVES = 6
"""How many times clients come who read nothing, at most: with each time there is more of what they leave."""
CUT_SECONDS = 60.0

FOLLOW = b"GET /events HTTP/1.1\r\nHost: x\r\n" + AUTHORIZATION + b"\r\n"


@pytest.fixture(scope="module")
def followed(systems: Systems) -> System:
    return systems.open(MENUS, RECEIVE_SECONDS=RECEIVE_SECONDS, MAX_STREAMS=MAX_STREAMS)


@pytest.fixture
def sockets() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def connect(system: System, sockets: ExitStack, *, receive_buffer: int = 4096) -> socket.socket:
    """Ask for the events on a connection that holds little."""
    sock = sockets.enter_context(closing(socket.socket()))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.connect(("127.0.0.1", system.gateway.port))
    sock.sendall(FOLLOW)
    return sock


def reset(sock: socket.socket) -> None:
    """Close a connection with RST."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def connections(system: System) -> int:
    """Count the sockets that the gateway has open."""
    count = 0
    for file in Path(f"/proc/{system.gateway.pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # it was closed meanwhile
            count += str(file.readlink()).startswith("socket:")
    return count


async def has_connections(system: System, at_least: int) -> bool:
    return connections(system) >= at_least


async def place(system: System, orders: int) -> None:
    """Place orders, of which each changes tickets and stock."""
    async with system.client() as client:
        for _ in range(orders):
            response = await client.post("/orders", json=order({**line("bar", "coffee"), "note": "n" * 190}))
            assert response.status_code == 201


@asynccontextmanager
async def honest(system: System) -> AsyncIterator[EventSource]:
    """Follow as an honest client, who has to be up to date when the body has ended."""
    async with EventSource(system.url) as client:
        await client.until(lambda screen: screen.ticks)
        yield client
        async with system.client() as guest:
            order_id = (await guest.post("/orders", json=order(line("bar", "coffee")))).json()["order_id"]
        await client.until(lambda screen: ("bar", order_id) in screen.tickets)
        assert client.connections == 1


async def test_clients_that_read_nothing_are_cut_and_keep_no_memory(followed: System, sockets: ExitStack) -> None:
    async with honest(followed):
        await place(followed, 20)
        kept = [await _read_nothing(followed, sockets) for _ in range(2)]
        # What earlier ones left is the allocator's, in pieces, for those who come after them: one wave may need more
        # pieces than those before it, but not each wave.
        while len(kept) < 3 or (len(kept) < WAVES and kept[-1] - max(kept[:-1]) >= KEPT_MIB):
            kept.append(await _read_nothing(followed, sockets))
        assert kept[-1] - max(kept[:-1]) < KEPT_MIB


async def _read_nothing(followed: System, sockets: ExitStack) -> float:
    """Follow with many clients that read nothing, until they are cut; return the gateway's memory then, in MiB."""
    before = memory_of(followed.gateway.pid)
    for _ in range(ATTACKERS):
        connect(followed, sockets)
    await eventually(lambda: has_connections(followed, at_least=ATTACKERS), "all follow")
    deadline = time.monotonic() + CUT_SECONDS
    while connections(followed) > ATTACKERS / 10:
        assert time.monotonic() < deadline
        await place(followed, 10)
        assert memory_of(followed.gateway.pid) - before < GROWTH_MIB + ATTACKERS * 64 / 1024
    await place(followed, 10)
    return memory_of(followed.gateway.pid)


async def test_clients_that_read_slowly_hold_up_nobody(followed: System, sockets: ExitStack) -> None:
    async with honest(followed):
        slow = [connect(followed, sockets) for _ in range(ATTACKERS)]
        for sock in slow:
            sock.setblocking(False)
        for _ in range(10):
            await place(followed, 5)
            for sock in slow:
                with suppress(BlockingIOError):
                    sock.recv(256)


async def test_clients_that_reset_their_connections_leave_nothing_behind(followed: System, sockets: ExitStack) -> None:
    async with honest(followed):
        before = memory_of(followed.gateway.pid)
        for _ in range(4 * ATTACKERS):
            reset(connect(followed, sockets))
        assert memory_of(followed.gateway.pid) - before < GROWTH_MIB


async def test_clients_that_close_their_side_leave_nothing_behind(followed: System, sockets: ExitStack) -> None:
    async with honest(followed) as client:
        for _ in range(ATTACKERS):
            connect(followed, sockets, receive_buffer=65536).shutdown(socket.SHUT_WR)
        ticks = len(client.screen.ticks)
        await client.until(lambda screen: len(screen.ticks) > ticks)


async def test_no_more_than_allowed_follow_and_orders_are_taken_all_the_same(
    followed: System, sockets: ExitStack
) -> None:
    waiting = [connect(followed, sockets, receive_buffer=1 << 20) for _ in range(MAX_STREAMS + 50)]
    responses = [await asyncio.to_thread(sock.recv, 12) for sock in waiting]
    assert responses.count(b"HTTP/1.1 503") == 50
    assert responses.count(b"HTTP/1.1 200") == MAX_STREAMS
    await place(followed, 10)
    for sock in waiting:
        reset(sock)
    async with honest(followed):
        pass
    assert "Traceback" not in followed.gateway.output
