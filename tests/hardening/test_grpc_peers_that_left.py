"""What a server keeps of a peer that went while its calls ran: bounded at once, and soon nothing."""

import asyncio
import gc
import ssl
import time
import weakref
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress

import pytest
import trustme
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, DataReceived, StreamReset
from h2.settings import SettingCodes
from hyperframe.frame import GoAwayFrame, PingFrame
from structlog.testing import capture_logs

from generated.restaurant import v1
from infra.grpc import health_service
from infra.grpc.guard import CLOSE_SECONDS, GuardedProtocol
from infra.grpc.peer_guard import LOOK_SECONDS, UNANSWERED_LOOKS
from infra.pipeline import pipelined
from tests.hardening.served import MOVE_TICKET, STREAM_ORDERS, Kitchen, Served, serve, tls_contexts
from tests.support.http2_peers import BUSY_SECONDS, FACT_SECONDS, MIB, Peer, message

pytestmark = pytest.mark.long


RETRY_POLICY = 1.8
CALL_SECONDS = 2.0
GONE_SECONDS = RETRY_POLICY + 3 * LOOK_SECONDS
OF_EACH = 5
MESSAGE_BYTES = 16_000
WATCH = "/grpc.health.v1.Health/Watch"
ALL = (STREAM_ORDERS, MOVE_TICKET, WATCH)
MOST_UNSENT = 64 * 1024 + 2 * MESSAGE_BYTES
"""What a connection keeps to be sent: asyncio's mark, above which a call waits, and what the last ones put on it."""


class Talkative(Kitchen):
    """Responds to a batch of orders without end, and to GetMenu with much."""

    def __init__(self) -> None:
        super().__init__()
        self.writing = 0
        self.working = 0

    async def get_menu(self, get_menu_request: v1.GetMenuRequest) -> v1.GetMenuResponse:
        return v1.GetMenuResponse(name="x" * 5 * MESSAGE_BYTES)

    async def stream_orders(
        self, stream_orders_request_iterator: AsyncIterator[v1.StreamOrdersRequest]
    ) -> AsyncIterator[v1.StreamOrdersResponse]:
        self.writing += 1
        try:
            async for response in pipelined(self._batches(), self._respond, 4):
                yield response
        finally:
            self.writing -= 1

    async def _batches(self) -> AsyncIterator[int]:
        number = 0
        while True:
            number += 1
            yield number

    async def _respond(self, number: int) -> v1.StreamOrdersResponse:
        self.working += 1
        try:
            await asyncio.sleep(0)
        finally:
            self.working -= 1
        return v1.StreamOrdersResponse(number, 5, "x" * MESSAGE_BYTES)


@pytest.fixture(autouse=True)
def no_collection() -> Iterator[None]:
    """Collections of garbage are rare in the programs; what ends has to be freed without one."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@asynccontextmanager
async def calling(
    served: Served,
    *,
    window: int,
    receive_buffer: int | None = None,
    paths: Sequence[str] = ALL,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Peer]:
    """Connect a peer whose calls run, and let `window` bytes of each call's response through."""
    async with Peer.connect(served.port, greet=False, receive_buffer=receive_buffer, tls=tls) as peer:
        peer.h2.initiate_connection()
        peer.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: window})
        peer.h2.increment_flow_control_window(2**30)
        await peer.flush()
        for path in paths:
            for _ in range(OF_EACH):
                await peer.call(message(), path=path)
        await served.until_running(OF_EACH)
        yield peer


def protocol_of(served: Served) -> GuardedProtocol:
    (protocol,) = served.server._server.open
    return protocol


def unsent(served: Served) -> int:
    """Return how many bytes wait to be sent, of all connections."""
    connections = served.server._server.open
    return sum(each._transport.get_write_buffer_size() + len(each._h2._data_to_send) for each in connections)


async def until_forgotten(served: Served, kitchen: Talkative, tasks: int, within: float) -> int:
    """Wait until nothing of the connection is left; returns how many bytes waited to be sent at most."""
    most = 0
    protocol = weakref.ref(protocol_of(served))
    async with asyncio.timeout(within):
        while served.server._server.open or protocol() or kitchen.writing or len(asyncio.all_tasks()) > tasks:
            most = max(most, unsent(served))
            await asyncio.sleep(0.005)
    assert (kitchen.running, kitchen.working, served.server._calls, len(served.server._streams)) == (0, 0, 0, 0)
    assert not any(handler._tasks or handler._cancelled for handler in served.server._server._handlers)
    return most


@pytest.mark.parametrize("says_goaway", [False, True], ids=["without GOAWAY", "after GOAWAY"])
@pytest.mark.parametrize("way", ["resets", "ends", "vanishes"])
async def test_of_a_peer_that_went_nothing_is_kept_and_meanwhile_little(way: str, says_goaway: bool) -> None:
    kitchen, tasks = Talkative(), len(asyncio.all_tasks())
    async with (
        serve(kitchen=kitchen, ping_timeout=RETRY_POLICY) as served,
        calling(served, window=2**30, receive_buffer=8192) as peer,
    ):
        peer.reader._transport.pause_reading()  # type: ignore[attr-defined]
        if says_goaway:
            await peer.send(GoAwayFrame(0).serialize())
        if way == "resets":
            peer.writer.transport.abort()
        elif way == "ends":
            peer.writer.write_eof()
        most = await until_forgotten(served, kitchen, tasks, GONE_SECONDS + BUSY_SECONDS)
    assert most < MOST_UNSENT


@pytest.mark.parametrize("way", ["resets", "vanishes"])
async def test_over_tls_of_a_peer_that_went_nothing_is_kept_and_meanwhile_little(way: str) -> None:
    kitchen, tasks = Talkative(), len(asyncio.all_tasks())
    server, client = tls_contexts(trustme.CA())
    async with (
        serve(server, kitchen=kitchen, ping_timeout=RETRY_POLICY) as served,
        calling(served, window=2**30, receive_buffer=8192, tls=client) as peer,
    ):
        peer.reader._transport.pause_reading()  # type: ignore[attr-defined]
        if way == "resets":
            peer.writer.transport.abort()
        most = await until_forgotten(served, kitchen, tasks, GONE_SECONDS + BUSY_SECONDS)
    assert most < MOST_UNSENT


async def test_a_call_that_responds_just_when_its_peer_goes_is_no_fault() -> None:
    with capture_logs() as logs:
        async with serve() as served, calling(served, window=MIB, paths=(MOVE_TICKET,)):
            served.kitchen.let.set()
            protocol_of(served)._transport.close()  # which is noticed only after the calls have gone on
            await served.until_running(0)
    assert logs == []


async def test_a_peer_that_acknowledges_pings_without_reading_them_is_gone() -> None:
    kitchen, tasks = Talkative(), len(asyncio.all_tasks())
    responses = PingFrame(opaque_data=b"are you?", flags=["ACK"]).serialize()

    async def response(peer: Peer) -> None:
        while not peer.writer.is_closing():
            await peer.send(responses)
            await asyncio.sleep(0.2)

    async with (
        serve(kitchen=kitchen, ping_timeout=RETRY_POLICY) as served,
        calling(served, window=2**30, receive_buffer=8192) as peer,
    ):
        peer.reader._transport.pause_reading()  # type: ignore[attr-defined]
        responding = asyncio.create_task(response(peer))
        within = LOOK_SECONDS * (UNANSWERED_LOOKS + 2) + BUSY_SECONDS
        most = await until_forgotten(served, kitchen, tasks + 1, within)
        responding.cancel()
    assert most < MOST_UNSENT


async def test_a_peer_that_said_goaway_and_lets_no_response_through_has_its_calls_reset() -> None:
    """It acknowledges pings; before its GOAWAY it is let wait, as a client may be slow."""
    kitchen, tasks = Talkative(), len(asyncio.all_tasks())
    async with (
        serve(kitchen=kitchen, call_seconds=CALL_SECONDS) as served,
        calling(served, window=0, paths=(STREAM_ORDERS, MOVE_TICKET)) as peer,
    ):
        begin = time.monotonic()
        while time.monotonic() - begin < CALL_SECONDS + 2 * LOOK_SECONDS:
            await peer.until_any()
        assert (kitchen.writing, peer.all(StreamReset)) == (OF_EACH, [])

        await peer.send(GoAwayFrame(0).serialize())
        begin = time.monotonic()
        protocol = weakref.ref(protocol_of(served))
        await peer.until(ConnectionTerminated)
        assert time.monotonic() - begin > CALL_SECONDS
        assert {reset.error_code for reset in peer.all(StreamReset)} == {ErrorCodes.ENHANCE_YOUR_CALM}
        await peer.until_over()
        peer.writer.transport.abort()
        async with asyncio.timeout(FACT_SECONDS):
            while protocol() or kitchen.writing or len(asyncio.all_tasks()) > tasks:  # noqa: ASYNC110 - until it is gone
                await asyncio.sleep(0.005)


async def test_watchers_of_health_that_read_nothing_hold_up_a_drain_for_a_moment_only() -> None:
    async with serve() as served, calling(served, window=0, paths=(MOVE_TICKET, WATCH)):
        served.kitchen.let.set()
        begin = time.monotonic()
        await served.server.drain(0.0)
        assert time.monotonic() - begin < health_service.SEND_SECONDS + CLOSE_SECONDS + BUSY_SECONDS


async def test_after_goaway_a_stream_goes_on_for_as_long_as_its_peer_takes_what_it_is_sent() -> None:
    async with serve(call_seconds=0.5) as served, Peer.connect(served.port) as peer:
        stream_id = await peer.call(message(bytes([8, 1])), path=STREAM_ORDERS, end=False)
        await peer.until(DataReceived, stream_id)
        await peer.send(GoAwayFrame(0).serialize())
        begin = time.monotonic()
        while time.monotonic() - begin < 4 * LOOK_SECONDS:
            await peer.until_any()
        for number in range(2, 10):
            peer.h2.send_data(stream_id, message(bytes([8, number])), end_stream=number == 9)
        await peer.flush()
        assert await peer.status_of(stream_id) == (0, "")
        assert peer.data_of(stream_id) == b"".join(message(bytes([8, number])) for number in range(1, 10))


async def test_calls_that_wait_to_send_do_not_all_send_at_once_when_some_may() -> None:
    most = 0
    async with (
        serve(kitchen=Talkative()) as served,
        Peer.connect(served.port, greet=False, receive_buffer=8192) as peer,
    ):
        peer.h2.initiate_connection()
        peer.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: MIB})
        peer.h2.increment_flow_control_window(2**30)
        await peer.flush()
        await peer.until_window_of(MIB)
        calls = [await peer.call(message()) for _ in range(90)]

        async def measure() -> None:
            nonlocal most
            while True:
                most = max(most, unsent(served))
                await asyncio.sleep(0)

        measuring = asyncio.create_task(measure())
        for call in calls:
            assert await peer.status_of(call) == (0, "")
        measuring.cancel()
        with suppress(asyncio.CancelledError):
            await measuring
    assert MESSAGE_BYTES < most < MOST_UNSENT
