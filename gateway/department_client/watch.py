"""WatchChanges: follows a department's changes on a call that stays open, on a channel of its own.

    async with aclosing(watch.pages(position)) as pages:
        async for page in pages:
            ...

The caller keeps the position, and calls again after an error. A department that sends nothing, not even a sign of life,
counts as unreachable.
"""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import structlog
from grpclib.const import Cardinality, Status
from grpclib.exceptions import GRPCError, StreamTerminatedError

from gateway.department_client.batches import describe, to_error
from gateway.department_client.convert_tickets import change_page
from gateway.department_client.errors import Deferred, DepartmentCallError, Unreachable
from gateway.department_client.statuses import MEANINGS, Meaning
from gateway.domain.tickets import ChangePage, Position
from generated.restaurant import v1
from infra.grpc.peer_guard import WatchedChannel, is_transport_failure

if TYPE_CHECKING:
    from grpclib.client import Stream

ROUTE = "/restaurant.v1.DepartmentService/WatchChanges"

log = structlog.get_logger("departments")


@dataclass(frozen=True, slots=True)
class WatchTimeouts:
    """How long a watch waits for a page, in seconds: for the first one, and for each one after it.

    A department sends a sign of life every 5 s.
    """

    first: float = 5.0
    next: float = 12.0


@dataclass(eq=False, slots=True)
class _Call:
    """One open call: whether it is to end, and the timer of the page that it waits for."""

    is_left: bool = False
    waiting: asyncio.Timeout | None = field(default=None)

    async def receive(self, stream: "Stream[Any, Any]", seconds: float) -> v1.WatchChangesResponse | None:
        """Return the next page, or None where the call has ended; raises TimeoutError, also where it is to end."""
        try:
            async with asyncio.timeout(seconds) as self.waiting:
                response: v1.WatchChangesResponse | None = await stream.recv_message()
                return response
        finally:
            self.waiting = None


class DepartmentWatch:
    """Opens watches of one department."""

    def __init__(self, name: str, channel: WatchedChannel, timeouts: WatchTimeouts | None = None) -> None:
        """`channel` serves watches only: whenever it reconnects, its open watches end."""
        self.name = name
        self._channel = channel
        self._timeouts = timeouts or WatchTimeouts()
        self._calls: set[_Call] = set()
        channel.on_reconnect = self._leave

    async def pages(self, position: Position | None, *, moved_only: bool = False) -> AsyncGenerator[ChangePage, None]:
        """Yield the changes after a position, or, without one, a snapshot and then the changes.

        `moved_only`: only tickets with which the staff have taken a step. It never ends without an error: Unreachable,
        Deferred, Refused.
        """
        request = v1.WatchChangesRequest(moved_only=moved_only)
        if position is not None:
            request.incarnation, request.after_revision = position
        call = _Call()
        self._calls.add(call)
        try:
            async with self._channel.request(
                ROUTE, Cardinality.STREAM_STREAM, v1.WatchChangesRequest, v1.WatchChangesResponse
            ) as stream:
                seconds = self._timeouts.first
                async with asyncio.timeout(seconds):
                    await stream.send_message(request)
                while not call.is_left:
                    response = await call.receive(stream, seconds)
                    if response is None:
                        # Where the trailers have a status other than OK, grpclib raises it in place of this error.
                        raise StreamTerminatedError("the department ended the watch")
                    yield change_page(self.name, response)
                    seconds = self._timeouts.next
                raise StreamTerminatedError("the connection is replaced")
        except Exception as error:
            self._calls.discard(call)
            raise self._failure(error, call) from error
        finally:
            self._calls.discard(call)

    def close(self) -> None:
        """Close the channel, which ends the open watches."""
        self._channel.close()

    def _leave(self) -> None:
        """End the open watches, those that wait for a page at once."""
        for call in self._calls:
            call.is_left = True
            if call.waiting is not None:
                call.waiting.reschedule(asyncio.get_running_loop().time())

    def _failure(self, error: Exception, call: _Call) -> DepartmentCallError:
        if isinstance(error, GRPCError):
            if error.status is Status.UNAVAILABLE:
                self._channel.reconnect()  # perhaps to another replica
            if MEANINGS[error.status] is Meaning.NO_RESPONSE:
                return Unreachable(f"{self.name}: {describe(error)}")
            return to_error(self.name, error)
        if call.is_left:
            return Unreachable(f"{self.name}: the connection is replaced")
        if is_transport_failure(error):
            return Unreachable(f"{self.name}: {describe(error)}")
        log.error("a page of a watch cannot be used", department=self.name, exc_info=error)
        return Deferred(self.name, f"{type(error).__name__}: {error}")
