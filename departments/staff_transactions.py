"""The transactions of the staff: steps, ticks, and changes of the stock, each inside the caller's transaction."""

import uuid
from collections.abc import Sequence

from sqlalchemy import Connection

from departments import step_tables, stock_tables, tables
from departments.domain import stock_changes
from departments.domain.errors import (
    ChangeIdTaken,
    ItemNotFound,
    OrderError,
    OrderNotFound,
    StepConflict,
    StepIdTaken,
    TicketUnreadable,
)
from departments.domain.steps import Move, Moved, Step, Tick, take_step, ticket_after
from departments.domain.stock import Stock
from departments.domain.stock_changes import StockHistory, StockOrder
from departments.domain.tickets import STARTED, Ticket, TicketLine, TicketState
from departments.rows import TicketOrUnreadable


def move(connection: Connection, move: Move, now_ms: int) -> Ticket:
    """Take one step with one ticket for the staff, and return the ticket; a repeated request returns what it did then.

    Raises OrderNotFound, StepConflict, StepNotAllowed, StepIdTaken, LineNotFound, LineNotCancellable, TicketUnreadable.
    """
    revision = tables.reserve_revisions(connection, 1)
    ticket = tables.read_tickets(connection, [move.order_id]).get(move.order_id)
    return _take(connection, ticket, move, now_ms, revision)


def move_all(connection: Connection, moves: Sequence[Move], now_ms: int) -> list[Moved]:
    """Take one step with each of several tickets; a step that is refused does not affect the others."""
    first = tables.reserve_revisions(connection, len(moves))
    tickets = tables.read_tickets(connection, [each.order_id for each in moves])
    results = []
    for revision, each in enumerate(moves, start=first):
        ticket = tickets.get(each.order_id)
        try:
            result = Moved(_take(connection, ticket, each, now_ms, revision))
        except OrderError as error:
            result = Moved(ticket if isinstance(ticket, Ticket) else None, error)
        results.append(result)
    return results


def tick(connection: Connection, tick: Tick) -> Ticket:
    """Mark a line of a ticket as made or not made, and return the ticket; a repeated request changes nothing.

    Raises OrderNotFound, LineNotFound, TickNotAllowed, TicketUnreadable.
    """
    revision = tables.reserve_revisions(connection, 1)
    ticket = _readable(tables.read_tickets(connection, [tick.order_id]).get(tick.order_id), tick.order_id)
    if ticket.tick(tick.line, made=tick.made):
        ticket.revision = revision
        step_tables.write_lines(connection, ticket)
    return ticket


def tickets_of(connection: Connection, order_ids: Sequence[str]) -> tuple[list[TicketOrUnreadable], str]:
    """Return the tickets of these orders, in their order, and the incarnation; unknown orders are left out."""
    _, incarnation = tables.position(connection)
    tickets = tables.read_tickets(connection, order_ids)
    return [tickets[order_id] for order_id in dict.fromkeys(order_ids) if order_id in tickets], incarnation


def change_stock(connection: Connection, order: StockOrder, now_ms: int) -> Stock:
    """Change an item's stock once for each change id, and return the stock as it is now.

    Raises ItemNotFound, ChangeIdTaken, StockConflict, StockTooLow, StockUnlimited.
    """
    revision = tables.reserve_revisions(connection, 1)
    stock = _stock_of(connection, order.item)
    made = stock_tables.read_change(connection, order.change_id)
    if made is None:
        change = stock_changes.change_stock(stock, order, now_ms, revision)
        stock_tables.write_stock(connection, stock)
        stock_tables.insert_changes(connection, [change])
    elif not made.repeats(order):
        raise ChangeIdTaken(made.item, made.change_id, made.reason, made.delta)
    return stock


def set_on_sale(connection: Connection, item: str, changed_by: str, now_ms: int, on_sale: bool) -> Stock:
    """Take an item off sale or put it back, and return its stock; raises ItemNotFound."""
    revision = tables.reserve_revisions(connection, 1)
    stock = _stock_of(connection, item)
    change = stock_changes.set_on_sale(stock, uuid.uuid4().hex, changed_by, now_ms, revision, on_sale=on_sale)
    if change is not None:
        stock_tables.write_stock(connection, stock)
        stock_tables.insert_changes(connection, [change])
    return stock


def stock_history(connection: Connection, item: str, before: int, limit: int) -> StockHistory:
    """Return a page of the changes of the stock below a revision, the newest first; of all items where `item` is ""."""
    changes = stock_tables.changes_before(connection, item, before, limit + 1)
    page = changes[:limit]
    return StockHistory(page, page[-1].revision if len(changes) > limit else 0)


def _take(connection: Connection, ticket: TicketOrUnreadable | None, move: Move, now_ms: int, revision: int) -> Ticket:
    """Take a step with a ticket, or raise the reason before anything is written."""
    ticket = _readable(ticket, move.order_id)
    taken = step_tables.read_step(connection, move.order_id, move.step_id)
    if taken is not None:
        if not taken.repeats(move):
            raise StepIdTaken(move.order_id, move.step_id, taken.verb, taken.before)
        return ticket_after(ticket, step_tables.steps_until(connection, move.order_id, taken.revision))
    if ticket.state is not move.expected:
        raise _conflict(connection, ticket, move)
    step = take_step(ticket, move, now_ms, revision)
    step_tables.record_step(connection, ticket, step)
    if cancelled := step.cancelled(ticket):
        _take_out_of_sold(connection, cancelled, step)
    return ticket


def _readable(ticket: TicketOrUnreadable | None, order_id: str) -> Ticket:
    if ticket is None:
        raise OrderNotFound(order_id)
    if isinstance(ticket, TicketUnreadable):
        raise ticket
    return ticket


def _stock_of(connection: Connection, item: str) -> Stock:
    stock = tables.read_stock(connection).get(item)
    if stock is None:
        raise ItemNotFound(item)
    return stock


def _take_out_of_sold(connection: Connection, lines: Sequence[TicketLine], step: Step) -> None:
    """Move lines that a step has cancelled from sold to on hand, or to wasted where their ticket had been started."""
    stock = tables.read_stock(connection)
    for line in lines:
        if step.wastes:
            stock[line.item].waste(line.quantity)
        else:
            stock[line.item].put_back(line.quantity, held=False)
    changed = dict.fromkeys(line.item for line in lines)
    tables.update_stock(connection, [stock[item] for item in changed], step.revision)


def _conflict(connection: Connection, ticket: Ticket, move: Move) -> StepConflict:
    """Return the error, which names who moved the ticket where its state is from a step of the staff."""
    who, when = (ticket.moved_by, ticket.moved_at_ms) if _moved_by_staff(connection, ticket) else ("", 0)
    return StepConflict(ticket.order_id, ticket.state, move.expected, who, when)


def _moved_by_staff(connection: Connection, ticket: Ticket) -> bool:
    """Return whether the ticket's state is from a step of the staff; the gateway, too, queues tickets and cancels them.

    Of a queued ticket that was ticked, or of which a line was cancelled, after the staff recalled it this is not known:
    that has a later revision.
    """
    if ticket.state is TicketState.QUEUED:
        return step_tables.last_moved(connection, ticket.order_id) == ticket.revision
    return ticket.withdrawn or ticket.state in STARTED
