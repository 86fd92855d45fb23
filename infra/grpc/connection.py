"""h2's connection, on which an error ends what it concerns and no more, with the code that RFC 9113 names.

What h2 4.4 does otherwise, and what is done here:

- A malformed request ended its connection, with all other calls on it. Only its stream is reset (RFC 9113 8.1.1).
- Blanks around a header's value, or a `host` that is not the authority, made a request malformed. Blanks are stripped,
  and a host beside an authority is dropped, as gRPC's official servers do.
- More than 64 KB of headers ended the connection. Up to a second limit they are decoded, which the compression's state
  needs, and only their call is refused; beyond it a few bytes may stand for gigabytes, and the connection ends.
- GOAWAY from the peer closed the connection for the calls that run. They go on.
- The first frame could be any. It has to be SETTINGS (3.4).
- The acknowledgement of SETTINGS with a payload, headers that cannot be decompressed, RST_STREAM for a stream that was
  never opened, and a wrong preface had another error code, or none.
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
"""How large the headers of a call may be, as RFC 9113 6.5.2 counts; it is what h2 announces."""

MOST_DECODED_BYTES = 256 * 1024
"""How large headers may be, compressed or not, to refuse one call and keep its connection. Decoding them holds up
everybody: hpack copies what is left of them for each header."""

_HEAD = 9
_ENTRY_BYTES = 32
_ACK = 0x1
_BLANKS = (b" ", b"\t")

_Received = tuple[list[Frame], list[Event]]

_SOME_REQUEST = [
    HeaderTuple(name, b"-") for name in (b":method", b":scheme", b":path", b":authority")
]  # for h2, in place of headers that are too large to look at


class CompressionError(ProtocolError):
    """Headers that cannot be decompressed: whatever follows on the connection cannot be either."""

    error_code = ErrorCodes.COMPRESSION_ERROR


class StrictConnection(H2Connection):
    """One end of a connection; the headers of a RequestReceived are None where there were too many bytes of them."""

    def __init__(self, config: H2Configuration) -> None:
        """Begin with a peer that has not said anything."""
        super().__init__(config)
        self.incoming_buffer: _Frames = _Frames(server=not config.client_side)
        self.decoder.max_header_list_size = MOST_DECODED_BYTES

    @property
    def is_greeted(self) -> bool:
        """Tell whether the peer has sent its preface."""
        return self.incoming_buffer.is_greeted

    def receive_data(self, data: "Buffer") -> list[Event]:
        """Receive bytes; raises ProtocolError, with GOAWAY among what is to be sent."""
        try:
            return super().receive_data(data)
        except ProtocolError as error:
            if self.state_machine.state is not ConnectionState.CLOSED:  # a wrong preface, for which h2 says nothing
                self._terminate_connection(error.error_code)
            raise

    def _receive_headers_frame(self, frame: HeadersFrame) -> _Received:
        """Receive the headers of a call, or its trailers; priorities are ignored (RFC 9113 5.3.2)."""
        if frame.stream_id not in self.streams:
            _ = self.open_inbound_streams  # h2 forgets closed streams as it counts
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
        except InvalidBodyLengthError:  # a malformed request, too; its data was counted against the window
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
        """Decompress headers, and tell whether they are larger than a call's may be."""
        try:
            headers = list(self.decoder.decode(data, raw=True))
        except OversizedHeaderListError as error:
            raise DenialOfServiceError(f"more than {MOST_DECODED_BYTES} bytes of headers") from error
        except (HPACKError, IndexError, TypeError, UnicodeDecodeError) as error:  # as h2, for what hpack may raise
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
    """Cuts bytes into frames, of which the first is SETTINGS."""

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
