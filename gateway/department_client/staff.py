"""What the staff ask of one department: steps with tickets, ticks, changes of the stock.

Every request is safe to repeat, so a call without a response is made once more within its deadline. Every method raises
StaffError (staff_errors.py), and FieldNotAllowed for a value that the department does not allow.

| the department's error | raised here |
| --- | --- |
| OrderNotFound, LineNotFound, ItemNotFound | TicketNotFound, LineNotFound, ItemNotFound |
| StepConflict, StepNotAllowed, TickNotAllowed, LineNotCancellable | StepRefused, with the ticket as it is |
| StepIdTaken | StepIdTaken, with the ticket as it is |
| StockConflict, StockTooLow, StockUnlimited | StockRefused, with the stock as it is and its last change |
| ChangeIdTaken | ChangeIdTaken |
| InvalidRequest | FieldNotAllowed |
| no response, and every other status | DepartmentAway |
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import structlog
from grpclib.const import Status
from grpclib.exceptions import GRPCError

from gateway.department_client.batches import describe, request_metadata, seconds_until
from gateway.department_client.convert_staff import (
    error_reason,
    live_stock,
    live_ticket,
    menu_stock,
    move_request,
    stock_history,
    stock_request,
    wrong_field,
)
from gateway.department_client.statuses import MEANINGS, Meaning
from gateway.domain.errors import ABSENT, FieldNotAllowed
from gateway.domain.staff import Move, MoveResult, StockHistory, StockOrder
from gateway.domain.staff_errors import (
    ChangeIdTaken,
    DepartmentAway,
    ItemNotFound,
    LineNotFound,
    StaffError,
    StepIdTaken,
    StepRefused,
    StockRefused,
    TicketNotFound,
)
from gateway.domain.tickets import LiveStock, LiveTicket
from generated.restaurant import v1
from infra.grpc.peer_guard import WatchedChannel, is_transport_failure
from infra.request_ids import current_request_id

M = TypeVar("M")
R = TypeVar("R")
T = TypeVar("T")

Options = dict[str, Any]
"""The deadline and the metadata of a call."""

log = structlog.get_logger("departments")


class _Refusal(Exception):
    """The department refuses the request, with the error that is named `reason`."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class StaffClient:
    """Passes the staff's requests on to one department, which a gRPC channel reaches."""

    def __init__(self, name: str, channel: WatchedChannel, deadline: float = 2.0) -> None:
        """`deadline` is in seconds from the start of a request, with its retry."""
        self.name = name
        self._channel = channel
        self._stub = v1.DepartmentServiceStub(channel)
        self._deadline = deadline

    async def move(self, move: Move) -> LiveTicket:
        """Take one step with a ticket, and return the ticket after it."""
        (result,) = await self.move_all([move])
        if result.error is not None:
            raise result.error
        return _present(result.ticket)

    async def move_all(self, moves: Sequence[Move]) -> list[MoveResult]:
        """Take one step with each of up to 100 tickets; a step that is refused does not affect the others."""
        request = v1.MoveTicketsRequest([move_request(move) for move in moves])

        def read(response: v1.MoveTicketsResponse) -> list[MoveResult]:
            return [self._move_result(*each) for each in zip(moves, response.results, strict=True)]

        return await self._request(lambda options: self._stub.move_tickets(request, **options), read)

    async def tick(self, order_id: str, line: int, *, made: bool, moved_by: str = "") -> LiveTicket:
        """Mark a line of a ticket, by its place from 0, as made or not made, and return the ticket."""
        request = v1.TickLineRequest(order_id, line, made, moved_by)
        try:
            return await self._ask(
                lambda options: self._stub.tick_line(request, **options), lambda response: self._ticket(response.ticket)
            )
        except _Refusal as refusal:
            if refusal.reason == "OrderNotFound":
                raise TicketNotFound(self.name, order_id) from refusal
            ticket = await self.find(order_id)
            if refusal.reason == "LineNotFound":
                raise LineNotFound(ticket, line) from refusal
            raise StepRefused(str(refusal), order_id, ticket) from refusal

    async def find(self, order_id: str) -> LiveTicket:
        """Return the ticket of an order."""
        request = v1.GetTicketsRequest([order_id])
        tickets = await self._request(
            lambda options: self._stub.get_tickets(request, **options),
            lambda response: [self._ticket(each) for each in response.tickets],
        )
        if not tickets:
            raise TicketNotFound(self.name, order_id)
        return tickets[0]

    async def change_stock(self, order: StockOrder) -> LiveStock:
        """Change an item's stock once, and return it as it is now."""
        request = stock_request(order)
        try:
            return await self._ask(
                lambda options: self._stub.change_stock(request, **options),
                lambda response: self._stock(response.stock),
            )
        except _Refusal as refusal:
            raise await self._stock_error(order.item, refusal) from refusal

    async def set_on_sale(self, item: str, *, on_sale: bool, changed_by: str = "") -> LiveStock:
        """Take an item off sale or put it back, and return its stock."""
        request = v1.SetOnSaleRequest(item, on_sale, changed_by)
        try:
            return await self._ask(
                lambda options: self._stub.set_on_sale(request, **options), lambda response: self._stock(response.stock)
            )
        except _Refusal as refusal:
            raise await self._stock_error(item, refusal) from refusal

    async def stock_changes(self, item: str, before: int, limit: int) -> StockHistory:
        """Return a page of an item's changes below a revision (0: the newest), the newest first."""
        history = await self._history(item, before, limit)
        if not history.changes and not before:
            items = await self._items()
            if item not in items:
                raise ItemNotFound(self.name, item, items)
        return history

    async def _history(self, item: str, before: int, limit: int) -> StockHistory:
        request = v1.ListStockChangesRequest(item, before, limit)
        return await self._request(
            lambda options: self._stub.list_stock_changes(request, **options),
            lambda response: stock_history(self.name, response),
        )

    async def _items(self) -> dict[str, LiveStock]:
        return await self._request(
            lambda options: self._stub.get_menu(v1.GetMenuRequest(), **options),
            lambda response: menu_stock(self.name, response),
        )

    async def _stock_error(self, item: str, refusal: _Refusal) -> StaffError:
        """Return the error for a refusal of what was asked about an item, with its stock as it is."""
        items = await self._items()
        if refusal.reason == "ItemNotFound":
            return ItemNotFound(self.name, item, items)
        history = await self._history(item, 0, 1)
        kind = ChangeIdTaken if refusal.reason == "ChangeIdTaken" else StockRefused
        return kind(str(refusal), items.get(item), next(iter(history.changes), None))

    def _move_result(self, move: Move, result: v1.MoveResult) -> MoveResult:
        """Return what became of a step; raises ValueError where it cannot be read."""
        ticket = None if result.ticket is None else self._ticket(result.ticket)
        if not result.status:
            return MoveResult(_present(ticket))
        if result.reason == "OrderNotFound":
            return MoveResult(error=TicketNotFound(self.name, move.order_id))
        if result.reason == "LineNotFound" and move.line is not None:
            return MoveResult(error=LineNotFound(_present(ticket), move.line))
        if result.reason == "StepIdTaken":
            return MoveResult(error=StepIdTaken(result.message, move.order_id, ticket))
        if MEANINGS[Status(result.status)] is Meaning.REFUSED:
            return MoveResult(error=StepRefused(result.message, move.order_id, ticket))
        return MoveResult(error=DepartmentAway(self.name, result.message))

    def _ticket(self, ticket: v1.Ticket | None) -> LiveTicket:
        return live_ticket(self.name, _present(ticket))

    def _stock(self, stock: v1.StockLevel | None) -> LiveStock:
        return live_stock(self.name, _present(stock))

    async def _request(self, call: Callable[[Options], Awaitable[M]], read: Callable[[M], R]) -> R:
        """Make a call that no department refuses, and read its response; raises FieldNotAllowed, DepartmentAway."""
        try:
            return await self._ask(call, read)
        except _Refusal as refusal:
            raise DepartmentAway(self.name, str(refusal)) from refusal

    async def _ask(self, call: Callable[[Options], Awaitable[M]], read: Callable[[M], R]) -> R:
        """Make a call and read its response; raises _Refusal, FieldNotAllowed, DepartmentAway."""
        try:
            return read(await self._call(call))
        except GRPCError as error:
            if error.status is Status.INVALID_ARGUMENT:
                field, rule = wrong_field(error)
                raise FieldNotAllowed(field, ABSENT, rule, f"{field}: {rule}") from error
            if MEANINGS[error.status] is Meaning.REFUSED:
                raise _Refusal(error_reason(error), error.message or error.status.name) from error
            raise DepartmentAway(self.name, describe(error)) from error
        except Exception as error:
            if not is_transport_failure(error):
                log.error("a request of the staff failed", department=self.name, exc_info=error)
            raise DepartmentAway(self.name, describe(error)) from error

    async def _call(self, call: Callable[[Options], Awaitable[M]]) -> M:
        """Make a call, and once more where it gets no response and time is left."""
        due = asyncio.get_running_loop().time() + self._deadline
        metadata = request_metadata({current_request_id()})
        try:
            return await call({"timeout": seconds_until(due), "metadata": metadata})
        except GRPCError as error:
            if error.status is Status.UNAVAILABLE:
                self._channel.reconnect()  # perhaps to another replica
            if MEANINGS[error.status] is not Meaning.NO_RESPONSE or seconds_until(due) <= 0:
                raise
        except Exception as error:
            if isinstance(error, TimeoutError) or not is_transport_failure(error):
                raise
        return await call({"timeout": seconds_until(due), "metadata": metadata})


def _present(value: T | None) -> T:
    """Return what a response has to have; raises ValueError where it has not."""
    if value is None:
        raise ValueError("the response lacks what was asked for")
    return value
