"""A department as its staff use it, in memory: what is done shows in its watch."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from gateway.domain.lines import Outcome, TicketState
from gateway.domain.staff import (
    ChangeReason,
    Move,
    MoveResult,
    RecordedReason,
    StockChange,
    StockHistory,
    StockOrder,
    Verb,
)
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
from tests.support.fake_watches import FakeWatch, live_stock
from tests.support.orders import NOON_MS

AFTER = {
    (TicketState.QUEUED, Verb.START): TicketState.PREPARING,
    (TicketState.PREPARING, Verb.FINISH): TicketState.READY,
    (TicketState.READY, Verb.SERVE): TicketState.SERVED,
    (TicketState.PREPARING, Verb.RECALL): TicketState.QUEUED,
    (TicketState.QUEUED, Verb.CANCEL): TicketState.CANCELLED,
}


class FakeStaffDepartment:
    """It has what `StaffDepartment` asks for, over the tickets and the stock of a FakeWatch."""

    def __init__(self, watch: FakeWatch) -> None:
        self.name = watch.name
        self.watch = watch
        self.steps: dict[str, tuple[Move, LiveTicket]] = {}
        self.changes: list[StockChange] = []
        self.orders: dict[str, StockOrder] = {}

    async def move(self, move: Move) -> LiveTicket:
        (result,) = await self.move_all([move])
        if result.ticket is None:
            raise result.error or AssertionError("there is neither a ticket nor an error")
        return result.ticket

    async def move_all(self, moves: Sequence[Move]) -> list[MoveResult]:
        self._check_way()
        results = []
        for move in moves:
            try:
                results.append(MoveResult(self._take(move)))
            except StaffError as error:
                results.append(MoveResult(error=error))
        return results

    async def tick(self, order_id: str, line: int, *, made: bool, moved_by: str = "") -> LiveTicket:
        self._check_way()
        ticket = self._ticket(order_id)
        if line >= len(ticket.lines):
            raise LineNotFound(ticket, line)
        if ticket.state is TicketState.SERVED:
            raise StepRefused(f"ticket {order_id} is served", order_id, ticket)
        lines = [replace(each, made=made) if at == line else each for at, each in enumerate(ticket.lines)]
        return self.watch.change(order_id, ticket.state, lines=lines)

    async def find(self, order_id: str) -> LiveTicket:
        self._check_way()
        return self._ticket(order_id)

    async def change_stock(self, order: StockOrder) -> LiveStock:
        self._check_way()
        stock = self._stock(order.item)
        made = self.orders.get(order.change_id)
        if made is not None:
            if made != order:
                raise ChangeIdTaken(f"change {order.change_id} was another one", stock, next(iter(self.changes), None))
            return stock
        if order.reason is ChangeReason.COUNT and stock.on_hand != order.expected:
            last = next(iter(self.changes), None)
            raise StockRefused(f"{order.item} has {stock.on_hand} on hand, not {order.expected}", stock, last)
        delta = order.count - order.expected if order.reason is ChangeReason.COUNT else order.delta
        self.orders[order.change_id] = order
        self.watch.set_stock(order.item, stock.on_hand + delta)
        reason = RecordedReason(order.reason)
        change = StockChange(
            self.name,
            order.item,
            order.change_id,
            reason,
            delta,
            stock.on_hand + delta,
            order.changed_by,
            NOON_MS,
            self.watch.revision,
        )
        self.changes.insert(0, change)
        return self._stock(order.item)

    async def set_on_sale(self, item: str, *, on_sale: bool, changed_by: str = "") -> LiveStock:
        self._check_way()
        self.watch.stock[item] = replace(self._stock(item), on_sale=on_sale)
        return self.watch.stock[item]

    async def stock_changes(self, item: str, before: int, limit: int) -> StockHistory:
        self._check_way()
        self._stock(item)
        found = [each for each in self.changes if each.item == item and (not before or each.revision < before)]
        return StockHistory(found[:limit], found[limit - 1].revision if len(found) > limit else 0)

    def stock(self, item: str, on_hand: int) -> None:
        """Have an item on hand."""
        self.watch.revision += 1
        self.watch.stock[item] = live_stock(item, on_hand, self.watch.revision, self.name)

    def _take(self, move: Move) -> LiveTicket:
        ticket = self._ticket(move.order_id)
        if move.step_id in self.steps:
            taken, then = self.steps[move.step_id]
            if replace(taken, moved_by="", reason="") != replace(move, moved_by="", reason=""):
                raise StepIdTaken(f"step {move.step_id} was another one", move.order_id, ticket)
            return then
        after = AFTER.get((ticket.state, move.verb))
        if ticket.state is not move.expected or after is None:
            who = f"; {ticket.moved_by} moved it" if ticket.moved_by else ""
            message = f"ticket {move.order_id} is {ticket.state}, not {move.expected}{who}"
            raise StepRefused(message, move.order_id, ticket)
        fields: dict[str, Any] = {"moved_by": move.moved_by, "moved_at_ms": NOON_MS}
        if move.line is None:
            moved = self.watch.change(move.order_id, after, cancel_reason=move.reason, **fields)
        else:
            moved = self._cancel_line(ticket, move.line, move.reason, fields)
        self.steps[move.step_id] = move, moved
        return moved

    def _cancel_line(self, ticket: LiveTicket, line: int, reason: str, fields: dict[str, Any]) -> LiveTicket:
        """Cancel a line; the last accepted one takes the ticket with it."""
        if line >= len(ticket.lines):
            raise LineNotFound(ticket, line)
        accepted = [place for place, each in enumerate(ticket.lines) if each.outcome is Outcome.ACCEPTED]
        if line not in accepted:
            outcome = ticket.lines[line].outcome
            message = f"line {line} of ticket {ticket.order_id} is {outcome}: only an accepted line can be cancelled"
            raise StepRefused(message, ticket.order_id, ticket)
        if accepted == [line]:
            fields |= {"cancel_reason": reason, "lines": ticket.lines}
            return self.watch.change(ticket.order_id, TicketState.CANCELLED, **fields)
        lines = list(ticket.lines)
        lines[line] = replace(lines[line], outcome=Outcome.CANCELLED, cancel_reason=reason)
        return self.watch.change(ticket.order_id, ticket.state, lines=lines, **fields)

    def _ticket(self, order_id: str) -> LiveTicket:
        if order_id not in self.watch.tickets:
            raise TicketNotFound(self.name, order_id)
        return self.watch.tickets[order_id]

    def _stock(self, item: str) -> LiveStock:
        if item not in self.watch.stock:
            raise ItemNotFound(self.name, item, self.watch.stock)
        return self.watch.stock[item]

    def _check_way(self) -> None:
        if self.watch.is_away:
            raise DepartmentAway(self.name, "it is away")
