"""DATA frames as they mostly are: whole, not padded, of a call that is open. They go past h2.

h2 takes a frame through two state machines, and writes it out in hexadecimal for a log that nobody keeps: for a batch
of one order, that costs as much as the statements of its transaction. The windows of the flow control are h2's, and
are kept here as it keeps them. What is in any way unusual is left to h2.
"""

import asyncio
from typing import TYPE_CHECKING, Literal, cast

from grpclib.config import Configuration
from grpclib.protocol import Connection
from grpclib.protocol import Stream as ProtocolStream
from h2.connection import ConnectionState, H2Connection
from h2.events import DataReceived
from h2.stream import H2Stream, StreamState

if TYPE_CHECKING:
    from asyncio.transports import Transport

    from grpclib.utils import Wrapper

_HEAD = 9
_DATA = b"\x00\x00"
"""Type and flags of a DATA frame that neither ends its call nor is padded."""

_OPEN = frozenset({ConnectionState.CLIENT_OPEN, ConnectionState.SERVER_OPEN})
_RECEIVING = frozenset({StreamState.OPEN, StreamState.HALF_CLOSED_LOCAL})
_SENDING = frozenset({StreamState.OPEN, StreamState.HALF_CLOSED_REMOTE})


def receive_data(connection: H2Connection, data: bytes) -> DataReceived | None:
    """Receive what is exactly one such frame; None, and nothing is done, where it is anything else."""
    size = len(data) - _HEAD
    if size <= 0 or data[3:5] != _DATA or int.from_bytes(data[:3]) != size or not _is_between_frames(connection):
        return None
    stream = _open_stream(connection, int.from_bytes(data[5:9]), _RECEIVING)
    if stream is None or not stream.state_machine.headers_received or stream._expected_content_length is not None:
        return None
    windows = (stream._inbound_window_manager, connection._inbound_flow_control_window_manager)
    if size > min(connection.max_inbound_frame_size, *(window.current_window_size for window in windows)):
        return None
    for window in windows:
        window.window_consumed(size)
    return DataReceived(stream_id=stream.stream_id, data=data[_HEAD:], flow_controlled_length=size)


def _is_between_frames(connection: H2Connection) -> bool:
    buffer = connection.incoming_buffer
    return not (buffer._data or buffer._headers_buffer or buffer._preamble_len)


def _open_stream(connection: H2Connection, stream_id: int, states: frozenset[StreamState]) -> H2Stream | None:
    stream = connection.streams.get(stream_id)
    is_open = stream and stream.state_machine.state in states and connection.state_machine.state in _OPEN
    return stream if is_open else None


class LightStream(ProtocolStream):
    """A call that sends such frames itself."""

    async def send_data(self, data: bytes, end_stream: bool = False) -> None:
        """Send data, in one frame if its peer may be sent so much at once."""
        await self.connection.write_ready.wait()
        connection, size = self._h2_connection, len(data)
        stream = None if end_stream or not size else _open_stream(connection, cast("int", self.id), _SENDING)
        if stream is None or size > min(
            connection.max_outbound_frame_size,
            connection.outbound_flow_control_window,
            stream.outbound_flow_control_window,
        ):
            await super().send_data(data, end_stream)
            return
        connection.outbound_flow_control_window -= size
        stream.outbound_flow_control_window -= size
        head = size.to_bytes(3) + _DATA + stream.stream_id.to_bytes(4)
        self._transport.write(b"".join((connection.data_to_send(), head, data)))


class Gate(asyncio.Event):
    """Lets the next one through only while it is still set: those before may have written until it was cleared."""

    async def wait(self) -> Literal[True]:
        """Wait until it is set."""
        while not self.is_set():
            await super().wait()
        return True


class LightConnection(Connection):
    """A connection whose calls, where it makes them, are such."""

    def __init__(self, connection: H2Connection, transport: "Transport", *, config: Configuration) -> None:
        """Begin with room to write."""
        super().__init__(connection, transport, config=config)
        self.write_ready = Gate()
        self.write_ready.set()

    def create_stream(self, *, stream_id: int | None = None, wrapper: "Wrapper | None" = None) -> LightStream:
        """Make a call."""
        return LightStream(self, self._connection, self._transport, stream_id=stream_id, wrapper=wrapper)
