"""How a connection ends: GOAWAY first, what runs is finished, and nobody is hung up on who was only busy."""

import asyncio
import socket
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest
import trustme
from grpclib.exceptions import StreamTerminatedError
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, Event, RequestReceived, StreamEnded, StreamReset
from hyperframe.frame import GoAwayFrame, PingFrame
from structlog.testing import capture_logs

from generated.restaurant import v1
from infra.grpc import guard, peer_guard
from infra.grpc.guard import GuardedProtocol
from infra.grpc.peer_guard import WatchedChannel
from tests.hardening.served import MOVE_TICKET, Served, serve, tls_contexts
from tests.support.http2_peers import BUSY_SECONDS, FACT_SECONDS, Peer, goaways, message

pytestmark = pytest.mark.long


RETRY_POLICY = 1.8
FOUND_SECONDS = RETRY_POLICY + 2 * peer_guard.LOOK_SECONDS
IN_FLIGHT = 20
GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])


# --- a peer that does not respond ---


async def test_a_client_that_does_not_respond_is_sent_goaway_before_its_connection_closes() -> None:
    async with serve(ping_timeout=RETRY_POLICY) as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(GREETING)
        begin = time.monotonic()
        async with asyncio.timeout(FACT_SECONDS):
            received = await reader.read()
        assert RETRY_POLICY < time.monotonic() - begin < FOUND_SECONDS + BUSY_SECONDS
        assert goaways(received) == [ErrorCodes.NO_ERROR]
        writer.close()


async def test_a_client_that_was_busy_for_4_seconds_keeps_its_connection_and_its_calls() -> None:
    async with serve() as served, Peer.connect(served.port) as peer:
        running = await peer.call(message(), path=MOVE_TICKET)
        await served.until_running(1)
        await asyncio.sleep(4.0)  # it reads nothing and sends nothing
        served.kitchen.let.set()
        assert await peer.status_of(running) == (0, "")
        assert await peer.status_of(await peer.call(message())) == (0, "")


async def test_who_never_greets_is_not_waited_for_as_long_as_a_client() -> None:
    """Its slot would be held for 20 seconds by one packet."""
    async with serve() as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        begin = time.monotonic()
        async with asyncio.timeout(FACT_SECONDS):
            received = await reader.read()
        assert time.monotonic() - begin < 3.0 + BUSY_SECONDS
        assert goaways(received) == [ErrorCodes.NO_ERROR]
        writer.close()


async def test_a_client_that_does_not_read_the_responses_to_its_pings_is_sent_away() -> None:
    """It is not waited for: the responses would be kept in memory meanwhile."""
    most = 0
    with capture_logs() as logs:
        async with serve() as served, Peer.connect(served.port, receive_buffer=4096) as peer:
            peer.reader._transport.pause_reading()  # type: ignore[attr-defined]
            (protocol,) = await _until_connected(served)
            pings = PingFrame(opaque_data=b"12345678").serialize() * 2_000
            async with asyncio.timeout(60):
                while served.server._server.open and not peer.writer.is_closing():
                    peer.writer.write(pings)
                    most = max(most, protocol._transport.get_write_buffer_size())
                    with suppress(TimeoutError, OSError):
                        await asyncio.wait_for(peer.writer.drain(), 0.1)
    assert [entry["event"] for entry in logs] == ["a peer does not read what it is answered; it is sent away"]
    assert most < 2 * guard.UNREAD_BYTES


async def _until_connected(served: Served) -> list[GuardedProtocol]:
    async with asyncio.timeout(FACT_SECONDS):
        while not served.server._server.open:  # noqa: ASYNC110 - until it has accepted
            await asyncio.sleep(0.001)
    return list(served.server._server.open)


# --- the server closes ---


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def read_to_close_notify(port: int, context: ssl.SSLContext, *, greet: bool = True) -> bytes:
    """Read until TLS says that no more comes; raises ssl.SSLError where the connection just ends."""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=FACT_SECONDS) as sock,
        context.wrap_socket(sock, server_hostname="bar", suppress_ragged_eofs=False) as tls,
    ):
        if greet:
            tls.sendall(GREETING)
        received = b""
        while data := tls.recv(65536):
            received += data
        return received


async def test_over_tls_goaway_is_followed_by_close_notify(authority: trustme.CA) -> None:
    server, client = tls_contexts(authority)
    async with serve(server, ping_timeout=RETRY_POLICY) as served:
        received = await asyncio.to_thread(read_to_close_notify, served.port, client)
    assert goaways(received) == [ErrorCodes.NO_ERROR]


async def test_over_tls_a_server_that_drains_says_goaway_and_close_notify(authority: trustme.CA) -> None:
    server, client = tls_contexts(authority)
    async with serve(server) as served:
        reading = asyncio.create_task(asyncio.to_thread(read_to_close_notify, served.port, client))
        await _until_connected(served)
        await served.server.drain(5)
        assert goaways(await reading) == [ErrorCodes.NO_ERROR]


async def test_over_tls_a_broken_connection_is_reported_why(authority: trustme.CA) -> None:
    server, client = tls_contexts(authority)
    async with serve(server) as served:

        def break_it() -> bytes:
            with (
                socket.create_connection(("127.0.0.1", served.port), timeout=FACT_SECONDS) as sock,
                client.wrap_socket(sock, server_hostname="bar", suppress_ragged_eofs=False) as tls,
            ):
                tls.sendall(b"GET / HTTP/1.1\r\n\r\n")
                received = b""
                while data := tls.recv(65536):
                    received += data
                return received

        assert goaways(await asyncio.to_thread(break_it)) == [ErrorCodes.PROTOCOL_ERROR]


# --- the client says GOAWAY ---


async def test_calls_that_run_when_their_client_says_goaway_are_finished() -> None:
    async with serve() as served, Peer.connect(served.port) as peer:
        calls = [await peer.call(message(), path=MOVE_TICKET) for _ in range(IN_FLIGHT)]
        await served.until_running(IN_FLIGHT)
        await peer.send(GoAwayFrame(0).serialize() + PingFrame(opaque_data=b"are you?").serialize())
        late = await peer.call(message())
        assert (await peer.until(StreamReset, late)).error_code == ErrorCodes.REFUSED_STREAM
        served.kitchen.let.set()
        for call in calls:
            assert await peer.status_of(call) == (0, "")
        await peer.until(ConnectionTerminated)
        await peer.until_over()


async def test_a_client_that_says_goaway_with_nothing_running_is_closed() -> None:
    async with serve() as served, Peer.connect(served.port) as peer:
        assert await peer.status_of(await peer.call(message())) == (0, "")
        await peer.send(GoAwayFrame(0).serialize())
        away = await peer.until(ConnectionTerminated)
        assert away.error_code == ErrorCodes.NO_ERROR
        await peer.until_over()


# --- the server says GOAWAY, and the gateway's side hears it ---


class _Other:
    """A server that says GOAWAY once two calls have arrived, and finishes the first of them."""

    def __init__(self) -> None:
        self.connections = 0
        self.first_is_over = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = self.connections
        h2 = H2Connection(H2Configuration(client_side=False))
        h2.initiate_connection()
        writer.write(h2.data_to_send())
        calls: list[int] = []
        while data := await reader.read(65536):
            for event in h2.receive_data(data):
                self._note(event, calls)
            writer.write(h2.data_to_send())
            if number == 1 and len(calls) == 2:
                writer.write(GoAwayFrame(0, last_stream_id=calls[0]).serialize())
                await writer.drain()
                await asyncio.sleep(0.05)  # it is read by itself
                self._finish(h2, calls.pop(0))
                calls.clear()
            elif number > 1 and calls:
                self._finish(h2, calls.pop())
            writer.write(h2.data_to_send())
        writer.close()
        self.first_is_over.set()

    def _note(self, event: Event, calls: list[int]) -> None:
        if isinstance(event, RequestReceived | StreamEnded) and event.stream_id not in calls:
            assert event.stream_id is not None
            calls.append(event.stream_id)

    def _finish(self, h2: H2Connection, stream_id: int) -> None:
        h2.send_headers(stream_id, [(":status", "200"), ("content-type", "application/grpc")])
        h2.send_data(stream_id, message(bytes(v1.GetMenuResponse(name="bar"))))
        h2.send_headers(stream_id, [("grpc-status", "0")], end_stream=True)


@asynccontextmanager
async def listening(
    handle: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[int]:
    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
        server.close()


async def test_after_a_servers_goaway_its_running_calls_finish_and_new_ones_go_on_a_new_connection() -> None:
    other = _Other()
    async with listening(other.serve) as port:
        channel = WatchedChannel("127.0.0.1", port)
        left = []
        channel.on_reconnect = lambda: left.append(True)
        stub = v1.DepartmentServiceStub(channel)
        first = asyncio.create_task(stub.get_menu(v1.GetMenuRequest(), timeout=FACT_SECONDS))
        second = asyncio.create_task(stub.get_menu(v1.GetMenuRequest(), timeout=FACT_SECONDS))
        assert (await first).name == "bar"
        with pytest.raises(StreamTerminatedError):  # it was not taken, and may be made again
            await second
        assert left == [True]
        assert (await stub.get_menu(v1.GetMenuRequest(), timeout=FACT_SECONDS)).name == "bar"
        assert other.connections == 2
        await asyncio.wait_for(other.first_is_over.wait(), FACT_SECONDS)
        channel.close()
