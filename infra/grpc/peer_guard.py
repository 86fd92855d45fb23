"""grpclib's protocol for both sides, with pings that detect a peer that is gone or does not read, and with GOAWAY.

Every connection is pinged at intervals. A peer that sends nothing at all is gone: its machine, or the network to it. A
peer that sends data and acknowledges no ping does not read, or has not sent its preface. Both connections are closed at
once, and their calls end. These are the limits of the gateway's connections; a server allows its clients more time
(guard.py).

After a peer's GOAWAY the running calls finish, a client makes new calls on a new connection, and then the connection is
closed; grpclib would end all calls at once.

grpclib's own keepalive is off. Its timer can expire before a response that has already arrived is read, where this
process was busy; and its close waits until the peer has read what was written. Private names of grpclib and h2 are used
here and in the other guards; their versions are pinned, and tests/infra/test_private_names.py lists the names.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from os import urandom
from typing import TYPE_CHECKING, cast

from grpclib import client
from grpclib.config import Configuration
from grpclib.encoding.proto import ProtoCodec
from grpclib.exceptions import StreamTerminatedError
from grpclib.protocol import AbstractHandler, Connection, EventsProcessor, H2Protocol
from h2.config import H2Configuration
from h2.connection import ConnectionState
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, PingAckReceived
from h2.exceptions import H2Error, ProtocolError
from h2.settings import SettingCodes

from infra.grpc.connecting import Connector, Resolve, resolve
from infra.grpc.connection import StrictConnection
from infra.grpc.data_fast_path import FastDataConnection, receive_data_frame
from infra.grpc.status_details import StatusDetailsCodec

if TYPE_CHECKING:
    from asyncio.transports import BaseTransport, Transport

LOOK_SECONDS = 0.9
"""How often each connection is checked and pinged."""

SILENT_LOOKS = 2
"""How many checks a peer may send nothing; at the next one, after 2.7 s at the latest, the connection is closed."""

UNANSWERED_LOOKS = 8
"""How many checks a peer that sends other data may leave pings unacknowledged: the acknowledgement may have to wait
behind that data."""

PING_BYTES = 8
"""What a ping carries, at random: who answers it has read it."""

CONFIGURATION = Configuration(_keepalive_time=None)


def is_transport_failure(error: Exception) -> bool:
    """Return whether a call failed for lack of a connection or of time, and not by a response."""
    if isinstance(error, (OSError, StreamTerminatedError, H2Error)):  # TimeoutError is an OSError
        return True
    if isinstance(error, AttributeError) and error.name == "_transport":
        return True  # grpclib raises this for a call on a connection that was lost as soon as it was made
    # uvloop raises this for a write after the connection was closed.
    return isinstance(error, RuntimeError) and "the handler is closed" in str(error)


class WatchedProcessor(EventsProcessor):
    """Passes the peer's GOAWAY to `leave`, where grpclib would end every call."""

    def __init__(
        self, handler: AbstractHandler, connection: Connection, leave: Callable[[ConnectionTerminated], None]
    ) -> None:
        super().__init__(handler, connection)
        self._leave = leave

    def process_connection_terminated(self, event: ConnectionTerminated) -> None:
        self._leave(event)


class WatchedProtocol(H2Protocol):
    """Pings its peer, and aborts the connection if the peer is gone."""

    connection: FastDataConnection
    _h2: StrictConnection
    _transport: "Transport"
    _timer: asyncio.TimerHandle
    _pings: deque[bytes]
    _silent = 0
    _unanswered = 0
    _idle_looks: int | None = None

    def connection_made(self, transport: "BaseTransport") -> None:
        self._transport = cast("Transport", transport)
        self._pings = deque()
        self._h2 = StrictConnection(self.h2_config)
        self._h2.initiate_connection()
        self._h2.increment_flow_control_window(
            self.config.http2_connection_window_size - self._h2.local_settings.initial_window_size
        )
        self._h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: self.config.http2_stream_window_size})
        self.connection = self._make_connection()
        self.connection.flush()
        self.processor = self._make_processor()
        self._rearm()

    def data_received(self, data: bytes) -> None:
        self._silent = 0
        if self.connection.is_closing():
            return
        if received := receive_data_frame(self._h2, data):
            self.processor.process(received)
            return
        try:
            events = self.connection.feed(data)
        except ProtocolError as error:
            self._hang_up(f"Protocol error: {error}")
            return
        known = self.processor.processors
        self._flush()
        for event in events:
            if isinstance(event, PingAckReceived):
                self._hear_answer(event.ping_data)
            if type(event) in known:  # grpclib would raise for frames of unknown types, which are to be ignored
                self.processor.process(event)
        self._flush()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._timer.cancel()
        super().connection_lost(exc)

    @property
    def is_left(self) -> bool:
        """Return whether no new call may be made on this connection."""
        return self._idle_looks is not None

    def leave(self) -> None:
        """Close the connection once its running calls have ended; no new call is made on it."""
        if self._idle_looks is None:
            self._idle_looks = 0

    def _make_connection(self) -> FastDataConnection:
        return FastDataConnection(self._h2, self._transport, config=self.config)

    def _make_processor(self) -> EventsProcessor:
        return WatchedProcessor(self.handler, self.connection, self._hear_goaway)

    def _hear_goaway(self, event: ConnectionTerminated) -> None:  # noqa: ARG002 - only clients use it
        self.leave()

    def _hear_answer(self, ping: bytes) -> None:
        """Count an answer if it repeats a ping: what else the peer was sent before that has been read, too."""
        if ping in self._pings:
            self._unanswered = 0
            while self._pings.popleft() != ping:
                pass

    def _hang_up(self, reason: str, code: ErrorCodes = ErrorCodes.NO_ERROR) -> None:
        """Send GOAWAY, if h2 has not sent it, and close."""
        if not self.connection.is_closing():
            if self._h2.state_machine.state is not ConnectionState.CLOSED:
                self._h2.close_connection(code, additional_data=reason.encode())
            self.connection.flush()
        self.processor.close(reason)

    def _flush(self) -> None:
        if not self.connection.is_closing():
            self.connection.flush()

    def _look(self) -> None:
        """Ping, or close; a connection still open one check after its close has a peer that does not read: abort it."""
        if self._transport.is_closing():
            self._transport.abort()
            return
        if self._is_gone():
            self._drop_silent_peer()
            return
        if self._has_left():
            self._hang_up("it is no longer needed")
            return
        self._silent += 1
        self._unanswered += 1
        self._pings.append(urandom(PING_BYTES))
        self._h2.ping(self._pings[-1])
        with suppress(RuntimeError):  # uvloop closes a connection whose connecting was cancelled, without notice
            self.connection.flush()
            self._rearm()

    def _is_gone(self) -> bool:
        return self._silent >= SILENT_LOOKS or self._unanswered >= UNANSWERED_LOOKS

    def _drop_silent_peer(self) -> None:
        self._transport.abort()

    def _has_left(self) -> bool:
        """Return whether it had no call for more than one whole check: a call may just have begun."""
        if self._idle_looks is None:
            return False
        self._idle_looks = 0 if self.processor.streams else self._idle_looks + 1
        return self._idle_looks > 1

    def _rearm(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look)


class ChannelProtocol(WatchedProtocol):
    """A client's connection, which its channel replaces after the server's GOAWAY."""

    def __init__(
        self, config: Configuration, h2_config: H2Configuration, left: Callable[[WatchedProtocol], None]
    ) -> None:
        """`left` is called when the server has sent GOAWAY."""
        super().__init__(client.Handler(), config, h2_config)
        self._left = left

    def _hear_goaway(self, event: ConnectionTerminated) -> None:
        super()._hear_goaway(event)
        for stream_id, stream in list(self.processor.streams.items()):
            if stream_id > (event.last_stream_id or 0):
                stream.__terminated__("the server sent GOAWAY and did not accept this call")
        self._left(self)


class WatchedChannel(client.Channel):
    """A client's channel that detects that its peer is gone; its calls end, and the next one connects again."""

    _protocol: WatchedProtocol | None

    def __init__(
        self, host: str, port: int, tls: ssl.SSLContext | None = None, peer: str = "", *, resolve: Resolve = resolve
    ) -> None:
        """`peer` is the name that the server's certificate must have, if there is TLS."""
        config = replace(CONFIGURATION, ssl_target_name_override=peer or None)
        details = StatusDetailsCodec()
        super().__init__(host, port, codec=ProtoCodec(), status_details_codec=details, ssl=tls, config=config)
        self.on_reconnect: Callable[[], None] = lambda: None
        self._connector = Connector(host, port, resolve)

    def reconnect(self, tls: ssl.SSLContext | None = None) -> None:
        """Make new calls on a new connection, with other certificates if given; running calls go on.

        `on_reconnect` is called for the owner of a long-lived call, who should end it.
        """
        self._ssl = tls or self._ssl
        if self._protocol is not None:
            self._protocol.leave()
            self._protocol = None
            self.on_reconnect()

    async def _create_connection(self) -> H2Protocol:
        """Connect to one of the addresses that the host's name has now; grpclib would wait for the first of them."""
        sock = await self._connector.connect()
        name = self._config.ssl_target_name_override if self._ssl else None
        try:
            _, protocol = await asyncio.get_running_loop().create_connection(
                self._protocol_factory, sock=sock, ssl=self._ssl, server_hostname=name
            )
        except BaseException:
            sock.close()
            raise
        return protocol

    def _protocol_factory(self) -> H2Protocol:
        return ChannelProtocol(self._config, self._h2_config, self._leave)

    def _leave(self, protocol: WatchedProtocol) -> None:
        if protocol is self._protocol:
            self.reconnect()

    @property
    def _connected(self) -> bool:
        return super()._connected and self._protocol is not None and not self._protocol.is_left
