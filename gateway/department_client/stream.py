"""PlaceOrders on a call that stays open: batches go out on it with a number each, and answers come back by number.

A stream that breaks fails every batch that waits on it. One on which a batch was not answered in time is left: nothing
new goes out on it, what else waits there may still be answered, and then it ends. The next batch opens another.
"""

import asyncio
from typing import TYPE_CHECKING, Any

from grpclib.const import Cardinality, Status
from grpclib.exceptions import GRPCError, StreamTerminatedError

from generated.restaurant import v1
from infra.grpc.peer_guard import WatchedChannel

if TYPE_CHECKING:
    from grpclib.client import Stream

ROUTE = "/restaurant.v1.DepartmentService/StreamOrders"

OLD_SECONDS = 60.0
"""How long a department that does not know the stream is not asked for it again: it may be upgraded."""


class StreamRefused(Exception):
    """The department does not take these batches on a stream; each may have a call of its own, and its own answer."""


class OrderStream:
    """One department's stream, opened where it is needed."""

    def __init__(self, channel: WatchedChannel, old_seconds: float = OLD_SECONDS) -> None:
        """Open it on a channel, and again when the channel's connection is left."""
        self._old_seconds = old_seconds
        self._channel = channel
        self._line: _Line | None = None
        self._old_until = 0.0
        channel.on_reconnect = self.leave

    async def place(self, request: v1.StreamOrdersRequest, due: float) -> v1.StreamOrdersResponse:
        """Send a batch and wait for its answer until `due`, in the loop's time.

        Raises StreamRefused; GRPCError with what the department says of the batch, or UNAVAILABLE; TimeoutError;
        OSError and StreamTerminatedError where there is no connection.
        """
        if asyncio.get_running_loop().time() < self._old_until:
            raise StreamRefused
        if self._line is None or self._line.is_over:
            self._line = _Line(self._channel)
        try:
            return await self._exchange(self._line, request, due)
        except GRPCError as error:
            if error.status is Status.UNIMPLEMENTED:
                self._old_until = asyncio.get_running_loop().time() + self._old_seconds
            if error.status is Status.UNAVAILABLE:
                raise
            raise StreamRefused from error

    def leave(self) -> None:
        """Send nothing more on the stream that is open."""
        if self._line is not None:
            self._line.leave()
            self._line = None

    async def _exchange(self, line: "_Line", request: v1.StreamOrdersRequest, due: float) -> v1.StreamOrdersResponse:
        async with asyncio.timeout_at(due):
            try:
                return await line.exchange(request)
            except asyncio.CancelledError:  # it is late, or nobody waits for it any more
                if self._line is line:
                    self.leave()
                raise


class _Line:
    """One stream, from its opening to its end."""

    def __init__(self, channel: WatchedChannel) -> None:
        loop = asyncio.get_running_loop()
        self._channel = channel
        self._waiting: dict[int, asyncio.Future[v1.StreamOrdersResponse]] = {}
        self._last = 0
        self._sending = asyncio.Lock()
        self._opened: asyncio.Future[Stream[Any, Any]] = loop.create_future()
        self._is_leaving = self._is_cut = False
        self._task = loop.create_task(self._run())

    @property
    def is_over(self) -> bool:
        """Tell whether nothing is to be sent any more."""
        return self._is_leaving or self._task.done()

    async def exchange(self, request: v1.StreamOrdersRequest) -> v1.StreamOrdersResponse:
        """Send a batch and wait for its answer."""
        self._last += 1
        number = request.number = self._last
        answer: asyncio.Future[v1.StreamOrdersResponse] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            stream = self._opened.result() if self._opened.done() else await asyncio.shield(self._opened)
            await self._send(stream, request)
            return await answer
        finally:
            self._waiting.pop(number, None)
            self._end_if_left()

    async def _send(self, stream: "Stream[Any, Any]", request: v1.StreamOrdersRequest) -> None:
        """Send a message whole, for it may have to wait for its peer; after one that was cut short nothing follows."""
        async with self._sending:
            if self._is_cut:
                raise StreamTerminatedError("a message before this one was cut short")
            try:
                await stream.send_message(request)
            except StreamTerminatedError:
                return  # why it ended is told to whoever waits for an answer, by what is read of it
            except BaseException:
                self._is_cut = True
                self.leave()
                raise

    def leave(self) -> None:
        """End it as soon as nothing waits."""
        self._is_leaving = True
        self._end_if_left()

    def _end_if_left(self) -> None:
        if self._is_leaving and not self._waiting:
            self._task.cancel()

    async def _run(self) -> None:
        error: Exception = StreamTerminatedError("the stream was left")
        try:
            async with self._channel.request(
                ROUTE, Cardinality.STREAM_STREAM, v1.StreamOrdersRequest, v1.StreamOrdersResponse
            ) as stream:
                await stream.send_request()
                self._opened.set_result(stream)
                async for answer in stream:
                    self._hear(answer)
                # grpclib raises what the trailers say in its place, where they say anything but OK.
                raise StreamTerminatedError("the department ended the stream")
        except Exception as reason:  # noqa: BLE001 - not swallowed: it reaches everyone who waits for an answer
            error = reason
        finally:
            self._fail(error)

    def _hear(self, answer: v1.StreamOrdersResponse) -> None:
        waiting = self._waiting.get(answer.number)
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)

    def _fail(self, error: Exception) -> None:
        waiters: list[asyncio.Future[Any]] = [self._opened, *self._waiting.values()]
        for waiting in waiters:
            if not waiting.done():
                waiting.set_exception(error)
                waiting.exception()  # it may be that nobody waits for it any more
