"""DepartmentService: each RPC decodes its request, calls one use case and encodes the response."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

import structlog
from grpclib.const import Status
from grpclib.exceptions import GRPCError

from departments.app import DepartmentApp
from departments.rpc import convert, convert_changes, convert_staff, convert_traces
from departments.rpc.convert_traces import O
from departments.rpc.limits import Limits
from departments.rpc.status import to_status
from departments.traces import Traced
from departments.transactions import TicketOrError
from departments.watching import Watching
from generated.restaurant import v1
from infra.pipeline import pipelined
from infra.tracing.spans import Tracer, recorded

DESCRIPTORS = Path(__file__).parents[2] / "generated" / "descriptors.binpb"
"""The descriptors of all protos, for the server's reflection service."""

WATCH_CHANGES = "/restaurant.v1.DepartmentService/WatchChanges"
"""A call that is cut where its caller does not read: it can be made again from the caller's position."""

BATCHES_AT_ONCE = 16
"""How many batches of one stream are processed at the same time: as many as one transaction takes."""

log = structlog.get_logger("department")


class DepartmentServicer(v1.DepartmentServiceBase):
    """Serves one department to the gateway and to the staff's programs."""

    def __init__(self, department: DepartmentApp, limits: Limits, tracer: Tracer | None = None) -> None:
        """`limits` apply to every request. `tracer` records batches with orders that the gateway sampled."""
        self._department = department
        self._limits = limits
        self._tracer = tracer
        commits = department.commits
        self.watching = Watching(department.change_reader, commits.all, commits.steps, convert_changes.encoded_page)

    async def get_menu(self, get_menu_request: v1.GetMenuRequest) -> v1.GetMenuResponse:  # noqa: ARG002 - it is empty
        """Return the menu with the stock of its items."""
        return convert.menu_response(self._department.menu, await self._department.stock_levels())

    async def place_orders(self, place_orders_request: v1.PlaceOrdersRequest) -> v1.PlaceOrdersResponse:
        """Place a batch of orders."""
        return convert.place_response(await self._place(place_orders_request))

    async def stream_orders(
        self, stream_orders_request_iterator: AsyncIterator[v1.StreamOrdersRequest]
    ) -> AsyncIterator[v1.StreamOrdersResponse]:
        """Place batches as they arrive; the responses may come in another order."""
        async with aclosing(pipelined(stream_orders_request_iterator, self._respond, BATCHES_AT_ONCE)) as responses:
            async for response in responses:
                yield response

    async def place_batch(self, batch: v1.StreamOrdersRequest) -> v1.StreamOrdersResponse:
        """Place one batch of a stream."""
        return convert.stream_response(batch.number, await self._place(batch))

    async def _respond(self, batch: v1.StreamOrdersRequest) -> v1.StreamOrdersResponse:
        """Place a batch; an error becomes the status of its response, and does not end the stream."""
        try:
            return await self.place_batch(batch)
        except Exception as error:  # noqa: BLE001 - not swallowed: the response reports it, and a fault is logged
            refusal = error if isinstance(error, GRPCError) else _status(error)
            return v1.StreamOrdersResponse(batch.number, refusal.status.value, refusal.message or "")

    async def confirm_orders(self, confirm_orders_request: v1.ConfirmOrdersRequest) -> v1.ConfirmOrdersResponse:
        """Queue the tickets that are held."""
        decisions = convert.decisions(confirm_orders_request, self._limits)
        tickets = await self._serve("confirm", confirm_orders_request, decisions, self._department.confirm)
        return v1.ConfirmOrdersResponse(convert.ticket_batch(tickets))

    async def suspend_orders(self, suspend_orders_request: v1.SuspendOrdersRequest) -> v1.SuspendOrdersResponse:
        """Hold the tickets that are queued."""
        decisions = convert.decisions(suspend_orders_request, self._limits)
        tickets = await self._serve("suspend", suspend_orders_request, decisions, self._department.suspend)
        return v1.SuspendOrdersResponse(convert.ticket_batch(tickets))

    async def cancel_orders(self, cancel_orders_request: v1.CancelOrdersRequest) -> v1.CancelOrdersResponse:
        """Cancel the tickets that are not started."""
        decisions = convert.cancels(cancel_orders_request, self._limits)
        tickets = await self._serve("cancel", cancel_orders_request, decisions, self._department.cancel)
        return v1.CancelOrdersResponse(convert.ticket_batch(tickets))

    async def list_tickets(self, list_tickets_request: v1.ListTicketsRequest) -> v1.ListTicketsResponse:
        """Return a page of tickets for the staff."""
        most = self._limits.tickets_per_page
        limit = min(list_tickets_request.limit or most, most)
        position, states = convert.position(list_tickets_request), convert.states(list_tickets_request)
        return convert.list_response(await self._department.changes(position, states, limit))

    async def move_ticket(self, move_ticket_request: v1.MoveTicketRequest) -> v1.MoveTicketResponse:
        """Take one step with one ticket for the staff."""
        move = convert_staff.move(move_ticket_request, self._limits)
        return v1.MoveTicketResponse(convert.ticket_message(await self._department.move(move)))

    async def watch_changes(
        self, watch_changes_request_iterator: AsyncIterator[v1.WatchChangesRequest]
    ) -> AsyncIterator[v1.WatchChangesResponse]:
        """Send the changes after the first request's position, until the caller ends its side; more are ignored."""
        request = await anext(watch_changes_request_iterator, None)
        if request is None:
            return
        watcher = convert_changes.watcher(request)

        async def take_requests() -> None:
            async for _ in watch_changes_request_iterator:
                pass

        requests = asyncio.get_running_loop().create_task(take_requests())
        requests.add_done_callback(lambda _: watcher.end())
        try:
            async with aclosing(self.watching.watch(watcher, moved_only=request.moved_only)) as pages:
                async for page in pages:
                    yield page
            await requests
        finally:
            requests.cancel()

    async def move_tickets(self, move_tickets_request: v1.MoveTicketsRequest) -> v1.MoveTicketsResponse:
        """Take one step with each of several tickets for the staff."""
        moves = convert_staff.moves(move_tickets_request, self._limits)
        return convert_staff.moves_response(await self._department.move_all(moves))

    async def tick_line(self, tick_line_request: v1.TickLineRequest) -> v1.TickLineResponse:
        """Mark one line of a ticket as made or not made."""
        tick = convert_staff.tick(tick_line_request, self._limits)
        return v1.TickLineResponse(convert.ticket_message(await self._department.tick(tick)))

    async def get_tickets(self, get_tickets_request: v1.GetTicketsRequest) -> v1.GetTicketsResponse:
        """Return the tickets of some orders."""
        ids = convert.order_ids(get_tickets_request.order_ids, self._limits)
        tickets, incarnation = await self._department.tickets_of(ids)
        return v1.GetTicketsResponse([convert.ticket_message(each) for each in tickets], incarnation)

    async def change_stock(self, change_stock_request: v1.ChangeStockRequest) -> v1.ChangeStockResponse:
        """Change an item's stock for the staff."""
        order = convert_staff.stock_order(change_stock_request, self._limits)
        return v1.ChangeStockResponse(convert_staff.stock_level(await self._department.change_stock(order)))

    async def list_stock_changes(
        self, list_stock_changes_request: v1.ListStockChangesRequest
    ) -> v1.ListStockChangesResponse:
        """Return a page of the stock's changes for the staff."""
        page = convert_staff.history(list_stock_changes_request, self._limits)
        return convert_staff.history_response(await self._department.stock_history(*page))

    async def set_on_sale(self, set_on_sale_request: v1.SetOnSaleRequest) -> v1.SetOnSaleResponse:
        """Take an item off sale for the staff, or put it back."""
        item, changed_by = convert_staff.sale(set_on_sale_request, self._limits)
        on_sale = set_on_sale_request.on_sale
        stock = await self._department.set_on_sale(item, changed_by, on_sale=on_sale)
        return v1.SetOnSaleResponse(convert_staff.stock_level(stock))

    def _place(self, batch: v1.PlaceOrdersRequest | v1.StreamOrdersRequest) -> Awaitable[list[TicketOrError]]:
        return self._serve("place", batch, convert.placements(batch, self._limits), self._department.place)

    def _serve(
        self,
        name: str,
        request: convert_traces.Batch,
        orders: Sequence[O],
        use_case: Callable[[Sequence[O]], Coroutine[Any, Any, list[TicketOrError]]],
    ) -> Awaitable[list[TicketOrError]]:
        """Call a use case with the orders of a batch, with a span where some of them are sampled."""
        if self._tracer is not None and request.trace:
            traced = convert_traces.traced_batch(self._tracer, name, request, orders)
            if traced is not None:
                return _serve_traced(traced, use_case)
        return use_case(orders)


async def _serve_traced(
    orders: Traced[O], use_case: Callable[[Sequence[O]], Awaitable[list[TicketOrError]]]
) -> list[TicketOrError]:
    with recorded(orders.span):
        return await use_case(orders)


def _status(error: Exception) -> GRPCError:
    """Return the status for an error of one batch: the same as a call with this batch would end with."""
    status = to_status(error)
    if status is None:
        log.error("a batch failed", exc_info=error)
        return GRPCError(Status.INTERNAL, "a fault in this server; it has been logged")
    return status
