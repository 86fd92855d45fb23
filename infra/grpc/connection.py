"""h2's connection with the scope and code of errors that RFC 9113 demands: a stream's error ends only that stream.

How it differs from h2 4.4:

- A malformed request resets its stream (RFC 9113 8.1.1); h2 ends the connection, with all other calls on it.
- Blanks around a header's value are stripped, and a `host` beside an authority is dropped, as gRPC's official servers
  do; for h2 such a request is malformed.
- Headers of more than 64 KB refuse their call; h2 ends the connection. Up to a second limit they are decoded, because
  the state of the compression depends on it. Beyond that the connection ends, as a few bytes may expand to gigabytes.
- GOAWAY from the peer lets running calls go on; h2 closes the connection for them.
- The first frame has to be SETTINGS (3.4); h2 accepts any.
- These have the RFC's error code: an acknowledgement of SETTINGS with a payload, headers that cannot be decompressed,
  RST_STREAM for a stream that was never opened, and a wrong preface.
"""

from typing import TYPE_CHECKING

from h2.config import H2Configuration
from h2.connection import AllowedStreamIDs, ConnectionInputs, ConnectionState, H2Connection
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, Event, RequestReceived, StreamReset
from h2.exceptions import (
    DenialOfServiceError,
    FrameDataMissingError,
    InvalidBodyLengthError,
    ProtocolError,
    StreamClosedError,
)
from h2.frame_buffer import FrameBuffer
from h2.stream import H2Stream
from hpack import HeaderTuple
from hpack.exceptions import HPACKError, OversizedHeaderListError
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    Frame,
    GoAwayFrame,
    HeadersFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

if TYPE_CHECKING:
    from h2._typing import Buffer

MOST_HEADER_BYTES = 64 * 1024
"""The largest headers of a call, counted as in RFC 9113 6.5.2; h2 announces this limit."""

MOST_DECODED_BYTES = 256 * 1024
"""The largest headers, compressed or not, that refuse one call and keep its connection. Decoding more would block the
event loop: hpack copies the rest of the block for each header."""

_HEAD = 9
_ENTRY_BYTES = 32
_ACK = 0x1
_BLANKS = (b" ", b"\t")

_Received = tuple[list[Frame], list[Event]]

_SOME_REQUEST = [
    HeaderTuple(name, b"-") for name in (b":method", b":scheme", b":path", b":authority")
]  # for h2, in place of headers that are too large


class CompressionError(ProtocolError):
    """Headers that cannot be decompressed; after that no headers of the connection can be."""

    error_code = ErrorCodes.COMPRESSION_ERROR


class StrictConnection(H2Connection):
    """One end of a connection; a RequestReceived whose headers were too large has None for headers."""

    def __init__(self, config: H2Configuration) -> None:
        """Start a connection whose peer has not sent its preface."""
        super().__init__(config)
        self.incoming_buffer: _Frames = _Frames(server=not config.client_side)
        self.decoder.max_header_list_size = MOST_DECODED_BYTES

    @property
    def is_greeted(self) -> bool:
        """Return whether the peer has sent its preface."""
        return self.incoming_buffer.is_greeted

    def receive_data(self, data: "Buffer") -> list[Event]:
        """Receive bytes; raises ProtocolError, after which GOAWAY is in `data_to_send()`."""
        try:
            return super().receive_data(data)
        except ProtocolError as error:
            if (
                self.state_machine.state is not ConnectionState.CLOSED
            ):  # a wrong preface, for which h2 prepares no GOAWAY
                self._terminate_connection(error.error_code)
            raise

    def _receive_headers_frame(self, frame: HeadersFrame) -> _Received:
        """Receive the headers of a call, or its trailers; priorities are ignored (RFC 9113 5.3.2)."""
        if frame.stream_id not in self.streams:
            _ = self.open_inbound_streams  # h2 removes closed streams while it counts the open ones
        headers, is_too_large = self._decode(frame.data)
        events = self.state_machine.process_input(ConnectionInputs.RECV_HEADERS)
        allowed = AllowedStreamIDs.EVEN if self.config.client_side else AllowedStreamIDs.ODD
        stream = self._get_or_create_stream(frame.stream_id, allowed)
        try:
            frames, received = stream.receive_headers(
                _SOME_REQUEST if is_too_large else headers, "END_STREAM" in frame.flags, self.config.header_encoding
            )
        except StreamClosedError:
            raise
        except ProtocolError:
            return self._reset(stream)
        if is_too_large:
            if not isinstance(received[0], RequestReceived):
                return self._reset(stream)
            received[0].headers = None  # type: ignore[assignment]
        return frames, events + received

    def _receive_data_frame(self, frame: DataFrame) -> _Received:
        try:
            return super()._receive_data_frame(frame)
        except InvalidBodyLengthError:  # the request is malformed; its data counts against the window
            frames, events = self._reset(self.streams[frame.stream_id])
            increment = self._inbound_flow_control_window_manager.process_bytes(frame.flow_controlled_length)
            if increment:
                frames.append(WindowUpdateFrame(0, window_increment=increment))
            return frames, events

    def _receive_rst_stream_frame(self, frame: RstStreamFrame) -> _Received:
        is_ours = self._stream_id_is_outbound(frame.stream_id)
        if frame.stream_id > (self.highest_outbound_stream_id if is_ours else self.highest_inbound_stream_id):
            raise ProtocolError(f"stream {frame.stream_id} is reset and was never opened")
        return super()._receive_rst_stream_frame(frame)

    def _receive_goaway_frame(self, frame: GoAwayFrame) -> _Received:
        event = ConnectionTerminated()
        event.error_code = frame.error_code
        event.last_stream_id = frame.last_stream_id
        event.additional_data = frame.additional_data or None
        return [], [event]

    def _decode(self, data: bytes) -> tuple[list[HeaderTuple], bool]:
        """Return decompressed headers, and whether they are larger than a call's may be."""
        try:
            headers = list(self.decoder.decode(data, raw=True))
        except OversizedHeaderListError as error:
            raise DenialOfServiceError(f"more than {MOST_DECODED_BYTES} bytes of headers") from error
        except (
            HPACKError,
            IndexError,
            TypeError,
            UnicodeDecodeError,
        ) as error:  # hpack raises these; h2 catches the same
            raise CompressionError(f"headers cannot be decompressed: {error}") from error
        size, is_plain = 0, True
        for name, value in headers:
            size += len(name) + len(value) + _ENTRY_BYTES
            is_plain = is_plain and name != b"host" and value[:1] not in _BLANKS and value[-1:] not in _BLANKS
        return headers if is_plain else _normal(headers), size > MOST_HEADER_BYTES

    def _reset(self, stream: H2Stream) -> _Received:
        """Reset the stream of a malformed request."""
        code = ErrorCodes.PROTOCOL_ERROR
        frames = stream.reset_stream(code)
        return frames, [StreamReset(stream_id=stream.stream_id, error_code=code, remote_reset=False)]


class _Frames(FrameBuffer):
    """Splits bytes into frames, and requires SETTINGS as the first."""

    is_greeted = False

    def _update_header_buffer(self, f: Frame | None) -> Frame | None:
        if self._headers_buffer and isinstance(f, ContinuationFrame):
            size = len(f.data) + sum(len(part.data) for part in self._headers_buffer)
            if size > MOST_DECODED_BYTES:
                raise DenialOfServiceError(f"more than {MOST_DECODED_BYTES} bytes of headers")
        return super()._update_header_buffer(f)

    def __next__(self) -> Frame:
        data = self._data
        if len(data) >= _HEAD and (data[3] == SettingsFrame.type or not self.is_greeted):
            self._check_settings(data)
        return super().__next__()

    def _check_settings(self, data: bytearray) -> None:
        is_ack = data[4] & _ACK
        if not self.is_greeted:
            if data[3] != SettingsFrame.type or is_ack:
                raise ProtocolError("the first frame is not SETTINGS")
            self.is_greeted = True
        elif is_ack and any(data[:3]):
            raise FrameDataMissingError("the acknowledgement of SETTINGS has a payload")


def _normal(headers: list[HeaderTuple]) -> list[HeaderTuple]:
    """Strip blanks around values, and drop a host beside an authority."""
    has_authority = any(name == b":authority" for name, _ in headers)
    return [
        header.__class__(header[0], header[1].strip(b" \t"))
        for header in headers
        if not (has_authority and header[0] == b"host")
    ]
