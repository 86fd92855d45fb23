"""The fast path for DATA frames leaves h2 in the state that h2 itself would have reached; other frames go to h2."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import pytest
from grpclib.config import Configuration
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, Event
from h2.exceptions import ProtocolError

from infra.grpc.data_fast_path import FastDataConnection, FastDataStream, receive_data_frame

REQUEST = [(":method", "POST"), (":scheme", "http"), (":path", "/floor"), (":authority", "bar")]
RESPONSE = [(":status", "200")]
HELLO = b"hello"


@dataclass
class Pair:
    """A client and a server that have exchanged the heads of one call."""

    client: H2Connection
    server: H2Connection
    stream_id: int = 1

    def deliver(self, sender: H2Connection) -> list[Event]:
        """Let the other side hear what one has to say."""
        other = self.server if sender is self.client else self.client
        return other.receive_data(sender.data_to_send())


def connect(request: "list[tuple[str, str]]" = REQUEST) -> Pair:
    pair = Pair(H2Connection(H2Configuration(True)), H2Connection(H2Configuration(False)))
    pair.client.initiate_connection()
    pair.server.initiate_connection()
    pair.deliver(pair.client)
    pair.deliver(pair.server)
    pair.client.send_headers(1, request)
    pair.deliver(pair.client)
    pair.server.send_headers(1, RESPONSE)
    pair.deliver(pair.server)
    return pair


class Wire:
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        self.written = b""

    def write(self, data: bytes) -> None:
        self.written += data


def call(h2: H2Connection) -> tuple[FastDataStream, Wire]:
    """Make the object by which grpclib sends on a call."""
    wire = Wire()
    connection = FastDataConnection(h2, cast("Any", wire), config=Configuration())
    stream = connection.create_stream(stream_id=1)
    return stream, wire


def frame_of(sender: H2Connection, data: bytes, **options: Any) -> bytes:
    sender.send_data(1, data, **options)
    return sender.data_to_send()


def windows(h2: H2Connection) -> tuple[int, ...]:
    return (
        h2.outbound_flow_control_window,
        h2.local_flow_control_window(1),
        h2.inbound_flow_control_window,
        h2.remote_flow_control_window(1),
    )


def data_of(event: Event | None) -> tuple[int, bytes, int]:
    assert isinstance(event, DataReceived)
    return event.stream_id, event.data, event.flow_controlled_length


def kinds_of(events: list[Event]) -> list[str]:
    return [type(event).__name__ for event in events]


@pytest.mark.parametrize("size", [1, 5, 300, 16_384])
def test_data_is_received_as_h2_would(size: int) -> None:
    past, through = connect(), connect()
    frame = frame_of(past.client, b"x" * size)
    assert data_of(receive_data_frame(past.server, frame)) == data_of(through.server.receive_data(frame)[0])
    assert windows(past.server) == windows(through.server)


def test_a_response_is_received_as_h2_would() -> None:
    past, through = connect(), connect()
    frame = frame_of(past.server, HELLO)
    assert data_of(receive_data_frame(past.client, frame)) == data_of(through.client.receive_data(frame)[0])
    assert windows(past.client) == windows(through.client)


def test_what_was_received_is_acknowledged_as_ever() -> None:
    pair = connect()
    for _ in range(100):  # much more than a window
        assert receive_data_frame(pair.server, frame_of(pair.client, b"x" * 10_000))
        pair.server.acknowledge_received_data(10_000, 1)
        pair.deliver(pair.server)
    assert pair.client.local_flow_control_window(1) > 10_000


def change(frame: bytes, place: int, byte: int) -> bytes:
    return frame[:place] + bytes([byte]) + frame[place + 1 :]


UNUSUAL: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda _: b"",
    "less than a head": lambda frame: frame[:8],
    "part of a frame": lambda frame: frame[:-1],
    "more than a frame": lambda frame: frame * 2,
    "another type": lambda frame: change(frame, 3, 0x6),
    "the end of the call": lambda frame: change(frame, 4, 0x1),
    "padding": lambda frame: change(frame, 4, 0x8),
    "an unknown call": lambda frame: change(frame, 8, 3),
    "the connection itself": lambda frame: change(frame, 8, 0),
    "the reserved bit": lambda frame: change(frame, 5, 0x80),
    "no data": lambda frame: b"\0\0\0" + frame[3:9],
}


@pytest.mark.parametrize("what", UNUSUAL)
def test_what_is_unusual_is_left_to_h2(what: str) -> None:
    pair = connect()
    before = windows(pair.server)
    assert receive_data_frame(pair.server, UNUSUAL[what](frame_of(pair.client, HELLO))) is None
    assert windows(pair.server) == before


def test_data_after_part_of_a_frame_is_left_to_h2() -> None:
    pair = connect()
    frame = frame_of(pair.client, HELLO)
    pair.server.receive_data(frame[:4])
    assert receive_data_frame(pair.server, frame) is None


def test_data_within_a_head_is_left_to_h2() -> None:
    pair = connect()
    frame = frame_of(pair.client, HELLO)
    pair.client.send_headers(3, REQUEST)
    head = bytearray(pair.client.data_to_send())
    head[4] &= ~0x4  # it does not end here
    pair.server.receive_data(bytes(head))
    assert receive_data_frame(pair.server, frame) is None
    with pytest.raises(ProtocolError):
        pair.server.receive_data(frame)


def test_data_before_a_responses_head_is_left_to_h2() -> None:
    client = H2Connection(H2Configuration(True))
    client.initiate_connection()
    client.send_headers(1, REQUEST)
    assert receive_data_frame(client, frame_of(connect().server, HELLO)) is None


def test_data_of_an_announced_length_is_left_to_h2() -> None:
    pair = connect([*REQUEST, ("content-length", "3")])
    frame = frame_of(pair.client, HELLO)
    assert receive_data_frame(pair.server, frame) is None


def test_data_of_a_call_that_was_reset_is_left_to_h2() -> None:
    pair = connect()
    frame = frame_of(pair.client, HELLO)
    pair.server.reset_stream(1)
    assert receive_data_frame(pair.server, frame) is None


def test_data_on_a_connection_that_is_closed_is_left_to_h2() -> None:
    pair = connect()
    frame = frame_of(pair.client, HELLO)
    pair.server.close_connection()
    assert receive_data_frame(pair.server, frame) is None


def test_data_beyond_the_window_of_the_connection_is_left_to_h2() -> None:
    pair = connect()
    pair.client.send_headers(3, REQUEST)
    pair.deliver(pair.client)
    for stream_id in (1, 1, 3, 3):  # 64,000 of the 65,535 bytes that both may send together
        pair.client.send_data(stream_id, b"x" * 16_000)
        assert receive_data_frame(pair.server, pair.client.data_to_send())
    before = windows(pair.server)
    assert receive_data_frame(pair.server, (1_536).to_bytes(3) + b"\0\0\0\0\0\1" + b"x" * 1_536) is None
    assert windows(pair.server) == before


def test_data_beyond_the_window_of_its_call_is_left_to_h2() -> None:
    pair = connect()
    pair.server.increment_flow_control_window(100_000)
    pair.deliver(pair.server)
    for _ in range(4):
        assert receive_data_frame(pair.server, frame_of(pair.client, b"x" * 16_000))
    before = windows(pair.server)
    assert receive_data_frame(pair.server, (1_536).to_bytes(3) + b"\0\0\0\0\0\1" + b"x" * 1_536) is None
    assert windows(pair.server) == before


def test_data_beyond_the_window_is_left_to_h2_which_ends_the_connection() -> None:
    pair = connect()
    frames = [frame_of(pair.client, b"x" * 16_000) for _ in range(4)]
    assert all(receive_data_frame(pair.server, frame) for frame in frames)
    beyond = (16_000).to_bytes(3) + frames[0][3:]
    assert receive_data_frame(pair.server, beyond) is None
    with pytest.raises(ProtocolError):
        pair.server.receive_data(beyond)


def test_a_frame_that_is_too_long_is_left_to_h2() -> None:
    pair = connect()
    assert receive_data_frame(pair.server, (16_385).to_bytes(3) + b"\0\0\0\0\0\1" + b"x" * 16_385) is None


@pytest.mark.parametrize("side", ["client", "server"])
async def test_data_is_sent_as_h2_would(side: str) -> None:
    past, through = connect(), connect()
    stream, wire = call(getattr(past, side))
    await stream.send_data(HELLO)
    assert wire.written == frame_of(getattr(through, side), HELLO)
    assert windows(getattr(past, side)) == windows(getattr(through, side))


async def test_what_h2_still_has_to_say_is_said_before() -> None:
    pair = connect()
    stream, wire = call(pair.client)
    pair.client.ping(b"are you?")
    await stream.send_data(HELLO)
    assert kinds_of(pair.server.receive_data(wire.written)) == ["PingReceived", "DataReceived"]


async def test_the_end_of_a_call_is_sent_by_h2() -> None:
    pair = connect()
    stream, wire = call(pair.client)
    await stream.send_data(HELLO, end_stream=True)
    assert kinds_of(pair.server.receive_data(wire.written)) == ["DataReceived", "StreamEnded"]


async def test_more_than_a_frame_is_sent_by_h2() -> None:
    pair = connect()
    stream, wire = call(pair.client)
    await stream.send_data(b"x" * 40_000)
    events = pair.server.receive_data(wire.written)
    assert [data_of(event)[2] for event in events] == [16_384, 16_384, 7_232]


@pytest.mark.parametrize("stream_id", [0, 1])
async def test_what_a_peer_has_no_room_for_waits_for_it(stream_id: int) -> None:
    """`stream_id`: whose window is too small; 0 is the connection's."""
    pair = connect()
    narrow = pair.client if stream_id == 0 else pair.client.streams[1]
    narrow.outbound_flow_control_window = 3
    stream, wire = call(pair.client)
    sending = asyncio.create_task(stream.send_data(HELLO))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not sending.done()
    assert [data_of(event)[1] for event in pair.server.receive_data(wire.written)] == [HELLO[:3]]
    narrow.outbound_flow_control_window = 2
    stream.window_updated.set()
    await sending
    assert wire.written.endswith(HELLO[3:])


async def test_on_a_call_that_is_over_h2_refuses_to_send() -> None:
    pair = connect()
    stream, wire = call(pair.client)
    pair.client.end_stream(1)
    pair.client.data_to_send()
    with pytest.raises(ProtocolError):
        await stream.send_data(HELLO)
    assert wire.written == b""
