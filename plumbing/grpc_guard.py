"""grpclib's server protocol, hardened against peers that do not keep to the rules.

What grpclib 0.4.9 leaves open, and what is done here: a call that is reset before it starts is never released
(HEADERS and RST_STREAM in a loop took 170 MiB in a second), so it is released when its task is done, and a peer that
resets without end is sent away; a message of any size is gathered before anybody looks at it, so its stream is ended as
soon as it exceeds the limit; headers are not validated, so h2 validates them; a peer that vanished is found by pings;
the number of connections is bounded. Private names of grpclib are used; its version is pinned for it.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import structlog
from grpclib.config import Configuration
from grpclib.const import Status
from grpclib.protocol import Connection, EventsProcessor, H2Protocol
from grpclib.protocol import Stream as ProtocolStream
from grpclib.server import Handler, Server
from h2.errors import ErrorCodes
from h2.events import DataReceived, StreamReset

if TYPE_CHECKING:
    from asyncio.transports import BaseTransport

CONNECTIONS = 1000
RESETS = 200
"""How many calls a peer may reset; the allowance grows back by as many in ten seconds."""

KEEPALIVE = Configuration(
    _keepalive_time=1.0,
    _keepalive_timeout=1.5,
    _keepalive_permit_without_calls=True,
    _http2_max_pings_without_data=0,  # as many as it takes
    _http2_min_sent_ping_interval_without_data=0.5,
)
"""Both sides ask each other once a second; a peer that does not answer within 1.5 s is gone."""

log = structlog.get_logger("grpc")


class GuardedHandler(Handler):
    """Releases every stream exactly once, whether its call ran, failed or never started."""

    def accept(self, stream: ProtocolStream, headers: Any, release_stream: Callable[[], Any]) -> None:
        released = False

        def release(_task: object = None) -> None:
            nonlocal released
            if not released:
                released = True
                release_stream()

        super().accept(stream, headers, release)
        self._tasks[stream].add_done_callback(release)


class GuardedProcessor(EventsProcessor):
    """Counts resets and bytes."""

    def __init__(self, handler: GuardedHandler, connection: Connection, max_message: int) -> None:
        super().__init__(handler, connection)
        self._max_message = max_message
        self._allowance = float(RESETS)
        self._counted_at = asyncio.get_running_loop().time()

    def process_stream_reset(self, event: StreamReset) -> None:
        super().process_stream_reset(event)
        now = asyncio.get_running_loop().time()
        self._allowance = min(RESETS, self._allowance + (now - self._counted_at) * RESETS / 10) - 1
        self._counted_at = now
        if self._allowance < 0:
            log.warning("a peer resets calls without end; it is sent away", resets=RESETS)
            self._send_away()

    def process_data_received(self, event: DataReceived) -> None:
        super().process_data_received(event)
        stream = self.streams.get(event.stream_id)
        # What is gathered for one message; the prefix and what follows it are small beside the limit.
        if stream is not None and stream.buffer._acked_size > self._max_message + len(event.data):
            self._end_stream(stream)

    def _end_stream(self, stream: ProtocolStream) -> None:
        connection, number = self.connection._connection, stream.id
        headers = [
            (":status", "200"),
            ("content-type", "application/grpc+proto"),
            ("grpc-status", str(Status.RESOURCE_EXHAUSTED.value)),
            ("grpc-message", f"the message is larger than {self._max_message} bytes"),
        ]
        self.handler.cancel(stream)
        if number is not None and stream.closable:
            connection.send_headers(number, headers, end_stream=True)
            connection.reset_stream(number, error_code=ErrorCodes.NO_ERROR)

    def _send_away(self) -> None:
        self.connection._connection.close_connection(error_code=ErrorCodes.ENHANCE_YOUR_CALM)
        self.connection.flush()
        self.close("too many resets")


class GuardedProtocol(H2Protocol):
    """Registers itself while its connection lives."""

    def __init__(self, handler: GuardedHandler, server: "GuardedServer") -> None:
        super().__init__(handler, server._config, server._h2_config)
        self._guarded = handler
        self._server = server

    def connection_made(self, transport: "BaseTransport") -> None:
        super().connection_made(transport)
        self.processor = GuardedProcessor(self._guarded, self.connection, self._server.max_message)
        self._server.open.add(self)
        if len(self._server.open) > CONNECTIONS:
            log.warning("too many connections", most=CONNECTIONS)
            self.connection.close()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._server.open.discard(self)
        super().connection_lost(exc)


class GuardedServer(Server):
    """Knows its connections, so that it can close them one by one."""

    def __init__(self, handlers: Any, *, max_message: int, **options: Any) -> None:
        super().__init__(handlers, config=KEEPALIVE, **options)
        self._h2_config.validate_inbound_headers = True
        self.max_message = max_message
        self.open: set[GuardedProtocol] = set()

    def protocol(self) -> GuardedProtocol:
        """Make the protocol of a new connection."""
        self.__gc_step__()
        handler = GuardedHandler(self._mapping, self._codec, self._status_details_codec, self.__dispatch__)
        self._handlers.add(handler)
        return GuardedProtocol(handler, self)

    def cancel_calls(self) -> None:
        """Cancel what still runs."""
        for handler in self._handlers:
            handler.close()

    def close_connections(self) -> None:
        """Say GOAWAY and hang up."""
        for protocol in list(self.open):
            protocol.connection._connection.close_connection()
            protocol.connection.flush()
            protocol.connection.close()
