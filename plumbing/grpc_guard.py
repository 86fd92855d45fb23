"""grpclib's protocol, hardened against peers that vanish, and the server's against those that do not keep to the rules.

What grpclib 0.4.9 and h2 leave open, and what is done here:

- A peer that vanished is found by pings. A connection that has to be closed is aborted where its peer no longer reads.
- A call that is reset before it starts was never released (HEADERS and RST_STREAM in a loop took 170 MiB in a second).
  It is released with its task, and a peer that resets without end is sent away.
- A message of any size was gathered, at some 350 bytes for each DATA frame, before anybody looked at it. A message is
  refused by the length that it announces, and costs what it holds, in however many frames it comes.
- A call above the limit of streams cost its connection, with all other calls on it. It alone is refused.
- Frames of unknown types, which have to be ignored, and bytes in headers that are not ASCII ended a connection with a
  traceback. Headers were not validated.
- A peer could have our side of the header compression grow without bounds.
- A peer that asks and does not read what it is answered, one that never greets, and any number of them.

Private names of grpclib and h2 are used; their versions are pinned for it.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import structlog
from grpclib import client
from grpclib.config import Configuration
from grpclib.const import Status
from grpclib.exceptions import GRPCError
from grpclib.metadata import decode_bin_value, decode_timeout, encode_grpc_message
from grpclib.protocol import Buffer, Connection, EventsProcessor, H2Protocol
from grpclib.protocol import Stream as ProtocolStream
from grpclib.server import Handler, Server
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    PingAckReceived,
    RemoteSettingsChanged,
    RequestReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
    WindowUpdated,
)
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes
from h2.stream import StreamState

if TYPE_CHECKING:
    from asyncio.transports import BaseTransport, Transport

CONNECTIONS = 1000
STREAMS = 100
"""How many calls a connection may have open; it is what h2 announces."""

RESETS = 500
"""How many calls a peer may reset, or be refused, at once; the allowance grows back by as many in ten seconds."""

LEAST_TIMEOUT = 0.001
HEADER_BYTES = 16 * 1024
HEADER_TABLE_BYTES = 4096
UNREAD_BYTES = 2 * 1024 * 1024
"""What may wait for a peer to read it, in all."""

PIECE_BYTES = 8 * 1024
"""How much of one connection is looked at in one turn of the loop; uvloop would pass on 8 MB, which is half a million
frames."""

LOOK_SECONDS = 0.9
"""Connections are looked after, and pinged, this often."""

SILENT_LOOKS = 2
GREETING_LOOKS = 5
STUCK_LOOKS = 10
"""Looks that a peer may be silent, that it may take to greet, and that it may leave all that it was sent unread."""

CONFIGURATION = Configuration(_keepalive_time=None)
"""Without grpclib's keepalive: its timer runs out before the answer is read when this process had to wait."""

log = structlog.get_logger("grpc")


class WatchedProtocol(H2Protocol):
    """Pings its peer and hangs up, without waiting, on one that is gone: after 2.7 s at the latest."""

    _transport: "Transport"
    _timer: asyncio.TimerHandle
    _silent = 0
    _stuck = 0
    _unread = 0

    def connection_made(self, transport: "BaseTransport") -> None:
        super().connection_made(transport)
        self._transport = cast("Transport", transport)
        self._rearm()

    def data_received(self, data: bytes) -> None:
        self._silent = 0
        if self.connection.is_closing():
            return
        try:
            events = self.connection.feed(data)
        except ProtocolError as error:
            self._flush()  # h2 has written GOAWAY
            self._hang_up(f"Protocol error: {error}")
            return
        self._flush()
        for event in events:
            self.processor.process(event)
        self._flush()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._timer.cancel()
        super().connection_lost(exc)

    def _hang_up(self, reason: str) -> None:
        self.processor.close(reason)

    def _flush(self) -> None:
        if not self.connection.is_closing():
            self.connection.flush()

    def _look(self) -> None:
        unread = self._transport.get_write_buffer_size()
        self._stuck = self._stuck + 1 if unread and unread == self._unread else 0
        self._unread = unread
        # What is still open one look after it was closed waits for a peer that does not read.
        if self._transport.is_closing() or self._silent >= SILENT_LOOKS or self._stuck >= STUCK_LOOKS:
            self._transport.abort()
            return
        self._silent += 1
        self.connection._connection.ping(b"are you?")
        self.connection.flush()
        self._rearm()

    def _rearm(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look)


class WatchedChannel(client.Channel):
    """A client's channel that finds out when its peer is gone; its calls end, and the next one connects anew."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(host, port, config=CONFIGURATION)

    def _protocol_factory(self) -> H2Protocol:
        return WatchedProtocol(client.Handler(), self._config, self._h2_config)


class GuardedBuffer(Buffer):
    """Gathers what a call sends in one piece; a peer may go on sending while somebody waits for it."""

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

    async def read(self, size: int) -> bytes:
        """Read so many bytes, or what there is at the end."""
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


class GuardedStream(ProtocolStream):
    """A call that takes no message that is too large, compressed, cut off or missing."""

    def __init__(self, processor: "GuardedProcessor", stream_id: int) -> None:
        connection = processor.connection
        super().__init__(connection, connection._connection, connection._transport, stream_id=stream_id)
        self._processor = processor
        self._reads = 0

    def init_stream(self, stream_id: int, connection: Connection) -> None:
        super().init_stream(stream_id, connection)
        self.buffer = GuardedBuffer(partial(connection.ack, stream_id))

    async def recv_data(self, size: int) -> bytes:
        """Read what grpclib asks for: a message's prefix and then, as long as that says, the message, in turn."""
        self._reads += 1
        is_prefix = self._reads % 2 == 1
        with self._processor.room_for(size):
            data = await self.buffer.read(size)
        if is_prefix and not data:
            if self._reads == 1:
                raise GRPCError(Status.INVALID_ARGUMENT, "the call has no message")
            return data  # the end of a stream of messages
        if len(data) < size:
            raise GRPCError(Status.INVALID_ARGUMENT, "the call ended in the middle of a message")
        if is_prefix and data[0]:
            raise GRPCError(Status.UNIMPLEMENTED, "the message is compressed, which is not understood here")
        return data


class GuardedHandler(Handler):
    """Releases every stream, whether its call ran, failed or never started, and leaves none open."""

    def accept(self, stream: ProtocolStream, headers: Any, release_stream: Callable[[], Any]) -> None:
        def end(task: "asyncio.Task[None]") -> None:
            self._tasks.pop(stream, None)
            self._cancelled.discard(task)
            release_stream()
            if not self.closing and stream.closable:
                _reset(stream)

        super().accept(stream, headers, release_stream)
        self._tasks[stream].add_done_callback(end)

    def cancel(self, stream: ProtocolStream) -> None:
        if stream in self._tasks:  # a stream may be reset more than once, and after its task has ended
            super().cancel(stream)


def _reset(stream: ProtocolStream) -> None:
    """End what is still open of a call: its peer has not ended it, or nobody has answered it."""
    state = stream._h2_connection.streams[cast("int", stream.id)].state_machine.state
    stream.reset_nowait(ErrorCodes.NO_ERROR if state is StreamState.HALF_CLOSED_LOCAL else ErrorCodes.INTERNAL_ERROR)


class GuardedProcessor(EventsProcessor):
    """Gives a peer what it is allowed, and no more."""

    def __init__(
        self, handler: GuardedHandler, connection: Connection, max_message: int, send_away: Callable[[str], None]
    ) -> None:
        super().__init__(handler, connection)
        self.has_greeted = False
        self._send_away = send_away
        self._max_message = max_message
        self._room = 4 * max_message
        self._allowance = float(RESETS)
        self._counted_at = asyncio.get_running_loop().time()

    @contextmanager
    def room_for(self, size: int) -> Iterator[None]:
        """Keep room for a message while it arrives; raises RESOURCE_EXHAUSTED."""
        if size > self._max_message:
            text = f"the message has {size} bytes; at most {self._max_message} are allowed"
            raise GRPCError(Status.RESOURCE_EXHAUSTED, text)
        if size > self._room:
            raise GRPCError(Status.RESOURCE_EXHAUSTED, "too many large messages at once on one connection")
        self._room -= size
        try:
            yield
        finally:
            self._room += size

    def process(self, event: Event) -> None:
        if type(event) in _PROCESSED:  # other frames are to be ignored
            super().process(event)

    def register(self, stream: ProtocolStream) -> Callable[[], None]:
        stream_id = cast("int", stream.id)

        def release() -> None:
            if self.streams.pop(stream_id, None) and not self.connection.is_closing():
                self.connection.ack(stream_id, stream.buffer.unacked_size())

        self.streams[stream_id] = stream
        return release

    def process_request_received(self, event: RequestReceived) -> None:
        stream, headers = GuardedStream(self, event.stream_id), cast("list[tuple[str, str]]", event.headers)
        if len(self.streams) >= STREAMS:
            if stream.closable:
                stream.reset_nowait(ErrorCodes.REFUSED_STREAM)
            self._spend()
        elif fault := _fault(headers):
            if stream.closable:
                self.connection._connection.send_headers(event.stream_id, _trailers(*fault), end_stream=True)
                stream.reset_nowait()
        else:
            self.handler.accept(stream, headers, self.register(stream))

    def process_stream_reset(self, event: StreamReset) -> None:
        super().process_stream_reset(event)
        self.streams.pop(event.stream_id, None)
        self._spend()

    def process_remote_settings_changed(self, event: RemoteSettingsChanged) -> None:
        super().process_remote_settings_changed(event)
        self.has_greeted = True
        encoder = self.connection._connection.encoder
        if encoder.header_table_size > HEADER_TABLE_BYTES:
            encoder.header_table_size = HEADER_TABLE_BYTES
        self._spend()

    def process_data_received(self, event: DataReceived) -> None:
        if event.flow_controlled_length:  # flow control does not bound the number of empty frames
            super().process_data_received(event)

    def _spend(self) -> None:
        now = asyncio.get_running_loop().time()
        self._allowance = min(RESETS, self._allowance + (now - self._counted_at) * RESETS / 10) - 1
        self._counted_at = now
        if self._allowance < 0 and not self.connection.is_closing():
            self.connection._connection.close_connection(error_code=ErrorCodes.ENHANCE_YOUR_CALM)
            self.connection.flush()
            self._send_away("a peer resets calls without end")


def _fault(headers: list[tuple[str, str]]) -> tuple[Status, str] | None:
    """Find what grpclib would fail on, with a traceback and without an answer."""
    for name, value in headers:
        try:
            if name.endswith("-bin"):
                decode_bin_value(value.encode("ascii"))
            elif name == "grpc-timeout" and decode_timeout(value) < LEAST_TIMEOUT:
                return Status.DEADLINE_EXCEEDED, "the deadline was over when the call arrived"
        except ValueError:
            return Status.INVALID_ARGUMENT, f"the header {name} is not valid"
    return None


def _trailers(status: Status, text: str) -> list[tuple[str, str]]:
    return [
        (":status", "200"),
        ("content-type", "application/grpc+proto"),
        ("grpc-status", str(status.value)),
        ("grpc-message", encode_grpc_message(text)),
    ]


_PROCESSED = frozenset({
    ConnectionTerminated,
    DataReceived,
    PingAckReceived,
    RemoteSettingsChanged,
    RequestReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
    WindowUpdated,
})  # fmt: skip


class GuardedProtocol(WatchedProtocol):
    """A connection to a server, which knows all of them."""

    processor: GuardedProcessor
    _looks = 0
    _is_leaving = False

    def __init__(self, handler: GuardedHandler, server: "GuardedServer") -> None:
        super().__init__(handler, server._config, server._h2_config)
        self._guarded = handler
        self._server = server
        self._waiting = bytearray()

    def connection_made(self, transport: "BaseTransport") -> None:
        super().connection_made(transport)
        h2_connection = self.connection._connection
        # STREAMS is announced and minded by the processor, for h2 would end the connection.
        h2_connection.local_settings._settings[SettingCodes.MAX_CONCURRENT_STREAMS] = deque([2**31 - 1])
        h2_connection.decoder.max_header_list_size = HEADER_BYTES
        self.processor = GuardedProcessor(
            self._guarded, self.connection, self._server.max_message, send_away=self._send_away
        )
        if not self._server.admit(self):
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._is_leaving:
            return
        if len(data) <= PIECE_BYTES and not self._waiting:
            self._receive(data)
        else:  # one turn of the loop for each piece, so that the others have theirs
            self._waiting += data
            self._transport.pause_reading()
            self._receive_piece()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._server.open.discard(self)
        self._is_leaving = True
        super().connection_lost(exc)
        del self.processor  # and with it a cycle: collections are rare

    def _receive_piece(self) -> None:
        if self._is_leaving:
            return
        piece = bytes(self._waiting[:PIECE_BYTES])
        del self._waiting[:PIECE_BYTES]
        self._receive(piece)
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._receive_piece)
        elif self._is_reading():
            self._transport.resume_reading()

    def _is_reading(self) -> bool:
        return not (self._is_leaving or self._transport.is_closing())

    def _receive(self, data: bytes) -> None:
        super().data_received(data)
        if self._transport.get_write_buffer_size() > UNREAD_BYTES:
            self._send_away("a peer does not read what it is answered")

    def _look(self) -> None:
        self._looks += 1
        if self._is_leaving or (self._looks >= GREETING_LOOKS and not self.processor.has_greeted):
            self._transport.abort()
        else:
            super()._look()

    def _send_away(self, reason: str) -> None:
        if not self._is_leaving:
            log.warning(f"{reason}; it is sent away")
            self._hang_up(reason)

    def _hang_up(self, reason: str) -> None:  # noqa: ARG002 - nobody waits for anything here
        """Leave with the next look: what a peer has been told is lost if the connection is closed on what it sends."""
        self._is_leaving = True
        self._guarded.close()
        if not self._transport.is_closing():
            self._transport.pause_reading()


class GuardedServer(Server):
    """Knows its connections, so that it can count them, and close them one by one."""

    def __init__(self, handlers: Any, *, max_message: int, **options: Any) -> None:
        super().__init__(handlers, config=CONFIGURATION, **options)
        self._h2_config.validate_inbound_headers = True
        self._h2_config.header_encoding = "latin-1"  # ASCII in all that has a meaning; the rest must not raise
        self._is_crowded = False
        self.max_message = max_message
        self.open: set[GuardedProtocol] = set()

    def protocol(self) -> GuardedProtocol:
        """Make the protocol of a new connection."""
        self.__gc_step__()
        handler = GuardedHandler(self._mapping, self._codec, self._status_details_codec, self.__dispatch__)
        self._handlers.add(handler)
        return GuardedProtocol(handler, self)

    def admit(self, protocol: GuardedProtocol) -> bool:
        """Count a connection in, if there is room; tells once in a crowd that there is none."""
        was_crowded, self._is_crowded = self._is_crowded, len(self.open) >= CONNECTIONS
        if self._is_crowded:
            if not was_crowded:
                log.warning("too many connections; more are turned away", most=CONNECTIONS)
            return False
        self.open.add(protocol)
        return True

    def cancel_calls(self) -> None:
        """Cancel what still runs."""
        for handler in self._handlers:
            handler.close()

    def close_connections(self) -> None:
        """Say GOAWAY and hang up."""
        for protocol in list(self.open):
            if not protocol.connection.is_closing():
                protocol.connection._connection.close_connection()
                protocol.connection.flush()
                protocol.connection.close()
