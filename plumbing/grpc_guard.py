"""A gRPC server's connections, hardened against peers that do not keep to the rules.

What grpclib 0.4.9 and h2 leave open, and what is done here:

- A call that was reset before it started was never released (HEADERS and RST_STREAM in a loop took 170 MiB in a
  second), and what nobody had read of it counted against its connection for ever. It is released when it is reset.
- Calls could be reset, and settings changed, without end. A peer that does so is sent away.
- A call above the limit of streams cost its connection, with all other calls on it. It alone is refused.
- Headers were not validated, and bytes in them that are not ASCII ended a connection with a traceback.
- A peer could have our side of the header compression grow without bounds.
- Any number of peers could connect, and one that sent much kept the others waiting.

What one call may send is in grpc_call_guard.py; what becomes of peers that vanish, never greet, or do not read what
they are answered is in grpc_peer_guard.py.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import structlog
from grpclib.const import Status
from grpclib.protocol import Connection, EventsProcessor
from grpclib.protocol import Stream as ProtocolStream
from grpclib.server import Server
from h2.errors import ErrorCodes
from h2.events import RemoteSettingsChanged, RequestReceived, StreamReset
from h2.settings import SettingCodes

from plumbing.grpc_call_guard import GuardedHandler, GuardedStream, Headers, Room, fault_in
from plumbing.grpc_peer_guard import CONFIGURATION, WatchedProtocol
from plumbing.tls import Callers, peer_names

if TYPE_CHECKING:
    from asyncio.transports import BaseTransport

CONNECTIONS = 1000
STREAMS = 100
"""How many calls a connection may have open; it is what h2 announces."""

RESETS = 500
"""How many calls a peer may reset, or be refused, at once; the allowance grows back by as many in ten seconds."""

HEADER_TABLE_BYTES = 4096
PIECE_BYTES = 8 * 1024
"""How much of one connection is looked at in one turn of the loop; uvloop would pass on 8 MB, which is half a million
frames."""

Refusal = Callable[[str], str | None]
"""Why a peer may not call a path, or None where it may."""

log = structlog.get_logger("grpc")


class GuardedProcessor(EventsProcessor):
    """Gives a peer what it is allowed, and no more."""

    def __init__(
        self,
        handler: GuardedHandler,
        connection: Connection,
        room: Room,
        refusal: Refusal | None,
        send_away: Callable[[], None],
    ) -> None:
        super().__init__(handler, connection)
        self._room = room
        self._refusal = refusal
        self._send_away = send_away
        self._allowance = float(RESETS)
        self._counted_at = asyncio.get_running_loop().time()

    def register(self, stream: ProtocolStream) -> Callable[[], None]:
        stream_id = cast("int", stream.id)
        self.streams[stream_id] = stream
        return partial(self._release, stream_id)

    def process_request_received(self, event: RequestReceived) -> None:
        stream, headers = GuardedStream(self.connection, event.stream_id, self._room), cast("Headers", event.headers)
        if len(self.streams) >= STREAMS:
            stream.refuse()
            self._spend()
        elif fault := fault_in(headers):
            stream.answer(*fault)
        elif self._refusal and (reason := self._refusal(dict(headers).get(":path", ""))):
            stream.answer(Status.PERMISSION_DENIED, reason)
        else:
            self.handler.accept(stream, cast("Any", headers), self.register(stream))

    def process_stream_reset(self, event: StreamReset) -> None:
        super().process_stream_reset(event)
        self._release(event.stream_id)
        self._spend()

    def process_remote_settings_changed(self, event: RemoteSettingsChanged) -> None:
        super().process_remote_settings_changed(event)
        encoder = self.connection._connection.encoder
        if encoder.header_table_size > HEADER_TABLE_BYTES:
            encoder.header_table_size = HEADER_TABLE_BYTES
        self._spend()

    def _release(self, stream_id: int) -> None:
        """Forget a call; what of it nobody has read no longer counts against its connection."""
        stream = self.streams.pop(stream_id, None)
        if stream is not None and not self.connection.is_closing():
            self.connection.ack(stream_id, stream.buffer.unacked_size())

    def _spend(self) -> None:
        now = asyncio.get_running_loop().time()
        self._allowance = min(RESETS, self._allowance + (now - self._counted_at) * RESETS / 10) - 1
        self._counted_at = now
        if self._allowance < 0:
            self._send_away()


class GuardedProtocol(WatchedProtocol):
    """A connection to a server, which knows all of them."""

    processor: GuardedProcessor
    _is_leaving = False

    def __init__(self, handler: GuardedHandler, server: "GuardedServer") -> None:
        super().__init__(handler, server._config, server._h2_config)
        self._guarded = handler
        self._server = server
        self._waiting = bytearray()

    def connection_made(self, transport: "BaseTransport") -> None:
        super().connection_made(transport)
        # STREAMS is announced and minded by the processor, for h2 would end the connection.
        self.connection._connection.local_settings._settings[SettingCodes.MAX_CONCURRENT_STREAMS] = deque([2**31 - 1])
        if not self._server.admit(self):
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._is_leaving:
            return
        if len(data) <= PIECE_BYTES and not self._waiting:
            super().data_received(data)
        else:  # one turn of the loop for each piece, so that the others have theirs
            self._waiting += data
            self._transport.pause_reading()
            self._receive_piece()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._server.open.discard(self)
        self._is_leaving = True
        super().connection_lost(exc)
        del self.processor  # and with it a cycle: collections are rare

    def _make_processor(self) -> GuardedProcessor:
        room = Room(self._server.max_message, self._server.message_seconds)
        return GuardedProcessor(self._guarded, self.connection, room, self._refusal(), send_away=self._send_away)

    def _receive_piece(self) -> None:
        if self._is_leaving:
            return
        piece = bytes(self._waiting[:PIECE_BYTES])
        del self._waiting[:PIECE_BYTES]
        super().data_received(piece)
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._receive_piece)
        elif self._is_reading():
            self._transport.resume_reading()

    def _is_reading(self) -> bool:
        return not (self._is_leaving or self._transport.is_closing())

    def _look(self) -> None:
        if self._is_leaving:
            self._transport.abort()
        else:
            super()._look()

    def _refusal(self) -> Refusal | None:
        if self._server.callers is None:
            return None
        names = peer_names(self._transport.get_extra_info("peercert"))
        return partial(self._server.callers.refusal, names)

    def _send_away(self) -> None:
        if not (self._is_leaving or self.connection.is_closing()):
            reason = "a peer resets calls, or changes its settings, without end"
            log.warning(f"{reason}; it is sent away")
            self.connection._connection.close_connection(error_code=ErrorCodes.ENHANCE_YOUR_CALM)
            self.connection.flush()
            self._hang_up(reason)

    def _hang_up(self, reason: str) -> None:  # noqa: ARG002 - nobody waits for anything here
        """Leave in a while: what a peer has been told is lost if the connection is closed on what it sends."""
        self._is_leaving = True
        self._timer.cancel()
        self._rearm()
        self._guarded.close()
        if not self._transport.is_closing():
            self._transport.pause_reading()


class GuardedServer(Server):
    """Knows its connections, so that it can count them, and close them one by one."""

    def __init__(
        self, handlers: Any, *, max_message: int, message_seconds: float, callers: Callers | None, **options: Any
    ) -> None:
        """`callers` are those who may call, known by their certificates; without them anybody may.

        `max_message` in bytes; a message has to arrive within `message_seconds`.
        """
        super().__init__(handlers, config=CONFIGURATION, **options)
        self.callers = callers
        self._h2_config.validate_inbound_headers = True
        self._h2_config.header_encoding = "latin-1"  # ASCII in all that has a meaning; the rest must not raise
        self._is_crowded = False
        self.max_message = max_message
        self.message_seconds = message_seconds
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
