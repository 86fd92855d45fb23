"""How long the two sides of gRPC wait for each other, in one process."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from grpclib.const import Status
from grpclib.exceptions import GRPCError, StreamTerminatedError
from h2.events import DataReceived
from h2.settings import SettingCodes

from generated.restaurant import v1
from infra.grpc.peer_guard import WatchedChannel
from infra.grpc.server import STREAMS_THAT_LAST, GrpcServer
from infra.sockets import bind
from tests.support.http2_peers import BUSY_SECONDS, FACT_SECONDS, FOUND_SECONDS, Peer, message
from tests.support.one_way_proxy import Wire
from tests.support.processes import ROOT, Program

pytestmark = pytest.mark.long


STREAM_ORDERS = "/restaurant.v1.DepartmentService/StreamOrders"
CALL_SECONDS = 0.5
IDLE_SECONDS = 3.5


class Department(v1.DepartmentServiceBase):
    """Responds at once, or never; with a large response."""

    async def get_menu(self, get_menu_request: v1.GetMenuRequest) -> v1.GetMenuResponse:
        return v1.GetMenuResponse(name="x" * 100_000)

    async def stream_orders(
        self, stream_orders_request_iterator: AsyncIterator[v1.StreamOrdersRequest]
    ) -> AsyncIterator[v1.StreamOrdersResponse]:
        async for batch in stream_orders_request_iterator:
            yield v1.StreamOrdersResponse(batch.number)

    async def move_ticket(self, move_ticket_request: v1.MoveTicketRequest) -> v1.MoveTicketResponse:
        await asyncio.Event().wait()
        raise AssertionError


async def healthy() -> bool:
    return True


@asynccontextmanager
async def serve(call_seconds: float = 20.0) -> AsyncIterator[int]:
    server = GrpcServer(
        [Department()],
        descriptors=ROOT / "generated" / "descriptors.binpb",
        translate=lambda error: None,
        healthy=healthy,
        max_message_bytes=1024 * 1024,
        call_seconds=call_seconds,
    )
    sock = bind("127.0.0.1", 0)
    await server.start(sock)
    try:
        yield sock.getsockname()[1]
    finally:
        await server.drain(0.0)


@pytest.mark.parametrize("sent", [b"", message()[:3], message(b"x", length=1000)], ids=len)
async def test_a_call_that_sends_nothing_more_is_ended(sent: bytes) -> None:
    async with serve(CALL_SECONDS) as port, Peer.connect(port) as peer:
        begin = time.monotonic()
        status, text = await peer.status_of(await peer.call(sent, end=False))
    assert (status, text) == (Status.DEADLINE_EXCEEDED.value, f"the call was not over within {CALL_SECONDS} seconds")
    assert CALL_SECONDS <= time.monotonic() - begin < CALL_SECONDS + BUSY_SECONDS


async def test_its_own_deadline_ends_it_sooner() -> None:
    async with serve() as port, Peer.connect(port) as peer:
        begin = time.monotonic()
        status, _ = await peer.status_of(await peer.call(b"", ("grpc-timeout", "200m"), end=False))
    assert status == Status.DEADLINE_EXCEEDED.value
    assert time.monotonic() - begin < CALL_SECONDS + BUSY_SECONDS


async def test_a_call_whose_response_is_not_let_through_is_ended() -> None:
    async with serve(CALL_SECONDS) as port, Peer.connect(port) as peer:
        peer.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 0})
        await peer.flush()
        status, _ = await peer.status_of(await peer.call(message()))
    assert status == Status.DEADLINE_EXCEEDED.value


async def test_a_stream_may_last_but_none_of_its_messages() -> None:
    async with serve(CALL_SECONDS) as port, Peer.connect(port) as peer:
        stream_id = await peer.call(message(bytes([8, 1])), path=STREAM_ORDERS, end=False)
        await peer.until(DataReceived, stream_id)
        await asyncio.sleep(2 * CALL_SECONDS)
        peer.h2.send_data(stream_id, message(b"x", length=1000))
        await peer.flush()
        status, text = await peer.status_of(stream_id)
    assert status == Status.DEADLINE_EXCEEDED.value
    assert text == f"the message did not arrive within {CALL_SECONDS} seconds"


async def test_a_connection_has_a_few_streams_and_calls_beside_them() -> None:
    async with serve() as port, Peer.connect(port) as peer:
        streams = [
            await peer.call(message(bytes([8, 1])), path=STREAM_ORDERS, end=False) for _ in range(STREAMS_THAT_LAST)
        ]
        for stream_id in streams:
            await peer.until(DataReceived, stream_id)
        status, _ = await peer.status_of(await peer.call(message(), path=STREAM_ORDERS, end=False))
        assert status == Status.RESOURCE_EXHAUSTED.value
        await peer.until(DataReceived, await peer.call(message()))
        peer.h2.end_stream(streams[0])
        await peer.flush()
        assert await peer.status_of(streams[0]) == (Status.OK.value, "")
        again = await peer.call(message(bytes([8, 1])), path=STREAM_ORDERS, end=False)
        await peer.until(DataReceived, again)


# Each of these takes its time, and they take it together.


async def _a_server_that_went_silent_is_found_and_called_again_once_it_is_back() -> None:
    async with serve() as port:
        sock = bind("127.0.0.1", 0)
        between = sock.getsockname()[1]
        sock.close()
        async with Wire(port).on(between) as wire:
            channel = WatchedChannel("127.0.0.1", between)
            stub = v1.DepartmentServiceStub(channel)
            await stub.get_menu(v1.GetMenuRequest(), timeout=5.0)

            wire.responses = False
            begin = time.monotonic()
            with pytest.raises(StreamTerminatedError):
                await stub.get_menu(v1.GetMenuRequest(), timeout=FACT_SECONDS)
            assert time.monotonic() - begin < FOUND_SECONDS + BUSY_SECONDS

            wire.responses = True
            await stub.get_menu(v1.GetMenuRequest(), timeout=5.0)
            channel.close()


async def _a_server_that_never_said_anything_is_found() -> None:
    with bind("127.0.0.1", 0) as sock:
        sock.listen()  # the system connects; nobody accepts
        channel = WatchedChannel(*sock.getsockname())
        begin = time.monotonic()
        with pytest.raises(StreamTerminatedError):
            await v1.DepartmentServiceStub(channel).get_menu(v1.GetMenuRequest(), timeout=FACT_SECONDS)
        assert time.monotonic() - begin < FOUND_SECONDS + BUSY_SECONDS
        channel.close()


async def _a_call_that_takes_long_ends_with_its_deadline_and_the_connection_lives() -> None:
    """For longer than a peer may be silent, nothing but pings is said on it."""
    async with serve() as port:
        channel = WatchedChannel("127.0.0.1", port)
        stub = v1.DepartmentServiceStub(channel)
        await stub.get_menu(v1.GetMenuRequest(), timeout=5.0)
        protocol = channel._protocol
        with pytest.raises((TimeoutError, GRPCError)):
            await stub.move_ticket(v1.MoveTicketRequest(), timeout=IDLE_SECONDS)
        assert (await stub.get_menu(v1.GetMenuRequest(), timeout=5.0)).name
        assert channel._protocol is protocol
        channel.close()


async def _the_official_client_stays_connected_while_it_is_idle_and_pings(bar: Program) -> None:
    script = Path(__file__).parent / "official_client.py"
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(script), str(bar.port), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    assert out.decode().startswith("stayed"), (out, err)


async def test_a_server_that_is_gone_is_found_within_3_seconds_and_one_that_is_busy_is_kept(bar: Program) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(_a_server_that_went_silent_is_found_and_called_again_once_it_is_back())
        group.create_task(_a_server_that_never_said_anything_is_found())
        group.create_task(_a_call_that_takes_long_ends_with_its_deadline_and_the_connection_lives())
        group.create_task(_the_official_client_stays_connected_while_it_is_idle_and_pings(bar))
