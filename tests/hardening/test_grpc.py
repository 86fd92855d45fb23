"""A department against hostile peers: each keeps a promise to the honest, and takes no memory with it."""

import asyncio
import time
from collections.abc import Iterable
from itertools import repeat

import pytest
from grpclib.const import Status
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, PingAckReceived, RemoteSettingsChanged, StreamEnded, StreamReset
from h2.settings import SettingCodes
from hpack import Encoder
from hyperframe.frame import PingFrame, SettingsFrame

from infra.grpc import guard, peer_guard, request_guard
from tests.support.http2_peers import (
    BUSY_SECONDS,
    FACT_SECONDS,
    FOUND_SECONDS,
    MIB,
    Headers,
    Peer,
    call_headers,
    data_frame,
    goaways,
    headers_frame,
    honest_calls,
    memory_of,
    message,
    reset_frame,
)
from tests.support.processes import Program
from tests.support.waiting import wait_for

TIMES_BACK = 20
GROWTH_MIB = 20
LISTEN_SECONDS = peer_guard.LOOK_SECONDS * (peer_guard.UNANSWERED_LOOKS + 1)


async def _until_sent_away(peer: Peer) -> None:
    away = await peer.until(ConnectionTerminated)
    assert away.error_code == ErrorCodes.ENHANCE_YOUR_CALM


async def test_a_peer_that_resets_without_end_is_sent_away_each_time_it_comes_back(bar: Program) -> None:
    before, encoder = memory_of(bar.pid), Encoder()
    resets = b"".join(
        headers_frame(number, call_headers(), encoder) + reset_frame(number)
        for number in range(1, 4 * request_guard.RESETS, 2)
    )

    async with honest_calls(bar.port) as honest:
        for _ in range(TIMES_BACK):
            async with Peer.connect(bar.port) as peer:
                await peer.send(resets)
                await _until_sent_away(peer)

    assert memory_of(bar.pid) - before < GROWTH_MIB
    assert honest.quantile(0.5) < 500


async def test_a_peer_that_calls_above_the_limit_without_end_is_sent_away(bar: Program) -> None:
    async with honest_calls(bar.port), Peer.connect(bar.port) as peer:
        for _ in range(request_guard.STREAMS + 2 * request_guard.RESETS):  # before it was told of the limit
            peer.h2.send_headers(peer.h2.get_next_available_stream_id(), call_headers())
        await peer.flush()
        await _until_sent_away(peer)


async def test_a_peer_that_resets_a_few_calls_stays(bar: Program) -> None:
    async with Peer.connect(bar.port) as peer:
        for _ in range(request_guard.RESETS // 2):
            stream_id = await peer.call(end=False)
            peer.h2.reset_stream(stream_id)
        assert await peer.status_of(await peer.call(message())) == (0, "")


async def test_calls_that_were_reset_are_released(bar: Program) -> None:
    """More than the connection may have open at once, so that each must have been."""
    async with Peer.connect(bar.port) as peer:
        for _ in range(3 * request_guard.STREAMS):
            stream_id = await peer.call(message()[:3], end=False)
            peer.h2.reset_stream(stream_id)
        assert await peer.status_of(await peer.call(message())) == (0, "")
        assert not peer.all(StreamReset)


async def test_a_call_that_was_reset_unread_takes_nothing_from_its_connection(bar: Program) -> None:
    """What a connection may send at once is 4 MiB; each of these would have kept some of it for ever."""
    async with Peer.connect(bar.port) as peer:
        await peer.until_window_of(MIB)
        for _ in range(request_guard.RESETS - 50):
            stream_id = peer.h2.get_next_available_stream_id()
            peer.h2.send_headers(stream_id, call_headers())
            peer.h2.send_data(stream_id, message(bytes(7000), length=8000))
            peer.h2.reset_stream(stream_id)
            await peer.flush()
        assert await peer.status_of(await peer.call(message())) == (0, "")
        assert peer.h2.outbound_flow_control_window > 1.5 * MIB


async def test_a_message_of_64_mib_is_refused_by_the_length_it_announces(bar: Program) -> None:
    before, body = memory_of(bar.pid), bytes(64 * MIB)

    async with honest_calls(bar.port), Peer.connect(bar.port) as peer:
        await peer.until_window_of(MIB)
        stream_id = await peer.call(message(length=len(body)), end=False)
        for begin in range(0, len(body), 16384):  # all of it, as far as it is let
            if peer.h2.local_flow_control_window(stream_id) < 16384:
                break
            peer.h2.send_data(stream_id, body[begin : begin + 16384])
        await peer.flush()
        status, text = await peer.status_of(stream_id)
        assert await peer.status_of(await peer.call(message())) == (0, "")

    assert (status, text) == (
        Status.RESOURCE_EXHAUSTED.value,
        f"the message has {len(body)} bytes; at most {4 * MIB} are allowed",
    )
    assert memory_of(bar.pid) - before < GROWTH_MIB


async def test_a_message_just_within_the_limit_is_read(bar: Program) -> None:
    """It arrives in more than one window, and is then not a valid message."""
    async with Peer.connect(bar.port) as peer:
        await peer.until_window_of(MIB)
        stream_id = await peer.call(message(length=4 * MIB), end=False)
        left = 4 * MIB
        while left:
            size = min(16384, left, peer.h2.local_flow_control_window(stream_id))
            if size:
                peer.h2.send_data(stream_id, b"\xff" * size, end_stream=size == left)
                left -= size
                await peer.flush()
            else:
                peer.events += peer.h2.receive_data(await peer.reader.read(65536))
        status, text = await peer.status_of(stream_id)

    assert (status, text) == (Status.INVALID_ARGUMENT.value, "the bytes are not a GetMenuRequest")


async def test_large_messages_at_once_share_the_room_of_their_connection(bar: Program) -> None:
    async with Peer.connect(bar.port) as peer:
        await peer.until_window_of(MIB)
        waiting = [await peer.call(message(b"x", length=4 * MIB), end=False) for _ in range(4)]
        status, text = await peer.status_of(await peer.call(message(b"x", length=MIB), end=False))
        assert (status, text) == (Status.RESOURCE_EXHAUSTED.value, "too many large messages at once on one connection")
        peer.h2.reset_stream(waiting[0])
        status, _ = await peer.status_of(await peer.call(message(b"\xff" * 16000, length=MIB)))
        assert status == Status.INVALID_ARGUMENT.value


@pytest.mark.parametrize("data", [b"x", b""], ids=["of one byte", "of none"])
async def test_data_in_the_smallest_frames_takes_no_more_memory_than_it_holds(bar: Program, data: bytes) -> None:
    """It may be sent away for not acknowledging pings meanwhile, which it does not on a busy machine."""
    before = most = memory_of(bar.pid)

    async with honest_calls(bar.port), Peer.connect(bar.port) as peer:
        await peer.until_window_of(MIB)
        stream_id = await peer.call(message(length=4 * MIB), end=False)
        frames = data_frame(stream_id, data) * 1000
        for _ in range(120):
            await peer.send(frames)
            most = max(most, memory_of(bar.pid))
        await peer.send(PingFrame(opaque_data=b"12345678").serialize())
        while not (peer.is_over or peer.first(PingAckReceived)):
            await peer.until_any()
            most = max(most, memory_of(bar.pid))
    assert most - before < GROWTH_MIB


@pytest.mark.parametrize(
    ("data", "status", "text"),
    [
        (b"", Status.UNIMPLEMENTED, "the call has no message, and needs one"),
        (message(b"abc")[:2], Status.INVALID_ARGUMENT, "the call ended in the middle of a message"),
        (message(length=3), Status.INVALID_ARGUMENT, "the call ended in the middle of a message"),
        (message(b"ab", length=3), Status.INVALID_ARGUMENT, "the call ended in the middle of a message"),
        (
            message(b"abc", flag=1),
            Status.INTERNAL,
            "the message is marked as compressed, and grpc-encoding does not say how",
        ),
        (message(b"\xff\xff\xff"), Status.INVALID_ARGUMENT, "the bytes are not a GetMenuRequest"),
    ],
)
async def test_a_call_with_a_broken_message_is_reported_so(
    bar: Program, data: bytes, status: Status, text: str
) -> None:
    async with Peer.connect(bar.port) as peer:
        assert await peer.status_of(await peer.call(data)) == (status.value, text)
        assert await peer.status_of(await peer.call(message())) == (0, "")


def without(name: str) -> Headers:
    return [header for header in call_headers() if header[0] != name]


@pytest.mark.parametrize(
    "headers",
    [
        [*call_headers(), ("Upper-Case", "x")],
        without(":method"),
        without(":path"),
        without(":scheme"),
        without(":authority"),
        [*call_headers(), (":path", "/twice")],
        [*without(":method"), (":method", "POST")],
        [*call_headers(), (":unknown", "x")],
        [*call_headers(), ("connection", "close")],
        [*call_headers(), ("transfer-encoding", "chunked")],
        [*without("te"), ("te", "gzip")],
        [*call_headers(), ("", "no name")],
        [*call_headers(), ("a b", "x")],
        [*call_headers(), ("x", " padded ")],
        [*call_headers(), ("x", "a\r\nb: c")],
        [*call_headers(), ("x", "\0")],
        [*call_headers(), (b"x", b"\xff\xfe")],
        [*without(":path"), (b":path", "/é".encode())],
        [*call_headers(), ("x-bin", "!no base64!")],
        [*call_headers(), (b"x-bin", b"\xff")],
        [*call_headers(), ("grpc-timeout", "soon")],
        [*call_headers(), ("grpc-timeout", "99999999H")],
        [*call_headers(), ("grpc-timeout", "0n")],
        [*call_headers(), ("grpc-encoding", "gzip")],
        [*without("content-type"), ("content-type", "text/html")],
        [*without(":path"), (":path", "/no.such/Method")],
        [*without(":method"), (":method", "GET")],
        [],
        [*call_headers(), *[("x", "y" * 4000)] * 17],
    ],
    ids=repr,
)
async def test_headers_that_are_not_valid_cost_their_sender_at_most_its_connection(
    bar: Program, headers: Headers
) -> None:
    log = len(bar.output)

    async with honest_calls(bar.port), Peer.connect(bar.port) as peer:
        await peer.call(raw=headers_frame(1, headers) + data_frame(1, message()))
        await peer.send(PingFrame(opaque_data=b"12345678").serialize())

        async def is_over_or_told() -> None:
            while not (
                peer.is_over or any(peer.first(kind) for kind in (StreamEnded, StreamReset, ConnectionTerminated))
            ):
                await peer.until_any()

        await asyncio.wait_for(is_over_or_told(), 10)

    assert "Fatal error" not in bar.output[log:]
    assert "a handler failed" not in bar.output[log:]


async def test_a_large_header_that_is_repeated_by_its_number_ends_its_connection(bar: Program) -> None:
    """A few bytes stand for 400 KB, of which 256 are decoded."""
    async with honest_calls(bar.port), Peer.connect(bar.port) as peer:
        frame = headers_frame(1, [*call_headers(), *[("x", "y" * 4000)] * 100])
        assert len(frame) < 10_000
        await peer.call(raw=frame)
        await _until_sent_away(peer)


async def test_a_hundred_calls_run_at_once_and_those_above_are_refused_alone(bar: Program) -> None:
    above = 50

    async with honest_calls(bar.port), Peer.connect(bar.port) as peer:  # at once: before it was told of the limit
        calls = [await peer.call(end=False) for _ in range(request_guard.STREAMS + above)]
        while len(peer.all(StreamReset)) < above:
            await peer.until_any()
        refused = peer.all(StreamReset)
        assert [event.stream_id for event in refused] == calls[-above:]
        assert {event.error_code for event in refused} == {ErrorCodes.REFUSED_STREAM}

        for stream_id in calls[: request_guard.STREAMS]:
            peer.h2.send_data(stream_id, message(), end_stream=True)
        await peer.flush()
        for stream_id in calls[: request_guard.STREAMS]:
            assert await peer.status_of(stream_id) == (0, "")
        assert await peer.status_of(await peer.call(message())) == (0, "")


async def test_calls_that_their_peer_never_ends_leave_room_for_others(bar: Program) -> None:
    async with Peer.connect(bar.port) as peer:
        for _ in range(2 * request_guard.STREAMS):
            assert await peer.status_of(await peer.call(message(), end=False)) == (0, "")


async def _turned_away(reader: asyncio.StreamReader) -> float:
    """Read to the end, and to GOAWAY before it; returns the seconds that took."""
    begin = time.monotonic()
    received = await reader.read()
    assert goaways(received) == [ErrorCodes.ENHANCE_YOUR_CALM]
    return time.monotonic() - begin


async def test_connections_beyond_the_limit_are_turned_away_until_others_leave(bar: Program) -> None:
    """Those within the limit are silent, and so end too, but not at once."""
    before = memory_of(bar.pid)

    async with honest_calls(bar.port) as honest:
        crowd = [await asyncio.open_connection("127.0.0.1", bar.port) for _ in range(guard.CONNECTIONS + 100)]
        try:
            surplus = await asyncio.gather(*(_turned_away(reader) for reader, _ in crowd[guard.CONNECTIONS :]))
            assert sorted(surplus)[50] < peer_guard.LOOK_SECONDS
            calls_in_a_crowd = len(honest.seconds)
            async with asyncio.timeout(FACT_SECONDS):
                while len(honest.seconds) == calls_in_a_crowd:  # noqa: ASYNC110 - until one more was served
                    await asyncio.sleep(0.01)
        finally:
            for _, writer in crowd:
                writer.transport.abort()

    async with honest_calls(bar.port):
        pass
    assert memory_of(bar.pid) - before < 100  # they are as many as there may be
    assert bar.output.count("too many connections") <= 2


async def test_frames_of_unknown_types_are_ignored(bar: Program) -> None:
    async with Peer.connect(bar.port) as peer:
        for kind in (0x0C, 0x42, 0xFF):
            await peer.send(b"\x00\x00\x01" + bytes([kind]) + bytes(5) + b"?")
        assert await peer.status_of(await peer.call(message())) == (0, "")


async def test_a_peer_that_changes_its_settings_without_end_is_sent_away(bar: Program) -> None:
    async with honest_calls(bar.port), Peer.connect(bar.port) as peer:
        small, large = (
            SettingsFrame(settings={SettingCodes.HEADER_TABLE_SIZE: size}).serialize() for size in (100, 4000)
        )
        await peer.send((small + large) * request_guard.RESETS)
        await _until_sent_away(peer)


async def test_a_peer_cannot_have_our_table_of_headers_grow(bar: Program) -> None:
    async with Peer.connect(bar.port, greet=False) as peer:
        peer.h2.initiate_connection()
        peer.h2.update_settings({SettingCodes.HEADER_TABLE_SIZE: 2**31 - 1})
        await peer.flush()
        await peer.until(RemoteSettingsChanged)
        assert await peer.status_of(await peer.call(message())) == (0, "")
        assert peer.h2.decoder.header_table_size <= request_guard.HEADER_TABLE_BYTES


# Each of these takes its time, and they take it together.


async def _says_nothing(port: int) -> None:
    async with Peer.connect(port, greet=False) as peer:
        assert await peer.end_of_silence() < FOUND_SECONDS + BUSY_SECONDS


async def _greets_and_says_nothing(port: int) -> None:
    async with Peer.connect(port) as peer:
        await peer.call(end=False)
        assert await peer.end_of_silence() < FOUND_SECONDS + BUSY_SECONDS


async def _says_something_else(port: int) -> None:
    for data in (b"GET / HTTP/1.1\r\nHost: bar\r\n\r\n", bytes(range(256)) * 40):
        async with Peer.connect(port, greet=False) as peer:
            await peer.send(data)
            assert await peer.end_of_silence() < FOUND_SECONDS + BUSY_SECONDS


async def _drip(peer: Peer, pieces: Iterable[bytes]) -> float:
    """Send piece by piece and listen to nothing; return the seconds until the connection was over."""

    async def send() -> None:
        for piece in pieces:
            await peer.send(piece)
            await asyncio.sleep(0.3)

    sending = asyncio.create_task(send())
    seconds = await peer.end_of_silence()
    sending.cancel()
    return seconds


async def _greets_slowly(port: int) -> None:
    async with Peer.connect(port, greet=False) as peer:
        peer.h2.initiate_connection()
        greeting = peer.h2.data_to_send()
        assert await _drip(peer, (bytes([byte]) for byte in greeting)) < LISTEN_SECONDS + BUSY_SECONDS


async def _talks_and_acknowledges_no_ping(port: int) -> None:
    async with Peer.connect(port) as peer:
        seconds = await _drip(peer, repeat(PingFrame(opaque_data=b"12345678").serialize()))
        assert FOUND_SECONDS < seconds < LISTEN_SECONDS + BUSY_SECONDS


async def _pings_without_end_and_does_not_read(port: int) -> None:
    pings = PingFrame(opaque_data=b"12345678").serialize() * 1000
    async with Peer.connect(port, receive_buffer=4096) as peer:
        peer.reader._transport.pause_reading()  # type: ignore[attr-defined]
        async with asyncio.timeout(LISTEN_SECONDS + BUSY_SECONDS):
            while not peer.writer.is_closing():
                await peer.send(pings)


async def _acknowledges_pings_and_says_nothing_else(port: int) -> None:
    async with Peer.connect(port) as peer:
        begin = time.monotonic()
        while time.monotonic() - begin < LISTEN_SECONDS:
            await peer.until_any()
        assert await peer.status_of(await peer.call(message())) == (0, "")


async def test_a_peer_that_is_gone_or_does_not_listen_is_found_in_time_and_one_that_listens_stays(bar: Program) -> None:
    assert peer_guard.LOOK_SECONDS * (peer_guard.SILENT_LOOKS + 1) < FOUND_SECONDS
    before = memory_of(bar.pid)
    async with honest_calls(bar.port), asyncio.TaskGroup() as group:
        group.create_task(_says_nothing(bar.port))
        group.create_task(_greets_and_says_nothing(bar.port))
        group.create_task(_says_something_else(bar.port))
        group.create_task(_greets_slowly(bar.port))
        group.create_task(_talks_and_acknowledges_no_ping(bar.port))
        group.create_task(_pings_without_end_and_does_not_read(bar.port))
        group.create_task(_acknowledges_pings_and_says_nothing_else(bar.port))
    assert memory_of(bar.pid) - before < GROWTH_MIB


def test_nothing_that_was_done_to_it_is_a_fault_in_its_log(bar: Program) -> None:
    wait_for(lambda: bar.is_running, "it runs")
    assert "Traceback" not in bar.output
