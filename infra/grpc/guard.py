"""A gRPC server's connections, hardened against peers that do not keep to the rules.

What grpclib 0.4.9 and h2 leave open, and what is done here:

- Headers were not validated, and bytes in them that are not ASCII ended a connection with a traceback.
- Any number of peers could connect, and one that sent much kept the others waiting.
- A peer that pings and does not read the answers had them kept in memory. It is sent away.
- Connections were closed without a word. Every close is GOAWAY and, over TLS, close_notify before the end; a client
  that has to guess may take the connection for alive. And the connection stays for a moment, because what was sent is
  lost where it is closed on data that nobody has read.

A client may leave pings unanswered for as long as a setting says, 20 s by default, because its program may be busy. A
peer that has not sent its preface is waited for no longer than the gateway waits for a department.

What a peer may ask for on its connection is in grpc_request_guard.py, what one call may send in grpc_call_guard.py;
what of a connection's errors concerns one call, in grpc_connection.py.
"""

import asyncio
import math
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog
from grpclib.server import Server
from h2.errors import ErrorCodes

from infra.grpc.call_guard import GuardedHandler, Room
from infra.grpc.data_fast_path import FastDataConnection
from infra.grpc.peer_guard import CONFIGURATION, LOOK_SECONDS, UNANSWERED_LOOKS, WatchedProtocol
from infra.grpc.request_guard import GuardedProcessor, Refusal
from infra.tls import Callers, peer_names

if TYPE_CHECKING:
    from asyncio.transports import BaseTransport

CONNECTIONS = 1000
UNSENT_BYTES = 64 * 1024
"""How much may wait to be sent to a peer before its calls wait; over TLS it would be 512 KB."""

UNREAD_BYTES = 2 * 1024 * 1024
"""How much a peer may leave unread of what it was sent, well above what its calls may have on their way."""

CLOSE_SECONDS = 1.0
"""How long a stopping server waits for its peers to read GOAWAY."""

PIECE_BYTES = 8 * 1024
"""How much of one connection is looked at in one turn of the loop; uvloop would pass on 8 MB, which is half a million
frames."""

log = structlog.get_logger("grpc")


class GuardedConnection(FastDataConnection):
    """Is closed in one direction first, so that its peer reads to the end."""

    def close(self) -> None:
        """Send nothing more; over TLS that is close_notify."""
        transport = self.__dict__.get("_transport")
        if transport is None or transport.is_closing() or not transport.can_write_eof():
            super().close()
        else:
            transport.write_eof()
            del self._transport, self._connection._frame_dispatch_table  # cycles, as grpclib does


class GuardedProtocol(WatchedProtocol):
    """One connection to a server, which keeps a set of all of them."""

    processor: GuardedProcessor
    _is_leaving = False

    def __init__(self, handler: GuardedHandler, server: "GuardedServer") -> None:
        super().__init__(handler, server._config, server._h2_config)
        self._server = server
        self._waiting = bytearray()

    def connection_made(self, transport: "BaseTransport") -> None:
        super().connection_made(transport)
        self._transport.set_write_buffer_limits(UNSENT_BYTES)
        if not self._server.admit(self):
            self._hang_up("there are too many connections", ErrorCodes.ENHANCE_YOUR_CALM)
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        if self._is_leaving:
            return  # it is read and dropped: closing on unread data would make the peer lose the GOAWAY (TCP reset)
        if len(data) <= PIECE_BYTES and not self._waiting:
            super().data_received(data)
        else:  # one iteration of the loop for each piece, so that other connections are served
            self._waiting += data
            self._transport.pause_reading()
            self._receive_piece()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._is_leaving = True
        super().connection_lost(exc)
        del self.processor  # it is part of a reference cycle, and garbage collections are rare
        self._server.forget(self)

    def send_away(self, reason: str) -> None:
        """Close the connection of a peer that exceeds a limit, and log the reason."""
        if not self._is_leaving:
            log.warning(f"{reason}; it is sent away")
            self._hang_up(reason, ErrorCodes.ENHANCE_YOUR_CALM)

    def close(self) -> None:
        """Send GOAWAY and nothing after it; the peer may still read what was sent before."""
        self._hang_up("this server is shutting down")

    def abort(self) -> None:
        """Close without waiting for the peer."""
        self._transport.abort()

    def _make_connection(self) -> FastDataConnection:
        return GuardedConnection(self._h2, self._transport, config=self.config)

    def _make_processor(self) -> GuardedProcessor:
        room = Room(self._server.max_message, self._server.message_seconds)
        return GuardedProcessor(self, self.send_away, room, self._refusal())

    def _receive_piece(self) -> None:
        if not self._is_leaving:
            piece = bytes(self._waiting[:PIECE_BYTES])
            del self._waiting[:PIECE_BYTES]
            super().data_received(piece)
        if self._is_leaving:
            self._waiting.clear()
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._receive_piece)
        elif not self._transport.is_closing():
            self._transport.resume_reading()

    def _flush(self) -> None:
        super()._flush()
        if not self.connection.write_ready.is_set() and self._transport.get_write_buffer_size() > UNREAD_BYTES:
            self.send_away("a peer does not read what it is answered")

    def _look(self) -> None:
        if self._is_leaving:
            self._transport.abort()
        else:
            self.processor.reset_stalled(self._server.message_looks if self.is_left else None)
            super()._look()

    def _is_gone(self) -> bool:
        if not self._h2.is_greeted:
            return super()._is_gone()
        looks = self._server.silent_looks
        return self._silent >= looks or self._unanswered >= max(looks, UNANSWERED_LOOKS)

    def _drop_silent_peer(self) -> None:
        self._hang_up("pings are not answered")

    def _refusal(self) -> Refusal | None:
        if self._server.callers is None:
            return None
        names = peer_names(self._transport.get_extra_info("peercert"))
        return partial(self._server.callers.refusal, names)

    def _hang_up(self, reason: str, code: ErrorCodes = ErrorCodes.NO_ERROR) -> None:
        """Send GOAWAY and nothing after it; a peer that has not closed one check later is aborted."""
        if not self._is_leaving:
            self._is_leaving = True
            self._timer.cancel()
            self._rearm()
            super()._hang_up(reason, code)


class GuardedServer(Server):
    """Knows its connections, so that it can count them, and close them one by one."""

    def __init__(
        self,
        handlers: Any,
        *,
        max_message: int,
        message_seconds: float,
        ping_timeout: float,
        callers: Callers | None,
        **options: Any,
    ) -> None:
        """`callers` are those who may call, known by their certificates; without them anybody may.

        `max_message` in bytes; a message has to arrive within `message_seconds`, and the answer to a ping within
        `ping_timeout`. A peer that has said GOAWAY has `message_seconds`, too, to let a message through to it.
        """
        super().__init__(handlers, config=CONFIGURATION, **options)
        self.callers = callers
        self._h2_config.validate_inbound_headers = True
        self._h2_config.header_encoding = "latin-1"  # all headers with a meaning are ASCII; the others must not raise
        self._is_crowded = False
        self._all_closed = asyncio.Event()
        self.max_message = max_message
        self.message_seconds = message_seconds
        self.message_looks = math.ceil(message_seconds / LOOK_SECONDS)
        self.silent_looks = math.ceil(ping_timeout / LOOK_SECONDS)
        self.open: set[GuardedProtocol] = set()

    def protocol(self) -> GuardedProtocol:
        """Make the protocol of a new connection."""
        self.__gc_step__()
        handler = GuardedHandler(self._mapping, self._codec, self._status_details_codec, self.__dispatch__)
        self._handlers.add(handler)
        return GuardedProtocol(handler, self)

    def admit(self, protocol: GuardedProtocol) -> bool:
        """Count a new connection, if there is room; log once that there is none."""
        was_crowded, self._is_crowded = self._is_crowded, len(self.open) >= CONNECTIONS
        if self._is_crowded:
            if not was_crowded:
                log.warning("too many connections; more are turned away", most=CONNECTIONS)
            return False
        self.open.add(protocol)
        return True

    def cancel_calls(self) -> None:
        """Cancel the running calls."""
        for handler in self._handlers:
            handler.close()

    def forget(self, protocol: GuardedProtocol) -> None:
        """Forget a connection that is closed."""
        self.open.discard(protocol)
        if not self.open:
            self._all_closed.set()

    async def close_connections(self) -> None:
        """Send GOAWAY on every connection, and wait up to CLOSE_SECONDS until the peers have closed."""
        self._all_closed.clear()
        for protocol in list(self.open):
            protocol.close()
        if self.open:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._all_closed.wait(), CLOSE_SECONDS)
        for protocol in list(self.open):
            protocol.abort()
        await asyncio.sleep(0)  # the loop closes the aborted connections
