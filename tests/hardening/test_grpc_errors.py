"""An error ends what it concerns and nothing else: a malformed call itself, a broken connection the connection."""

import asyncio

import pytest
from grpclib.const import Status
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, StreamReset
from hpack import Encoder
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    HeadersFrame,
    PingFrame,
    PriorityFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from infra.grpc import request_guard
from tests.hardening.served import MOVE_TICKET, Served, serve
from tests.support.http2_peers import Headers, Peer, call_headers, data_frame, goaways, headers_frame, message

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS = SettingsFrame(settings={}).serialize()


def without(name: str) -> Headers:
    return [header for header in call_headers() if header[0] != name]


MALFORMED: dict[str, Headers] = {
    "an uppercase name": [*call_headers(), ("Upper-Case", "x")],
    "no method": without(":method"),
    "no path": without(":path"),
    "no scheme": without(":scheme"),
    "neither authority nor host": without(":authority"),
    "two paths": [(":path", "/twice"), *call_headers()],
    "a pseudo-header after the others": [*without(":method"), (":method", "POST")],
    "an unknown pseudo-header": [(":unknown", "x"), *call_headers()],
    "a header of the connection": [*call_headers(), ("connection", "close")],
    "another te": [*without("te"), ("te", "gzip")],
    "an empty name": [*call_headers(), ("", "no name")],
    "a blank in a name": [*call_headers(), ("a b", "x")],
    "a line break in a value": [*call_headers(), ("x", "a\r\nb: c")],
    "a zero in a value": [*call_headers(), ("x", "\0")],
    "a length that is no number": [*call_headers(), ("content-length", "x")],
    "a length that is not the body's": [*call_headers(), ("content-length", "3")],
    "no header at all": [],
}


async def _beside(served: Served, peer: Peer) -> int:
    """Begin a call that runs while something else happens on its connection."""
    stream_id = await peer.call(message(), path=MOVE_TICKET)
    await served.until_running(1)
    return stream_id


async def _is_unharmed(served: Served, peer: Peer, stream_id: int) -> None:
    served.kitchen.let.set()
    assert await peer.status_of(stream_id) == (0, "")
    assert await peer.status_of(await peer.call(message())) == (0, "")
    assert not peer.all(ConnectionTerminated)


def _reserve(peer: Peer) -> int:
    """Take the number of a call whose frames are written by hand; nothing new goes into the compression's table."""
    stream_id = peer.h2.get_next_available_stream_id()
    peer.h2.send_headers(stream_id, call_headers(MOVE_TICKET))
    peer.h2.clear_outbound_data_buffer()
    return stream_id


def _block(headers: Headers) -> bytes:
    """Compress headers without a trace in the table, where the peer's own encoder would miss it."""
    return Encoder().encode([(name, value, True) for name, value in headers], huffman=False)


def _head_frames(stream_id: int, block: bytes) -> bytes:
    """Write HEADERS, and CONTINUATION for as long as there is more."""
    pieces = [block[begin : begin + 16_384] for begin in range(0, len(block), 16_384)]
    frames = [raw_frame(1 if number == 0 else 9, 0, stream_id, piece) for number, piece in enumerate(pieces)]
    frames[-1] = frames[-1][:4] + b"\x04" + frames[-1][5:]
    return b"".join(frames)


@pytest.mark.parametrize("what", MALFORMED)
async def test_a_malformed_call_is_reset_and_the_others_go_on(what: str) -> None:
    async with serve() as served, Peer.connect(served.port) as peer:
        beside = await _beside(served, peer)
        stream_id = _reserve(peer)
        head = HeadersFrame(stream_id, _block(MALFORMED[what]), flags=["END_HEADERS"]).serialize()
        await peer.send(head + DataFrame(stream_id, message(), flags=["END_STREAM"]).serialize())
        reset = await peer.until(StreamReset, stream_id)
        assert reset.error_code == ErrorCodes.PROTOCOL_ERROR
        await _is_unharmed(served, peer, beside)


@pytest.mark.parametrize(
    ("trailers", "end"),
    [([("x", "y")], False), ([(":path", "/x")], True), ([("Upper", "x")], True), ([("Upper", "x")], False)],
    ids=repr,
)
async def test_malformed_trailers_reset_their_call_alone(trailers: Headers, end: bool) -> None:
    async with serve() as served, Peer.connect(served.port) as peer:
        beside = await _beside(served, peer)
        stream_id = await peer.call(path=MOVE_TICKET, end=False)
        flags = ["END_HEADERS", "END_STREAM"] if end else ["END_HEADERS"]
        await peer.send(HeadersFrame(stream_id, _block(trailers), flags=flags).serialize())
        reset = await peer.until(StreamReset, stream_id)
        assert reset.error_code == ErrorCodes.PROTOCOL_ERROR
        await _is_unharmed(served, peer, beside)


async def test_malformed_calls_without_end_end_their_connection() -> None:
    async with serve() as served, Peer.connect(served.port) as peer:
        assert await peer.status_of(await peer.call(message())) == (0, "")
        block = _block([*call_headers(), ("Upper", "x")])
        heads = (
            HeadersFrame(number, block, flags=["END_HEADERS"]).serialize()
            for number in range(3, 4 * request_guard.RESETS, 2)
        )
        await peer.send(b"".join(heads))
        away = await peer.until(ConnectionTerminated)
        assert away.error_code == ErrorCodes.ENHANCE_YOUR_CALM


@pytest.mark.parametrize(("sent", "arrives"), [(" v ", "v"), ("\tv", "v"), ("v ", "v"), ("v w", "v w"), (" ", "")])
async def test_blanks_around_a_value_are_stripped(sent: str, arrives: str) -> None:
    async with serve() as served, Peer.connect(served.port) as peer:
        assert await peer.status_of(await peer.call(message(), ("x", sent))) == (0, "")
        assert served.metadata[0]["x"] == arrives


async def test_a_host_beside_the_authority_is_discarded() -> None:
    """As official servers do: https://github.com/grpc/proposal/blob/master/A41-xds-rbac.md."""
    async with serve() as served, Peer.connect(served.port) as peer:
        assert await peer.status_of(await peer.call(message(), ("host", "elsewhere"))) == (0, "")
        assert await peer.status_of(await peer.call(message(), ("host", "a"), ("host", "b"))) == (0, "")
        assert all("host" not in metadata for metadata in served.metadata)


@pytest.mark.parametrize("size", [66_000, 100_000, 250_000])
async def test_too_much_metadata_is_resource_exhausted_for_that_call(size: int) -> None:
    async with serve() as served, Peer.connect(served.port) as peer:
        beside = await _beside(served, peer)
        stream_id = _reserve(peer)
        await peer.send(_head_frames(stream_id, _block([*call_headers(), ("x", "y" * size)])))
        status, text = await peer.status_of(stream_id)
        assert (status, text) == (Status.RESOURCE_EXHAUSTED.value, "the metadata has more than 65536 bytes")
        await _is_unharmed(served, peer, beside)


@pytest.mark.parametrize("is_whole", [True, False])
async def test_headers_of_any_size_end_their_connection(is_whole: bool) -> None:
    async with serve() as served, Peer.connect(served.port) as peer:
        frames = _head_frames(1, _block([*call_headers(), ("x", "y" * 300_000)]))
        await peer.send(frames if is_whole else frames[:280_000])
        away = await peer.until(ConnectionTerminated)
        assert away.error_code == ErrorCodes.ENHANCE_YOUR_CALM


@pytest.mark.parametrize(
    ("sent", "arrives"),
    [("YQ==", [b"a"]), ("YQ", [b"a"]), ("YQ==,Yg==", [b"a", b"b"]), ("YQ, Yg,YWI=", [b"a", b"b", b"ab"])],
)
async def test_binary_metadata_that_was_joined_is_split(sent: str, arrives: list[bytes]) -> None:
    async with serve() as served, Peer.connect(served.port) as peer:
        assert await peer.status_of(await peer.call(message(), ("x-bin", sent))) == (0, "")
        assert served.metadata[0].getall("x-bin") == arrives


def raw_frame(kind: int, flags: int, stream_id: int, body: bytes) -> bytes:
    return len(body).to_bytes(3) + bytes([kind, flags]) + stream_id.to_bytes(4) + body


GREETED = PREFACE + SETTINGS
HEAD = Encoder().encode(call_headers())

BROKEN: dict[str, tuple[bytes, ErrorCodes]] = {
    "no preface": (b"GET / HTTP/1.1\r\nHost: bar\r\n\r\n", ErrorCodes.PROTOCOL_ERROR),
    "PING before SETTINGS": (PREFACE + PingFrame(opaque_data=b"12345678").serialize(), ErrorCodes.PROTOCOL_ERROR),
    "a call before SETTINGS": (PREFACE + headers_frame(1, call_headers()), ErrorCodes.PROTOCOL_ERROR),
    "an unknown frame before SETTINGS": (PREFACE + raw_frame(0x42, 0, 0, b"?"), ErrorCodes.PROTOCOL_ERROR),
    "the ACK of SETTINGS before SETTINGS": (
        PREFACE + SettingsFrame(flags=["ACK"]).serialize(),
        ErrorCodes.PROTOCOL_ERROR,
    ),
    "the ACK of SETTINGS with a payload": (GREETED + raw_frame(4, 1, 0, bytes(6)), ErrorCodes.FRAME_SIZE_ERROR),
    "SETTINGS of half a setting": (GREETED + raw_frame(4, 0, 0, bytes(5)), ErrorCodes.FRAME_SIZE_ERROR),
    "SETTINGS of a call": (GREETED + raw_frame(4, 0, 1, b""), ErrorCodes.PROTOCOL_ERROR),
    "a window of 2^31": (
        GREETED + SettingsFrame(settings={SettingsFrame.INITIAL_WINDOW_SIZE: 2**31}).serialize(),
        ErrorCodes.FLOW_CONTROL_ERROR,
    ),
    "frames of 1 byte": (
        GREETED + SettingsFrame(settings={SettingsFrame.MAX_FRAME_SIZE: 1}).serialize(),
        ErrorCodes.PROTOCOL_ERROR,
    ),
    "push that is neither on nor off": (
        GREETED + SettingsFrame(settings={SettingsFrame.ENABLE_PUSH: 2}).serialize(),
        ErrorCodes.PROTOCOL_ERROR,
    ),
    "PING of 7 bytes": (GREETED + raw_frame(6, 0, 0, bytes(7)), ErrorCodes.FRAME_SIZE_ERROR),
    "PING of a call": (GREETED + raw_frame(6, 0, 1, bytes(8)), ErrorCodes.PROTOCOL_ERROR),
    "GOAWAY of a call": (GREETED + raw_frame(7, 0, 1, bytes(8)), ErrorCodes.PROTOCOL_ERROR),
    "a frame that is too long": (GREETED + raw_frame(0, 0, 1, bytes(16_385)), ErrorCodes.FRAME_SIZE_ERROR),
    "garbage in the compression": (GREETED + raw_frame(1, 4, 1, b"\xff" * 20), ErrorCodes.COMPRESSION_ERROR),
    "a header that is cut off": (GREETED + raw_frame(1, 4, 1, HEAD[:-1]), ErrorCodes.COMPRESSION_ERROR),
    "an entry that is not in the table": (GREETED + raw_frame(1, 4, 1, HEAD + b"\xfe"), ErrorCodes.COMPRESSION_ERROR),
    "a table that is too large": (GREETED + raw_frame(1, 4, 1, b"\x3f\xe2\x7f" + HEAD), ErrorCodes.COMPRESSION_ERROR),
    "a call with an even number": (GREETED + headers_frame(2, call_headers()), ErrorCodes.PROTOCOL_ERROR),
    "a call of number 0": (GREETED + raw_frame(1, 4, 0, HEAD), ErrorCodes.PROTOCOL_ERROR),
    "a call with a number below the last": (
        GREETED + headers_frame(5, call_headers()) + headers_frame(3, call_headers()),
        ErrorCodes.PROTOCOL_ERROR,
    ),
    "DATA of a call that never was": (GREETED + data_frame(1, b"x"), ErrorCodes.PROTOCOL_ERROR),
    "DATA of the connection": (GREETED + raw_frame(0, 0, 0, b"x"), ErrorCodes.PROTOCOL_ERROR),
    "more padding than data": (GREETED + raw_frame(0, 8, 1, b"\x09x"), ErrorCodes.PROTOCOL_ERROR),
    "a reset of a call that never was": (
        GREETED + RstStreamFrame(1, error_code=8).serialize(),
        ErrorCodes.PROTOCOL_ERROR,
    ),
    "a reset of the connection": (GREETED + raw_frame(3, 0, 0, bytes(4)), ErrorCodes.PROTOCOL_ERROR),
    "a reset of 3 bytes": (
        GREETED + headers_frame(1, call_headers()) + raw_frame(3, 0, 1, bytes(3)),
        ErrorCodes.FRAME_SIZE_ERROR,
    ),
    "a window that grows by nothing": (GREETED + raw_frame(8, 0, 0, bytes(4)), ErrorCodes.PROTOCOL_ERROR),
    "a window that grows too far": (
        GREETED + WindowUpdateFrame(0, window_increment=2**31 - 1).serialize(),
        ErrorCodes.FLOW_CONTROL_ERROR,
    ),
    "a window of a call that never was": (
        GREETED + WindowUpdateFrame(1, window_increment=1).serialize(),
        ErrorCodes.PROTOCOL_ERROR,
    ),
    "a promise": (GREETED + raw_frame(5, 4, 1, (2).to_bytes(4) + HEAD), ErrorCodes.PROTOCOL_ERROR),
    "a continuation of nothing": (
        GREETED + ContinuationFrame(1, HEAD, flags=["END_HEADERS"]).serialize(),
        ErrorCodes.PROTOCOL_ERROR,
    ),
    "a frame within a header": (
        GREETED + raw_frame(1, 0, 1, HEAD[:5]) + PingFrame(opaque_data=b"12345678").serialize(),
        ErrorCodes.PROTOCOL_ERROR,
    ),
    "a header without end": (
        GREETED + raw_frame(1, 0, 1, HEAD) + raw_frame(9, 0, 1, b"") * 100,
        ErrorCodes.PROTOCOL_ERROR,
    ),
    "PRIORITY of 4 bytes": (GREETED + raw_frame(2, 0, 1, bytes(4)), ErrorCodes.FRAME_SIZE_ERROR),
}


@pytest.mark.parametrize("what", BROKEN)
async def test_a_broken_connection_ends_with_the_code_that_rfc_9113_names(what: str) -> None:
    data, code = BROKEN[what]
    async with serve() as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(data)
        async with asyncio.timeout(10):
            received = await reader.read()  # to the end of the connection
        writer.close()
    assert goaways(received) == [code]


async def test_priorities_are_ignored() -> None:
    """RFC 9113 5.3.2, also one that depends on itself."""
    async with serve() as served, Peer.connect(served.port) as peer:
        await peer.send(PriorityFrame(1, depends_on=3, stream_weight=7).serialize())
        stream_id = await peer.call(raw=b"")
        frame = HeadersFrame(stream_id, _block(call_headers()), flags=["END_HEADERS", "PRIORITY"])
        frame.depends_on = stream_id
        await peer.send(frame.serialize() + DataFrame(stream_id, message(), flags=["END_STREAM"]).serialize())
        assert await peer.status_of(stream_id) == (0, "")
