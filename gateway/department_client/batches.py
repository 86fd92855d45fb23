"""Sends batches of orders to a department: one RPC for each goal, and a batch that is refused again in halves."""

import asyncio
from collections.abc import Awaitable

from grpclib.const import Status
from grpclib.exceptions import GRPCError

from gateway.department_client.convert import OrderColumns, TicketColumns, order_columns, ticket_results
from gateway.department_client.convert_traces import NO_TRACE, encoded_trace
from gateway.department_client.errors import Deferred, DepartmentCallError, IdTaken, Refused
from gateway.department_client.statuses import MAY_SPLIT, MEANINGS, Meaning
from gateway.department_client.stream import OrderStream, StreamRefused
from gateway.domain.lines import TicketResult
from gateway.domain.order import Order
from gateway.domain.transitions import Goal
from generated.restaurant import v1
from infra.request_ids import HEADER
from infra.tracing.spans import Kind, Span, Tracer, recorded

PendingCall = tuple[Order, int, str | None]
"""An order that waits for a batch; the epoch at which its goal was set, which may be older than the order's; and the id
of the REST request for which it is sent, or None. A plain tuple: a named one costs each of an order's calls 0.2 µs."""


class BatchSender:
    """Sends batches to one department. Every deadline (`due`) is a time of the event loop's clock."""

    def __init__(
        self, department: str, stub: v1.DepartmentServiceStub, stream: OrderStream, tracer: Tracer | None = None
    ) -> None:
        """Place orders on the stream, and make all other calls with the stub; `tracer` records what serves samples."""
        self._department = department
        self._stub = stub
        self._stream = stream
        self._tracer = tracer

    async def send_or_split(
        self, goal: Goal, calls: list[PendingCall], due: float
    ) -> "list[TicketResult | DepartmentCallError]":
        """Send a batch and return a result for each order. A batch that is refused is sent again in halves.

        An order that is refused alone has an error as its result. Raises GRPCError with a status that does not depend
        on the orders, and whatever a call raises that gets no response.
        """
        try:
            return [*await self.send(goal, calls, due)]
        except GRPCError as error:
            if MEANINGS[error.status] not in MAY_SPLIT:
                raise
            if len(calls) == 1:
                return [to_error(self._department, error)]
        half = len(calls) // 2
        return [
            *await self.send_or_split(goal, calls[:half], due),
            *await self.send_or_split(goal, calls[half:], due),
        ]

    def send(self, goal: Goal, calls: list[PendingCall], due: float) -> Awaitable[list[TicketResult]]:
        """Send a batch and return a ticket for each order; raises GRPCError where the batch is refused."""
        if self._tracer is not None:
            traced = [place for place, (order, _, _) in enumerate(calls) if order.span is not None]
            if traced:
                return self._send_traced(self._tracer, goal, calls, due, traced)
        return self._send(goal, calls, due, NO_TRACE)

    async def _send_traced(
        self, tracer: Tracer, goal: Goal, calls: list[PendingCall], due: float, traced: list[int]
    ) -> list[TicketResult]:
        """Send a batch with a span, which the department gets with those of the sampled orders, by their places."""
        served: list[Span] = [calls[place][0].span for place in traced]
        verb = Goal.PLACE.value if goal is Goal.HOLD else goal.value  # one RPC places and holds
        with recorded(tracer.begin_batch(f"{verb} {self._department}", Kind.CLIENT, served)) as span:
            span.attributes |= {
                "comanda.department": self._department,
                "comanda.goal": goal.value,
                "comanda.batch.size": len(calls),
            }
            return await self._send(goal, calls, due, encoded_trace(span, traced, served))

    async def _send(self, goal: Goal, calls: list[PendingCall], due: float, trace: bytes) -> list[TicketResult]:
        orders = [order for order, _, _ in calls]
        shares = [len(order.shares[self._department]) for order in orders]
        if goal is Goal.PLACE or goal is Goal.HOLD:
            columns = order_columns(self._department, goal, orders)
            return ticket_results(await self._place(columns, trace, due), shares)
        ids, epochs = [order.order_id for order in orders], [epoch for _, epoch, _ in calls]
        timeout = seconds_until(due)
        metadata = request_metadata({request_id for _, _, request_id in calls})
        if goal is Goal.CONFIRM:
            confirmed = await self._stub.confirm_orders(
                v1.ConfirmOrdersRequest(ids, epochs, trace), timeout=timeout, metadata=metadata
            )
            return ticket_results(confirmed.tickets, shares)
        if goal is Goal.SUSPEND:
            suspended = await self._stub.suspend_orders(
                v1.SuspendOrdersRequest(ids, epochs, trace), timeout=timeout, metadata=metadata
            )
            return ticket_results(suspended.tickets, shares)
        cancelled = await self._stub.cancel_orders(
            v1.CancelOrdersRequest(ids, epochs, trace), timeout=timeout, metadata=metadata
        )
        return ticket_results(cancelled.tickets, shares)

    def close(self) -> None:
        """Let the stream end as soon as no batch waits on it."""
        self._stream.drain()

    async def _place(self, columns: OrderColumns, trace: bytes, due: float) -> TicketColumns:
        """Place a batch on the stream, or, where the stream refuses it, in a call whose status concerns it alone."""
        try:
            response = await self._stream.place(v1.StreamOrdersRequest(**columns, trace=trace), due)
        except StreamRefused:
            request = v1.PlaceOrdersRequest(**columns, trace=trace)
            return await self._stub.place_orders(request, timeout=seconds_until(due))
        if response.status:
            raise GRPCError(Status(response.status), response.message)
        return response


def to_error(department: str, error: GRPCError) -> DepartmentCallError:
    """Return the error for a status of a department that responded."""
    if MEANINGS[error.status] is not Meaning.REFUSED:
        return Deferred(department, describe(error))
    kind = IdTaken if error.status is Status.ALREADY_EXISTS else Refused
    return kind(f"{department} refused it: {error.message}")


def describe(error: Exception) -> str:
    """Return an error's reason for the log: of a GRPCError its status and message."""
    if isinstance(error, GRPCError):
        return f"{error.status.name}: {error.message}"
    return str(error) or type(error).__name__


def request_metadata(request_ids: set[str | None]) -> dict[str, str] | None:
    """Return the metadata with the request id of a call, or None where the call serves several requests, or none."""
    request_id = next(iter(request_ids)) if len(request_ids) == 1 else None
    return {HEADER: request_id} if request_id else None


def seconds_until(due: float) -> float:
    """Return the seconds until a time of the event loop's clock."""
    return due - asyncio.get_running_loop().time()
