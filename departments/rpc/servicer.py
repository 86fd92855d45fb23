"""The floor: DepartmentService, a few lines for each RPC."""

from collections.abc import AsyncIterator
from pathlib import Path

import structlog
from grpclib.const import Status
from grpclib.exceptions import GRPCError

from departments.app import DepartmentApp
from departments.rpc import convert
from departments.rpc.limits import Limits
from departments.rpc.status import to_status
from departments.transactions import TicketOrUnreadable
from generated.restaurant import v1
from infra.pipeline import pipelined

DESCRIPTORS = Path(__file__).parents[2] / "generated" / "descriptors.binpb"
"""The descriptors of all protos, for the server's reflection service."""

BATCHES_AT_ONCE = 16
"""How many batches of one stream may wait for their answers: as many as may go into one transaction."""

log = structlog.get_logger("floor")


class DepartmentServicer(v1.DepartmentServiceBase):
    """Answers the gateway, and the staff's programs."""

    def __init__(self, department: DepartmentApp, limits: Limits) -> None:
        """Serve one department."""
        self._department = department
        self._limits = limits

    async def get_menu(self, get_menu_request: v1.GetMenuRequest) -> v1.GetMenuResponse:  # noqa: ARG002 - it is empty
        """Answer the menu with its stock."""
        return convert.menu(self._department.menu, await self._department.shelves())

    async def place_orders(self, place_orders_request: v1.PlaceOrdersRequest) -> v1.PlaceOrdersResponse:
        """Place a batch of orders."""
        return convert.placed(await self._place(place_orders_request))

    async def stream_orders(
        self, stream_orders_request_iterator: AsyncIterator[v1.StreamOrdersRequest]
    ) -> AsyncIterator[v1.StreamOrdersResponse]:
        """Place batches as they come; the answer to one may overtake another's."""
        async for answer in pipelined(stream_orders_request_iterator, self._answer, BATCHES_AT_ONCE):
            yield answer

    async def place_batch(self, batch: v1.StreamOrdersRequest) -> v1.StreamOrdersResponse:
        """Place one batch of a stream."""
        return convert.placed_on_stream(batch.number, await self._place(batch))

    async def _answer(self, batch: v1.StreamOrdersRequest) -> v1.StreamOrdersResponse:
        """Place a batch, or tell what is wrong with it."""
        try:
            return await self.place_batch(batch)
        except Exception as error:  # noqa: BLE001 - not swallowed: it is told, and logged where nobody foresaw it
            refusal = error if isinstance(error, GRPCError) else _status(error)
            return v1.StreamOrdersResponse(batch.number, refusal.status.value, refusal.message or "")

    async def confirm_orders(self, confirm_orders_request: v1.ConfirmOrdersRequest) -> v1.ConfirmOrdersResponse:
        """Queue what was held."""
        decisions = convert.decisions(confirm_orders_request, self._limits)
        return v1.ConfirmOrdersResponse(convert.ticket_batch(await self._department.confirm(decisions)))

    async def suspend_orders(self, suspend_orders_request: v1.SuspendOrdersRequest) -> v1.SuspendOrdersResponse:
        """Hold what was queued."""
        decisions = convert.decisions(suspend_orders_request, self._limits)
        return v1.SuspendOrdersResponse(convert.ticket_batch(await self._department.suspend(decisions)))

    async def cancel_orders(self, cancel_orders_request: v1.CancelOrdersRequest) -> v1.CancelOrdersResponse:
        """Take orders back."""
        ids = convert.order_ids(cancel_orders_request.order_ids, self._limits)
        return v1.CancelOrdersResponse(convert.ticket_batch(await self._department.cancel(ids)))

    async def list_tickets(self, list_tickets_request: v1.ListTicketsRequest) -> v1.ListTicketsResponse:
        """List tickets for the staff."""
        most = self._limits.tickets_per_page
        limit = min(list_tickets_request.limit or most, most)
        position, states = convert.position(list_tickets_request), convert.states(list_tickets_request)
        return convert.page(await self._department.changes(position, states, limit))

    async def move_ticket(self, move_ticket_request: v1.MoveTicketRequest) -> v1.MoveTicketResponse:
        """Take a step with a ticket."""
        move = convert.move(move_ticket_request, self._limits)
        return v1.MoveTicketResponse(convert.ticket(await self._department.move(move)))

    async def _place(self, batch: v1.PlaceOrdersRequest | v1.StreamOrdersRequest) -> list[TicketOrUnreadable]:
        return await self._department.place(convert.placements(batch, self._limits))


def _status(error: Exception) -> GRPCError:
    """Translate what one batch of a stream met with; what a call of its own would end with is the same."""
    status = to_status(error)
    if status is None:
        log.error("a batch failed", exc_info=error)
        return GRPCError(Status.INTERNAL, "a fault in this server; it has been logged")
    return status
