"""One call at a gRPC server: limits on its messages, and an end of its stream in every case.

What grpclib 0.4.9 leaves open, and what is done here:

- A message of any size was collected, at some 350 bytes for each DATA frame, before its size was checked. A message is
  refused by the length in its prefix, and costs what it holds, in however many frames it comes. It has to arrive
  in time, also on a call that streams and may last.
- A message that is compressed, cut off or missing was a traceback. gzip is understood (grpc_compression.py), for the
  rest there is a status.
- A call that failed, or was never ended by its caller, stayed open. It ends with its task.
- A call that was broken off kept itself and its connection in memory, and what it iterated over open, until Python
  looked for garbage: its error was part of a cycle. The cycle is cut.
- Headers that grpclib reads failed with a traceback, and without an answer. They are looked at before.
- Binary metadata that was joined by commas, as a proxy may, was read as one garbled value. It is split.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, cast

from grpclib.const import Status
from grpclib.exceptions import GRPCError
from grpclib.metadata import decode_bin_value, decode_timeout, encode_grpc_message
from grpclib.protocol import Buffer, Connection
from grpclib.protocol import Stream as ProtocolStream
from grpclib.server import Handler
from h2.errors import ErrorCodes
from h2.exceptions import StreamClosedError
from h2.stream import StreamState

from infra.grpc.compression import ACCEPTED, ENCODINGS, IDENTITY, decompress
from infra.grpc.data_fast_path import FastDataStream

LEAST_TIMEOUT = 0.001
LARGE_MESSAGES = 4
"""How many messages of the largest size may arrive at the same time on a connection."""

Headers = Sequence[tuple[str, str]]


class Room:
    """A connection's limits for arriving messages: bytes for all of them, and seconds for each."""

    def __init__(self, max_message: int, seconds: float) -> None:
        self.seconds = seconds
        self.max_message = max_message
        self._left = LARGE_MESSAGES * max_message

    @contextmanager
    def kept_for(self, size: int) -> Iterator[None]:
        """Reserve bytes for a message while it arrives; raises GRPCError (RESOURCE_EXHAUSTED)."""
        if size > self.max_message:
            text = f"the message has {size} bytes; at most {self.max_message} are allowed"
            raise GRPCError(Status.RESOURCE_EXHAUSTED, text)
        if size > self._left:
            raise GRPCError(Status.RESOURCE_EXHAUSTED, "too many large messages at once on one connection")
        self._left -= size
        try:
            yield
        finally:
            self._left += size


class GuardedBuffer(Buffer):
    """Collects the data of a call in one bytearray; the flow-control window is reopened while a reader waits."""

    def __init__(self, ack_callback: Callable[[int], None]) -> None:
        super().__init__(ack_callback)
        self._data = bytearray()
        self._unacknowledged = 0
        self._arrived = asyncio.Event()

    def add(self, data: bytes, ack_size: int) -> None:
        self._data += data
        self._unacknowledged += ack_size
        self._arrived.set()

    def eof(self) -> None:
        self._eof = True
        self._arrived.set()

    def has(self, size: int) -> bool:
        """Return whether `read(size)` would return without waiting."""
        return self._eof or len(self._data) >= size

    async def read(self, size: int) -> bytes:
        """Read `size` bytes, or the rest at the end of the stream."""
        while len(self._data) < size and not self._eof:
            self._arrived.clear()
            self._acknowledge()
            await self._arrived.wait()
        data = bytes(self._data[:size])
        del self._data[:size]
        self._acknowledge()
        return data

    def unacked_size(self) -> int:
        size, self._unacknowledged = self._unacknowledged, 0
        return size

    def _acknowledge(self) -> None:
        if self._unacknowledged:
            self._ack_callback(self.unacked_size())


class GuardedStream(FastDataStream):
    """A call whose messages may not be too large, too slow, truncated or missing."""

    buffer: GuardedBuffer
    encoding = IDENTITY
    """The value of the header `grpc-encoding`."""

    stall_looks: int | None = None
    """How many looks a message may wait for its peer; None where it may wait for as long as the peer is there."""

    may_be_empty = False
    """Whether the caller may send no message at all, as on a streaming call."""

    def __init__(self, connection: Connection, stream_id: int, room: Room) -> None:
        super().__init__(connection, connection._connection, connection._transport, stream_id=stream_id)
        self._room = room
        self._reads = 0
        self._stalled_looks: int | None = None
        self._decompressed: bytes | None = None

    def init_stream(self, stream_id: int, connection: Connection) -> None:
        super().init_stream(stream_id, connection)
        self.buffer = GuardedBuffer(partial(connection.ack, stream_id))

    async def send_headers(self, headers: Any, end_stream: bool = False) -> None:
        """Send headers or trailers; raises StreamClosedError if the connection is closing."""
        if self.connection.is_closing():
            await self._end_with_connection()
        if headers[0][0] == ":status":
            headers = [*headers, ACCEPTED]
        await super().send_headers(headers, end_stream)

    async def send_data(self, data: bytes, end_stream: bool = False) -> None:
        """Send a message; `is_stalled` tells meanwhile for how long its peer has not let it through."""
        if self.connection.is_closing():
            await self._end_with_connection()
        self._stalled_looks = 0
        await super().send_data(data, end_stream)
        self._stalled_looks = None

    async def _end_with_connection(self) -> None:
        """Cancel the call that runs here, as grpclib does with calls whose connection is lost: it is nobody's fault."""
        self.__terminated__("the connection is closing")
        await asyncio.sleep(0)  # the cancellation is raised here, except where the call's end is being sent
        raise StreamClosedError(cast("int", self.id))

    def is_stalled(self, looks: int | None) -> bool:
        """Count a look, and tell whether a message has waited through so many of them, or through `stall_looks`."""
        most = looks if self.stall_looks is None else self.stall_looks
        if most is None or self._stalled_looks is None or not self.closable:
            return False
        self._stalled_looks += 1
        return self._stalled_looks > most

    async def recv_data(self, size: int) -> bytes:
        """Read what grpclib asks for: in turn a message's prefix, and the message of the length in that prefix."""
        self._reads += 1
        if self._decompressed is not None:
            data, self._decompressed = self._decompressed, None
            return data
        if self._reads % 2 == 0:
            return await self._read_message(size)
        data = await self.buffer.read(size)
        if not data:
            if self._reads == 1 and not self.may_be_empty:
                raise GRPCError(Status.UNIMPLEMENTED, "the call has no message, and needs one")
            return data  # the end of a stream of messages
        if len(data) < size:
            raise _cut_off()
        return await self._read_compressed(data) if data[0] else data

    async def _read_message(self, size: int) -> bytes:
        with self._room.kept_for(size):
            data = await (self.buffer.read(size) if self.buffer.has(size) else self._read_in_time(size))
        if len(data) < size:
            raise _cut_off()
        return data

    async def _read_compressed(self, prefix: bytes) -> bytes:
        """Read and decompress the message after a prefix; return the prefix of the decompressed message."""
        if self.encoding == IDENTITY:
            raise GRPCError(Status.INTERNAL, "the message is marked as compressed, and grpc-encoding does not say how")
        data = await self._read_message(int.from_bytes(prefix[1:]))
        self._decompressed = decompress(data, self._room.max_message)
        return b"\0" + len(self._decompressed).to_bytes(4)

    async def _read_in_time(self, size: int) -> bytes:
        try:
            async with asyncio.timeout(self._room.seconds):
                return await self.buffer.read(size)
        except TimeoutError:
            text = f"the message did not arrive within {self._room.seconds:g} seconds"
            raise GRPCError(Status.DEADLINE_EXCEEDED, text) from None

    def refuse(self) -> None:
        """Reset this call with REFUSED_STREAM: nothing was done, so the caller may retry it."""
        if self.closable:
            self.reset_nowait(ErrorCodes.REFUSED_STREAM)

    def answer(self, status: Status, text: str) -> None:
        """Respond to this call with a status, without starting its handler."""
        if self.closable:
            trailers = [
                (":status", "200"),
                ("content-type", "application/grpc+proto"),
                ("grpc-status", str(status.value)),
                ("grpc-message", encode_grpc_message(text)),
                ACCEPTED,
            ]
            self._h2_connection.send_headers(cast("int", self.id), trailers, end_stream=True)
            if self.closable:  # not if the whole call has arrived: then both sides have ended it
                self.reset_nowait()

    def finish(self) -> None:
        """Reset a stream that is still open: its peer has not ended it, or no response was sent."""
        if self.closable:
            state = self._h2_connection.streams[cast("int", self.id)].state_machine.state
            is_answered = state is StreamState.HALF_CLOSED_LOCAL
            self.reset_nowait(ErrorCodes.NO_ERROR if is_answered else ErrorCodes.INTERNAL_ERROR)


class GuardedHandler(Handler):
    """Ends the stream of every call that ran, failed or never started, and keeps no finished task."""

    def accept(self, stream: ProtocolStream, headers: Any, release_stream: Callable[[], Any]) -> None:
        def end(task: "asyncio.Task[None]") -> None:
            self._tasks.pop(stream, None)
            self._cancelled.discard(task)
            if stream.wrapper is not None:
                stream.wrapper._error = None  # its traceback holds the wrapper, and all that the call had
            if not self.closing:
                cast("GuardedStream", stream).finish()

        super().accept(stream, headers, release_stream)
        self._tasks[stream].add_done_callback(end)

    def cancel(self, stream: ProtocolStream) -> None:
        if stream in self._tasks:  # a stream may be reset more than once, and after its task has ended
            super().cancel(stream)


def fault_in(headers: Headers) -> tuple[Status, str] | None:
    """Return the status for headers on which grpclib would fail without a response, or for an unknown encoding."""
    for name, value in headers:
        try:
            if name.endswith("-bin"):
                decode_bin_value(value.encode("ascii"))
            elif name == "grpc-timeout" and decode_timeout(value) < LEAST_TIMEOUT:
                return Status.DEADLINE_EXCEEDED, "the deadline was over when the call arrived"
        except ValueError:
            return Status.INVALID_ARGUMENT, f"the header {name} is not valid"
        if name == "grpc-encoding" and value not in ENCODINGS:
            return Status.UNIMPLEMENTED, f"grpc-encoding {value} is not understood; {ACCEPTED[1]} are"
    return None


def split_binary(headers: Headers) -> Headers:
    """Split binary values that are joined by commas."""
    if not any("," in value for name, value in headers if name.endswith("-bin")):
        return headers
    return [(name, value) for name, joined in headers for value in _values(name, joined)]


def _values(name: str, joined: str) -> list[str]:
    return [value.strip() for value in joined.split(",")] if name.endswith("-bin") else [joined]


def _cut_off() -> GRPCError:
    return GRPCError(Status.INVALID_ARGUMENT, "the call ended in the middle of a message")
