"""The stream at its breaking points, on a channel that does what a test says; the rest is in tests/contract."""

import asyncio
from typing import Any, Self, cast

import pytest
from grpclib.exceptions import StreamTerminatedError

from gateway.department_client.stream import OrderStream
from generated.restaurant import v1
from infra.grpc.peer_guard import WatchedChannel
from tests.support.waiting import until


class FakeStream:
    """Sends a message when its gate is open, and then receives the response to it."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.gate = asyncio.Event()
        self.responses: asyncio.Queue[v1.StreamOrdersResponse] = asyncio.Queue()
        self.is_over = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        self.is_over = True

    async def send_request(self) -> None:
        """Nothing has to be sent."""

    async def send_message(self, request: v1.StreamOrdersRequest) -> None:
        self.begun.append(len(request.order_ids))
        await self.gate.wait()
        if request.quantities == [-1]:
            raise OverflowError("no such number on the network")
        self.responses.put_nowait(v1.StreamOrdersResponse(request.number))

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> v1.StreamOrdersResponse:
        return await self.responses.get()


class FakeChannel:
    def __init__(self) -> None:
        self.streams: list[FakeStream] = []
        self.on_reconnect: Any = None

    def request(self, *_: object) -> FakeStream:
        self.streams.append(FakeStream())
        return self.streams[-1]


def opened() -> tuple[FakeChannel, OrderStream]:
    channel = FakeChannel()
    return channel, OrderStream(cast("WatchedChannel", channel))


def batch(size: int, quantity: int = 1) -> v1.StreamOrdersRequest:
    return v1.StreamOrdersRequest(order_ids=["an id"] * size, quantities=[quantity])


def soon(seconds: float = 5.0) -> float:
    return asyncio.get_running_loop().time() + seconds


async def test_after_a_message_that_was_cut_short_nothing_follows_on_its_stream() -> None:
    """It would be read as the rest of that message."""
    channel, stream = opened()
    cut = asyncio.ensure_future(stream.place(batch(1), soon(0.2)))
    behind = asyncio.ensure_future(stream.place(batch(2), soon()))
    with pytest.raises(TimeoutError):
        await cut
    with pytest.raises(StreamTerminatedError, match="cut short"):
        await behind
    assert channel.streams[0].begun == [1]
    await until(lambda: channel.streams[0].is_over)


async def test_the_next_batch_opens_another_stream() -> None:
    channel, stream = opened()
    with pytest.raises(TimeoutError):
        await stream.place(batch(1), soon(0.2))
    again = asyncio.ensure_future(stream.place(batch(2), soon()))
    await until(lambda: len(channel.streams) == 2)
    channel.streams[1].gate.set()
    await again
    assert [each.begun for each in channel.streams] == [[1], [2]]
    stream.drain()


async def test_a_message_that_cannot_be_written_harms_none_after_it() -> None:
    channel, stream = opened()
    bad = asyncio.ensure_future(stream.place(batch(1, quantity=-1), soon()))
    await until(lambda: channel.streams != [] and channel.streams[0].begun != [])
    channel.streams[0].gate.set()
    with pytest.raises(OverflowError):
        await bad
    good = asyncio.ensure_future(stream.place(batch(2), soon()))
    await until(lambda: len(channel.streams) == 2)
    channel.streams[1].gate.set()
    await good
    stream.drain()


async def test_a_caller_that_is_cancelled_stays_cancelled_when_the_batch_is_late_too() -> None:
    channel, stream = opened()
    due = soon(0.2)
    placing = asyncio.ensure_future(stream.place(batch(1), due))
    await until(lambda: channel.streams != [] and channel.streams[0].begun != [])
    asyncio.get_running_loop().call_at(due, placing.cancel)
    with pytest.raises(asyncio.CancelledError):
        await placing


async def test_a_caller_of_a_late_batch_goes_on_as_one_that_nobody_cancelled() -> None:
    _, stream = opened()

    async def place_late() -> int:
        with pytest.raises(TimeoutError):
            await stream.place(batch(1), soon(0.1))
        with pytest.raises(TimeoutError):  # it would be CancelledError where the first deadline still counted
            async with asyncio.timeout(0.1):
                await asyncio.Event().wait()
        task = asyncio.current_task()
        assert task is not None
        return task.cancelling()

    assert await asyncio.create_task(place_late()) == 0
