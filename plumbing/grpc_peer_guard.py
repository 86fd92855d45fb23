"""Both sides of gRPC: grpclib's protocol, which finds out that its peer is gone, or does not listen.

A peer is pinged all the time. One that says nothing at all is gone: its machine, or the network to it. One that talks
and never answers a ping does not read, or has not even greeted. Either is hung up on without waiting, and the calls on
its connection end.

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
from grpclib.protocol import EventsProcessor, H2Protocol
from h2.events import PingAckReceived
from h2.exceptions import H2Error, ProtocolError

from plumbing.grpc_frames import LightConnection, receive_data

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


class WatchedProtocol(H2Protocol):
    """Pings its peer and hangs up, without waiting, on one that is gone."""

    _transport: "Transport"
    _timer: asyncio.TimerHandle
    _silent = 0
    _unanswered = 0
    _idle_looks: int | None = None

    def connection_made(self, transport: "BaseTransport") -> None:
        super().connection_made(transport)
        self._transport = cast("Transport", transport)
        self.connection = LightConnection(self.connection._connection, self._transport, config=self.config)
        del self.processor.processors  # and with it a cycle: collections are rare
        self.processor = self._make_processor()
        self._rearm()

    def data_received(self, data: bytes) -> None:
        self._silent = 0
        if self.connection.is_closing():
            return
        if received := receive_data(self.connection._connection, data):
            self.processor.process(received)
            return
        try:
            events = self.connection.feed(data)
        except ProtocolError as error:
            self._flush()  # h2 has written GOAWAY
            self._hang_up(f"Protocol error: {error}")
            return
        self._flush()
        known = self.processor.processors
        for event in events:
            if isinstance(event, PingAckReceived):
                self._unanswered = 0
            if type(event) in known:  # frames of other types are to be ignored; grpclib would raise
                self.processor.process(event)
        self._flush()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._timer.cancel()
        super().connection_lost(exc)

    def leave(self) -> None:
        """Close as soon as no call is left: nobody makes a new one here."""
        self._idle_looks = 0

    def _make_processor(self) -> EventsProcessor:
        return EventsProcessor(self.handler, self.connection)

    def _hang_up(self, reason: str) -> None:
        self.processor.close(reason)

    def _flush(self) -> None:
        if not self.connection.is_closing():
            self.connection.flush()

    def _look(self) -> None:
        """Ping; what is still open one look after it was closed waits for a peer that does not read."""
        if self._transport.is_closing() or self._silent >= SILENT_LOOKS or self._unanswered >= UNANSWERED_LOOKS:
            self._transport.abort()
            return
        if self._has_left():
            self._hang_up("it is no longer needed")
            return
        self._silent += 1
        self._unanswered += 1
        self.connection._connection.ping(b"are you?")
        with suppress(RuntimeError):  # uvloop closes a connection whose connecting was cancelled, and tells nobody
            self.connection.flush()
            self._rearm()

    def _has_left(self) -> bool:
        """Tell whether it was left for more than a whole look: a call may just have begun."""
        if self._idle_looks is None:
            return False
        self._idle_looks = 0 if self.processor.streams else self._idle_looks + 1
        return self._idle_looks > 1

    def _rearm(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look)


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
        return WatchedProtocol(client.Handler(), self._config, self._h2_config)
