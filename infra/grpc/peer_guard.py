"""Both sides of gRPC: grpclib's protocol, which finds out that its peer is gone, or does not listen.

A peer is pinged all the time. One that says nothing at all is gone: its machine, or the network to it. One that talks
and never answers a ping does not read, or has not even greeted. Either is hung up on without waiting, and the calls on
its connection end. That is for the gateway's own links; a server is more patient with its clients (grpc_guard.py).

After a peer's GOAWAY the calls that run are finished, a client makes new ones on a new connection, and then the
connection is closed; grpclib would end them all at once.

grpclib's own keepalive is off. It closes by a timer that runs out before the answer is read where this process had to
wait, and it waits for what was written to be read. Private names of grpclib and h2 are used, here and in the other
guards of gRPC; their versions are pinned for it.
"""

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
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

from infra.grpc.connection import StrictConnection
from infra.grpc.data_fast_path import FastDataConnection, receive_data_frame

if TYPE_CHECKING:
    from asyncio.transports import BaseTransport, Transport

LOOK_SECONDS = 0.9
"""Connections are looked after, and pinged, this often."""

SILENT_LOOKS = 2
"""Looks that a peer may be silent; the next one, after 2.7 s at the latest, is the end."""

UNANSWERED_LOOKS = 8
"""Looks that a peer may leave pings unanswered, as long as it says something else; an answer may have to wait behind
all that it sent before."""

CONFIGURATION = Configuration(_keepalive_time=None)


def is_transport_failure(error: Exception) -> bool:
    """Tell whether a call failed because there is no connection, or no time left, and not by what was said on it."""
    if isinstance(error, (OSError, StreamTerminatedError, H2Error)):  # TimeoutError is an OSError
        return True
    # uvloop's way to say that the connection was closed before what is written now.
    return isinstance(error, RuntimeError) and "the handler is closed" in str(error)


class WatchedProcessor(EventsProcessor):
    """Passes on GOAWAY from the peer, for which grpclib would end every call."""

    def __init__(
        self, handler: AbstractHandler, connection: Connection, leave: Callable[[ConnectionTerminated], None]
    ) -> None:
        super().__init__(handler, connection)
        self._leave = leave

    def process_connection_terminated(self, event: ConnectionTerminated) -> None:
        self._leave(event)


class WatchedProtocol(H2Protocol):
    """Pings its peer and hangs up, without waiting, on one that is gone."""

    connection: FastDataConnection
    _h2: StrictConnection
    _transport: "Transport"
    _timer: asyncio.TimerHandle
    _silent = 0
    _unanswered = 0
    _idle_looks: int | None = None

    def connection_made(self, transport: "BaseTransport") -> None:
        self._transport = cast("Transport", transport)
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
                self._unanswered = 0
            if type(event) in known:  # frames of other types are to be ignored; grpclib would raise
                self.processor.process(event)
        self._flush()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._timer.cancel()
        super().connection_lost(exc)

    @property
    def is_left(self) -> bool:
        """Tell whether no new call is to be made here."""
        return self._idle_looks is not None

    def leave(self) -> None:
        """Close as soon as no call is left: nobody makes a new one here."""
        if self._idle_looks is None:
            self._idle_looks = 0

    def _make_connection(self) -> FastDataConnection:
        return FastDataConnection(self._h2, self._transport, config=self.config)

    def _make_processor(self) -> EventsProcessor:
        return WatchedProcessor(self.handler, self.connection, self._hear_goaway)

    def _hear_goaway(self, event: ConnectionTerminated) -> None:  # noqa: ARG002 - what it says concerns clients
        self.leave()

    def _hang_up(self, reason: str, code: ErrorCodes = ErrorCodes.NO_ERROR) -> None:
        """Say GOAWAY, if h2 has not yet, and close."""
        if not self.connection.is_closing():
            if self._h2.state_machine.state is not ConnectionState.CLOSED:
                self._h2.close_connection(code, additional_data=reason.encode())
            self.connection.flush()
        self.processor.close(reason)

    def _flush(self) -> None:
        if not self.connection.is_closing():
            self.connection.flush()

    def _look(self) -> None:
        """Ping; what is still open one look after it was closed waits for a peer that does not read."""
        if self._transport.is_closing():
            self._transport.abort()
            return
        if self._is_gone():
            self._let_go()
            return
        if self._has_left():
            self._hang_up("it is no longer needed")
            return
        self._silent += 1
        self._unanswered += 1
        self._h2.ping(b"are you?")
        with suppress(RuntimeError):  # uvloop closes a connection whose connecting was cancelled, and tells nobody
            self.connection.flush()
            self._rearm()

    def _is_gone(self) -> bool:
        return self._silent >= SILENT_LOOKS or self._unanswered >= UNANSWERED_LOOKS

    def _let_go(self) -> None:
        self._transport.abort()

    def _has_left(self) -> bool:
        """Tell whether it was left for more than a whole look: a call may just have begun."""
        if self._idle_looks is None:
            return False
        self._idle_looks = 0 if self.processor.streams else self._idle_looks + 1
        return self._idle_looks > 1

    def _rearm(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look)


class ChannelProtocol(WatchedProtocol):
    """A client's connection, which its channel does without after the server's GOAWAY."""

    def __init__(
        self, config: Configuration, h2_config: H2Configuration, left: Callable[[WatchedProtocol], None]
    ) -> None:
        """`left` is for the channel, when the server says GOAWAY."""
        super().__init__(client.Handler(), config, h2_config)
        self._left = left

    def _hear_goaway(self, event: ConnectionTerminated) -> None:
        super()._hear_goaway(event)
        for stream_id, stream in list(self.processor.streams.items()):
            if stream_id > (event.last_stream_id or 0):
                stream.__terminated__("the server said GOAWAY and did not take this call")
        self._left(self)


class WatchedChannel(client.Channel):
    """A client's channel that finds out when its peer is gone; its calls end, and the next one connects anew."""

    _protocol: WatchedProtocol | None

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None = None, peer: str = "") -> None:
        """`peer` is the name that the other side's certificate has to be for, where there is TLS."""
        config = replace(CONFIGURATION, ssl_target_name_override=peer or None)
        # With a codec of its own choice grpclib would load Google's protobuf, 4 MB, to read details of statuses.
        super().__init__(host, port, codec=ProtoCodec(), ssl=tls, config=config)
        self.on_reconnect: Callable[[], None] = lambda: None

    def reconnect(self, tls: ssl.SSLContext | None = None) -> None:
        """Make new calls on a new connection, with other certificates if some are given; those that run go on.

        Whoever keeps a call open for long is told by `on_reconnect`, to end it.
        """
        self._ssl = tls or self._ssl
        if self._protocol is not None:
            self._protocol.leave()
            self._protocol = None
            self.on_reconnect()

    def _protocol_factory(self) -> H2Protocol:
        return ChannelProtocol(self._config, self._h2_config, self._leave)

    def _leave(self, protocol: WatchedProtocol) -> None:
        if protocol is self._protocol:
            self.reconnect()

    @property
    def _connected(self) -> bool:
        return super()._connected and self._protocol is not None and not self._protocol.is_left
