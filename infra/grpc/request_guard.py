"""What a peer may ask for on its connection to a gRPC server: each call is accepted, answered or refused here.

What grpclib 0.4.9 and h2 leave open, and what is done here:

- A call that was reset before it started was never released (HEADERS and RST_STREAM in a loop took 170 MiB in a
  second), and what nobody had read of it counted against its connection for ever. It is released when it is reset.
- Calls could be reset, and settings changed, without end. A peer that does so is sent away.
- A call above the limit of streams cost its connection, with all other calls on it. It alone is refused.
- A peer could have our side of the header compression grow without bounds.
- A peer that had said GOAWAY could keep a call, and its connection, by not letting its response through. Such a call is
  reset after a time.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, cast

from grpclib.const import Status
from grpclib.protocol import Stream as ProtocolStream
from h2.errors import ErrorCodes
from h2.events import RemoteSettingsChanged, RequestReceived, StreamReset

from infra.grpc.call_guard import GuardedStream, Headers, Room, fault_in, split_binary
from infra.grpc.connection import MOST_HEADER_BYTES
from infra.grpc.peer_guard import WatchedProcessor, WatchedProtocol

STREAMS = 100
"""How many calls a connection may have open; it is what h2 announces."""

RESETS = 500
"""How many calls a peer may reset, malform or have refused at once; as many more are allowed every ten seconds."""

HEADER_TABLE_BYTES = 4096

Refusal = Callable[[str], str | None]
"""Why a peer may not call a path, or None where it may."""


class GuardedProcessor(WatchedProcessor):
    """Gives a peer what it is allowed, and no more."""

    def __init__(
        self, protocol: WatchedProtocol, send_away: Callable[[str], None], room: Room, refusal: Refusal | None
    ) -> None:
        """`send_away` ends the connection, and says why."""
        super().__init__(protocol.handler, protocol.connection, protocol._hear_goaway)
        self._protocol = protocol
        self._send_away = send_away
        self._room = room
        self._refusal = refusal
        self._allowance = float(RESETS)
        self._counted_at = asyncio.get_running_loop().time()

    def register(self, stream: ProtocolStream) -> Callable[[], None]:
        stream_id = cast("int", stream.id)
        self.streams[stream_id] = stream
        return partial(self._release, stream_id)

    def process_request_received(self, event: RequestReceived) -> None:
        stream = GuardedStream(self.connection, event.stream_id, self._room)
        headers = event.headers and split_binary(cast("Headers", event.headers))
        if self._protocol.is_left or len(self.streams) >= STREAMS:
            stream.refuse()
            self._spend()
        elif not headers:
            stream.answer(Status.RESOURCE_EXHAUSTED, f"the metadata has more than {MOST_HEADER_BYTES} bytes")
            self._spend()
        elif fault := fault_in(headers):
            stream.answer(*fault)
        elif self._refusal and (reason := self._refusal(dict(headers).get(":path", ""))):
            stream.answer(Status.PERMISSION_DENIED, reason)
        else:
            stream.encoding = dict(headers).get("grpc-encoding", stream.encoding)
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

    def reset_stalled(self, looks: int | None) -> None:
        """Reset the calls whose next message has waited through too many looks for the peer to let it through.

        `looks`: how many are too many on calls that do not say so themselves; None where there is no limit on those.
        """
        for stream in list(self.streams.values()):
            if cast("GuardedStream", stream).is_stalled(looks):
                stream.reset_nowait(ErrorCodes.ENHANCE_YOUR_CALM)
                stream.__terminated__("its peer does not let its next message through")

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
            self._send_away("a peer resets calls, has them refused, or changes its settings, without end")
