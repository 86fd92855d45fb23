"""The client of one department: batched requests, a deadline for each call, and a breaker.

Requests for a goal that arrive while calls are in flight share the next call. A call without a response is made once
more at once, within its deadline. If that fails too the breaker opens: every request ends with Unreachable, without a
call, until a call gets a response again (backlog.py makes such calls). Orders are placed on a stream that stays open
(stream.py); a batch on it is a call in all that is said here.

Only a call without a response opens the breaker (statuses.py says which statuses count as none). Any other status is a
response: Refused or Deferred. A fault of this program is Deferred too, is logged with its traceback, and leaves the
breaker as it is.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import structlog
from grpclib.const import Status
from grpclib.exceptions import GRPCError

from gateway.department_client.batches import (
    BatchSender,
    PendingCall,
    describe,
    request_metadata,
    seconds_until,
    to_error,
)
from gateway.department_client.convert import menu_snapshot
from gateway.department_client.errors import Deferred, DepartmentCallError, Refused, Unreachable
from gateway.department_client.statuses import MEANINGS, Meaning
from gateway.department_client.stream import OrderStream
from gateway.domain.lines import TicketResult
from gateway.domain.menu import MenuSnapshot
from gateway.domain.order import Order
from gateway.domain.transitions import PLACING, Goal
from generated.restaurant import v1
from infra.group_commit import GroupCommit
from infra.grpc.peer_guard import WatchedChannel, is_transport_failure
from infra.request_ids import current_request_id
from infra.tracing.spans import Tracer

R = TypeVar("R")

LOG_SECONDS = 10.0
"""How often the same status, or the same fault, is logged for a department."""

log = structlog.get_logger("departments")


@dataclass(frozen=True, slots=True)
class CallPolicy:
    """How a department is called. `deadline` is in seconds from the start of a call, with its retry."""

    deadline: float = 2.0
    calls_in_flight: int = 2
    orders_per_call: int = 256


class DepartmentClient:
    """One department, which a gRPC channel reaches.

    `is_reachable`: the breaker is closed. `was_reached`: some call got a response. `on_failure` is called whenever a
    call gets none.
    """

    def __init__(
        self, name: str, channel: WatchedChannel, call_policy: CallPolicy, tracer: Tracer | None = None
    ) -> None:
        """`channel` connects, and reconnects, by itself. `tracer` records the calls that serve sampled requests."""
        self.name = name
        self.call_policy = call_policy
        self.on_failure: Callable[[], None] = _do_nothing
        self.is_reachable = True
        self.was_reached = False
        self._channel = channel
        self._stub = v1.DepartmentServiceStub(channel)
        self._sender = BatchSender(name, self._stub, OrderStream(channel), tracer)
        self._last_menu = MenuSnapshot(name, False)
        self._silent_until: dict[str, float] = {}
        self.batches: dict[Goal, GroupCommit[PendingCall, TicketResult]] = {
            goal: GroupCommit(
                self._batch_caller(goal), limit=call_policy.orders_per_call, concurrency=call_policy.calls_in_flight
            )
            for goal in Goal
        }

    def submit(self, goal: Goal, order: Order) -> "asyncio.Future[TicketResult]":
        """Request one goal for one order, in a batch with others; raises Unreachable, Deferred or Refused."""
        if self.is_reachable:
            # Orders are placed on the stream, which has no metadata, so that no placing has to look its id up.
            request_id = None if goal in PLACING else current_request_id()
            return self.batches[goal].submit((order, order.epoch, request_id))
        failed: asyncio.Future[TicketResult] = asyncio.get_running_loop().create_future()
        failed.set_exception(self._unreachable())
        return failed

    async def attempt(self, goal: Goal, orders: list[Order]) -> "Sequence[TicketResult | Exception]":
        """Make one call, also while the breaker is open: a response closes it. Raises Unreachable."""
        calls: list[PendingCall] = [(order, order.epoch, None) for order in orders]
        try:
            return await self._guarded(lambda due: self._sender.send_or_split(goal, calls, due))
        except (Deferred, Refused) as error:
            return [error] * len(orders)

    async def menu(self) -> MenuSnapshot:
        """Return the menu, or, where the department does not respond, the last one without items."""
        if not self.is_reachable:
            return self._closed()
        try:
            return await self.probe()
        except DepartmentCallError:
            return self._closed()

    async def probe(self) -> MenuSnapshot:
        """Call GetMenu, also while the breaker is open, and return the menu; raises Unreachable, Deferred, Refused."""
        metadata = request_metadata({current_request_id()})
        response = await self._guarded(
            lambda due: self._stub.get_menu(v1.GetMenuRequest(), timeout=seconds_until(due), metadata=metadata)
        )
        self._last_menu = menu_snapshot(self.name, response)
        return self._last_menu

    @property
    def mean_orders_per_call(self) -> float:
        """The mean number of orders in a call so far; 0 before the first."""
        calls = sum(each.batches for each in self.batches.values())
        return sum(each.items for each in self.batches.values()) / calls if calls else 0.0

    def close(self) -> None:
        """Close the stream and the channel."""
        self._sender.close()
        self._channel.close()

    def _batch_caller(
        self, goal: Goal
    ) -> "Callable[[list[PendingCall]], Awaitable[Sequence[TicketResult | Exception]]]":
        async def call(calls: list[PendingCall]) -> "Sequence[TicketResult | Exception]":
            return await self._guarded(lambda due: self._sender.send_or_split(goal, calls, due), tries=2)

        return call

    async def _guarded(self, call: "Callable[[float], Awaitable[R]]", tries: int = 1) -> "R":
        """Make a call within its deadline, and open or close the breaker; raises Unreachable, Deferred, Refused.

        `call` gets the deadline, as a time of the event loop's clock.
        """
        due = asyncio.get_running_loop().time() + self.call_policy.deadline
        while True:
            tries -= 1
            try:
                result = await call(due)
            except GRPCError as error:
                if error.status is Status.UNAVAILABLE:
                    self._channel.reconnect()  # perhaps to another replica
                if tries and MEANINGS[error.status] is Meaning.NO_RESPONSE:
                    continue
                raise self._on_status(error) from error
            except Exception as error:
                if not is_transport_failure(error):
                    raise self._on_fault(error) from error
                if tries and not isinstance(error, TimeoutError):
                    continue
                raise self._on_no_response(describe(error)) from error
            self.is_reachable = self.was_reached = True
            return result

    def _on_status(self, error: GRPCError) -> DepartmentCallError:
        """Return the error for a status; the breaker closes, unless the status counts as no response."""
        if MEANINGS[error.status] is Meaning.NO_RESPONSE:
            return self._on_no_response(describe(error))
        self.is_reachable = self.was_reached = True
        if self._is_time_to_log(error.status.name):
            log.warning("a department responded with a status", department=self.name, reason=describe(error))
        return to_error(self.name, error)

    def _on_fault(self, error: Exception) -> Deferred:
        """Log a fault of this program, or a response that it cannot read; the breaker stays as it is."""
        kind = type(error).__name__
        if self._is_time_to_log(kind):
            log.error("calling a department failed", department=self.name, exc_info=error)
        return Deferred(self.name, f"{kind}: {error}")

    def _on_no_response(self, reason: str) -> Unreachable:
        """Open the breaker, and fail the requests that wait for a batch."""
        if self.is_reachable:
            log.warning("a department cannot be reached", department=self.name, reason=reason)
        self.is_reachable = False
        for batches in self.batches.values():
            batches.abandon(self._unreachable())
        self.on_failure()
        return self._unreachable()

    def _is_time_to_log(self, kind: str) -> bool:
        now = asyncio.get_running_loop().time()
        if now < self._silent_until.get(kind, 0.0):
            return False
        self._silent_until[kind] = now + LOG_SECONDS
        return True

    def _unreachable(self) -> Unreachable:
        return Unreachable(f"{self.name} cannot be reached; it is still being tried")

    def _closed(self) -> MenuSnapshot:
        return MenuSnapshot(self.name, False, self._last_menu.titles, [])


def _do_nothing() -> None:
    """Ignore a failure, as the default of `on_failure`."""
