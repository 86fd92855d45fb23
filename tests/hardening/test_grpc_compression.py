"""Messages that are compressed, or say that they are."""

import gzip

import pytest
from grpclib.const import Status
from h2.events import ResponseReceived, TrailersReceived

from generated.restaurant import v1
from tests.hardening.served import STREAM_ORDERS, serve
from tests.support.http2_peers import Peer, message

MOST = 1024 * 1024
GZIP = ("grpc-encoding", "gzip")
ACCEPTED = "identity,gzip"


def accepted_by(peer: Peer) -> str | None:
    """Return what a server said that it accepts, at the beginning of its only response."""
    (event,) = peer.all(ResponseReceived)
    headers = {bytes(name).decode(): bytes(value).decode() for name, value in event.headers}
    return headers.get("grpc-accept-encoding")


async def test_a_message_in_gzip_is_understood_and_the_response_says_so() -> None:
    async with serve() as served, Peer.connect(served.port) as peer:
        body = bytes(v1.GetMenuRequest())
        assert await peer.status_of(await peer.call(message(gzip.compress(body), flag=1), GZIP)) == (0, "")
        assert accepted_by(peer) == ACCEPTED


async def test_of_a_call_with_an_encoding_each_message_may_be_compressed_or_not() -> None:
    batches = [bytes(v1.StreamOrdersRequest(number=number)) for number in (1, 2, 300)]
    async with serve() as served, Peer.connect(served.port) as peer:
        sent = message(gzip.compress(batches[0]), flag=1) + message(batches[1])
        stream_id = await peer.call(sent, GZIP, path=STREAM_ORDERS, end=False)
        peer.h2.send_data(stream_id, message(gzip.compress(batches[2]), flag=1), end_stream=True)
        await peer.flush()
        assert await peer.status_of(stream_id) == (0, "")
        assert peer.data_of(stream_id) == b"".join(
            message(bytes(v1.StreamOrdersResponse(number=number))) for number in (1, 2, 300)
        )


@pytest.mark.parametrize(
    ("data", "status", "text"),
    [
        (gzip.compress(bytes(MOST + 1)), Status.RESOURCE_EXHAUSTED, f"the message, decompressed, has more than {MOST}"),
        (
            gzip.compress(bytes(12 * MOST)),
            Status.RESOURCE_EXHAUSTED,
            f"the message, decompressed, has more than {MOST}",
        ),
        (gzip.compress(b"\xff" * MOST), Status.INVALID_ARGUMENT, "the bytes are not a GetMenuRequest"),
        (b"no gzip", Status.INTERNAL, "the message is not gzip"),
        (b"", Status.INTERNAL, "the message is not exactly one gzip stream"),
        (gzip.compress(b"")[:-1], Status.INTERNAL, "the message is not exactly one gzip stream"),
        (gzip.compress(b"") * 2, Status.INTERNAL, "the message is not exactly one gzip stream"),
    ],
    ids=["a byte too large", "a bomb", "as large as may be", "something else", "nothing", "cut off", "two at once"],
)
async def test_what_comes_out_of_gzip_is_as_bounded_as_any_message(data: bytes, status: Status, text: str) -> None:
    async with serve() as served, Peer.connect(served.port) as peer:
        found, told = await peer.status_of(await peer.call(message(data, flag=1), GZIP))
        assert (Status(found), told[: len(text)]) == (status, text)
        assert await peer.status_of(await peer.call(message())) == (0, "")


@pytest.mark.parametrize("flag", [0, 1])
async def test_an_unknown_encoding_is_unimplemented_and_the_response_says_what_is_known(flag: int) -> None:
    async with serve() as served, Peer.connect(served.port) as peer:
        status, text = await peer.status_of(await peer.call(message(flag=flag), ("grpc-encoding", "zstd")))
        assert (status, text) == (12, "grpc-encoding zstd is not understood; identity,gzip are")
        assert accepted_by(peer) == ACCEPTED


@pytest.mark.parametrize("more", [[], [("grpc-encoding", "identity")]], ids=["none", "identity"])
async def test_a_message_marked_as_compressed_without_an_encoding_is_internal(more: list[tuple[str, str]]) -> None:
    async with serve() as served, Peer.connect(served.port) as peer:
        status, text = await peer.status_of(await peer.call(message(b"abc", flag=1), *more))
        assert Status(status) is Status.INTERNAL
        assert text == "the message is marked as compressed, and grpc-encoding does not say how"


async def test_trailers_do_not_repeat_what_is_accepted() -> None:
    async with serve() as served, Peer.connect(served.port) as peer:
        await peer.status_of(await peer.call(message()))
        (trailers,) = peer.all(TrailersReceived)
        assert [bytes(name) for name, _ in trailers.headers] == [b"grpc-status"]


# --- no message at all ---


async def test_a_stream_that_ends_without_a_message_is_ok_without_responses() -> None:
    async with serve() as served, Peer.connect(served.port) as peer:
        stream_id = await peer.call(b"", path=STREAM_ORDERS)
        assert await peer.status_of(stream_id) == (0, "")
        assert peer.data_of(stream_id) == b""


@pytest.mark.parametrize("path", ["/restaurant.v1.DepartmentService/GetMenu", "/grpc.health.v1.Health/Watch"])
async def test_a_call_that_needs_one_message_and_has_none_is_unimplemented(path: str) -> None:
    """https://grpc.io/docs/guides/status-codes/: a violation of the request's cardinality."""
    async with serve() as served, Peer.connect(served.port) as peer:
        status, text = await peer.status_of(await peer.call(b"", path=path))
        assert (Status(status), text) == (Status.UNIMPLEMENTED, "the call has no message, and needs one")
