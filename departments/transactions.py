"""The desk: what a department does, one plain transaction function for each use case.

Each runs in one transaction, with a number of statements that does not depend on the size of its batch (of which SQLite
takes at most 64 rows at a time).
"""

import uuid
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from departments import tables
from departments.domain.errors import (
    DepartmentError,
    OrderIdTaken,
    OrderNotFound,
    StepConflict,
    StepIdTaken,
    TicketUnreadable,
)
from departments.domain.menu import Menu
from departments.domain.placing import Placement, answer, tombstone
from departments.domain.positions import Page, Position
from departments.domain.steps import Move, Step, as_after, take
from departments.domain.stock import Stock
from departments.domain.tickets import NOT_STARTED, TAKEN, Decision, Ticket, TicketState, Verb
from infra.db.database import statements_only

TicketOrUnreadable = Ticket | DepartmentError
"""What one order of a batch gets: its ticket, or why it was refused whole."""


@dataclass(frozen=True, slots=True)
class StockLevels:
    """The stock of every item on the menu, and the department's revision and incarnation when it was read."""

    stock: dict[str, Stock]
    revision: int
    incarnation: str = ""


@dataclass(frozen=True, slots=True)
class StockByTickets:
    """What the stock's figures say, and beside it what the tickets say, by item, as of one moment.

    `unreadable`: the tickets that are not counted.
    """

    stock: dict[str, Stock]
    held: Counter[str]
    sold: Counter[str]
    wasted: Counter[str]
    unreadable: list[TicketUnreadable]


def open_department(connection: Connection, menu: Menu) -> None:
    """Lay in the opening stock of every item that was never seen before; what was seen is never refilled."""
    first = tables.reserve_revisions(connection, 1)
    known = tables.read_stock(connection)
    new = [Stock(item.id, item.stock, item.stock, 0, 0) for item in menu.items.values() if item.id not in known]
    tables.insert_stock(connection, new, first)


@statements_only
def place(connection: Connection, menu: Menu, placements: Sequence[Placement], now_ms: int) -> list[TicketOrUnreadable]:
    """Answer a batch of orders, each at most once: one that is known gets the answer that is on record."""
    order_ids = {placement.order_id for placement in placements}
    revision, tickets, stock = tables.open_batch(connection, order_ids, len(placements))
    new: list[Ticket] = []
    answers: list[TicketOrUnreadable] = []
    for number, placement in enumerate(placements):
        ticket = tickets.get(placement.order_id)
        if ticket is None:
            ticket = answer(placement, menu, stock, now_ms)
            ticket.revision = revision + number
            tickets[placement.order_id] = ticket
            new.append(ticket)
        is_known = isinstance(ticket, TicketUnreadable) or placement.matches(ticket)
        answers.append(ticket if is_known else OrderIdTaken(placement.order_id))
    tables.insert_tickets(connection, new)
    taken = dict.fromkeys(line.item for ticket in new for line in ticket.accepted())
    tables.update_stock(connection, [stock[item] for item in taken], revision + len(placements) - 1)
    return answers


def confirm(connection: Connection, decisions: Sequence[Decision], now_ms: int) -> list[TicketOrUnreadable]:
    """Queue the tickets that are held; the others stay as they are."""
    return _settle(connection, decisions, Verb.CONFIRM, now_ms)


def suspend(connection: Connection, decisions: Sequence[Decision], now_ms: int) -> list[TicketOrUnreadable]:
    """Hold the tickets that are queued, so that nobody starts them; the others stay as they are."""
    return _settle(connection, decisions, Verb.SUSPEND, now_ms)


def cancel(connection: Connection, order_ids: Sequence[str], now_ms: int) -> list[TicketOrUnreadable]:
    """Take back what has not been started; leave a tombstone for what was never heard of."""
    revision = tables.reserve_revisions(connection, len(order_ids))
    tickets = tables.read_tickets(connection, order_ids)
    not_started = [t for t in tickets.values() if isinstance(t, Ticket) and t.state in NOT_STARTED]
    _settle_all(connection, not_started, Verb.CANCEL, revision, len(order_ids))
    _bury_unknown(connection, order_ids, tickets, revision, now_ms)
    return [tickets[order_id] for order_id in order_ids]


def move(connection: Connection, move: Move, now_ms: int) -> Ticket:
    """Take one step with one ticket for the staff; a step that was taken before returns what it returned then.

    Raises OrderNotFound, StepConflict, StepNotAllowed, StepIdTaken, TicketUnreadable.
    """
    revision = tables.reserve_revisions(connection, 1)
    ticket = tables.read_tickets(connection, [move.order_id]).get(move.order_id)
    if ticket is None:
        raise OrderNotFound(move.order_id)
    if isinstance(ticket, TicketUnreadable):
        raise ticket
    taken = tables.read_step(connection, move.order_id, move.step_id)
    if taken is not None:
        if not taken.repeats(move):
            raise StepIdTaken(move.order_id, move.step_id, taken.verb, taken.before)
        return as_after(ticket, taken)
    if ticket.state is not move.expected:
        raise _conflict(connection, ticket, move)
    step = take(ticket, move, now_ms, revision)
    tables.record_step(connection, ticket, step)
    if step.verb is Verb.CANCEL:
        _take_out_of_sold(connection, ticket, step)
    return ticket


def changes(connection: Connection, position: Position, states: Collection[TicketState], limit: int) -> Page:
    """Read the page of tickets that follows a position; where that is void, the first page of a snapshot."""
    current, incarnation = tables.position(connection)
    reset = position.is_void(incarnation, current)
    if reset:
        position = Position()
    snapshot = (position.snapshot or current) if position.is_in_snapshot else 0
    until = snapshot or current
    rows = tables.changed_tickets(connection, position.after, until, states, limit + 1)
    page, more = rows[:limit], len(rows) > limit
    return Page(
        [row for row in page if isinstance(row, Ticket)],
        page[-1].revision if more else until,
        incarnation,
        reset,
        snapshot if more else 0,
        tuple(row for row in page if isinstance(row, TicketUnreadable)),
    )


def shelves(connection: Connection) -> StockLevels:
    """Read the stock as it is at this moment; what changes while it is read is later than the revision that is told."""
    revision, incarnation = tables.position(connection)
    return StockLevels(tables.read_stock(connection), revision, incarnation)


def renew_incarnation(connection: Connection) -> None:
    """Give the database a new name, after a backup was restored: positions from before are void."""
    tables.renew_incarnation(connection, uuid.uuid4().hex)


def takings(connection: Connection) -> StockByTickets:
    """Add up all tickets, to compare them with the stock."""
    held, sold, wasted = Counter[str](), Counter[str](), Counter[str]()
    unreadable = []
    for ticket in tables.every_ticket(connection):
        if isinstance(ticket, TicketUnreadable):
            unreadable.append(ticket)
        elif _takes_stock(ticket):
            total = held if ticket.state is TicketState.HELD else wasted if ticket.wasted else sold
            for line in ticket.accepted():
                total[line.item] += line.quantity
    return StockByTickets(tables.read_stock(connection), held, sold, wasted, unreadable)


def beyond_stock(connection: Connection, item: str, received: int) -> list[str]:
    """List the orders that took more of an item than was ever received, oldest first."""
    beyond = []
    for ticket in tables.every_ticket(connection, by_age=True):
        if isinstance(ticket, Ticket) and _takes_stock(ticket):
            quantity = sum(line.quantity for line in ticket.accepted() if line.item == item)
            received -= quantity
            if quantity and received < 0:
                beyond.append(ticket.order_id)
    return beyond


def touch(connection: Connection) -> None:
    """Write something that means nothing: it shows that the database can be written."""
    tables.beat(connection)


def _settle(connection: Connection, decisions: Sequence[Decision], verb: Verb, now_ms: int) -> list[TicketOrUnreadable]:
    """Carry out what was decided, but nothing that a later decision has overtaken.

    Leave a tombstone for what was never heard of: whoever decides has given up placing it.
    """
    order_ids = [decision.order_id for decision in decisions]
    revision = tables.reserve_revisions(connection, len(decisions))
    tickets = tables.read_tickets(connection, order_ids)
    heard: dict[str, Ticket] = {}
    for decision in decisions:
        ticket = tickets.get(decision.order_id)
        if isinstance(ticket, Ticket) and ticket.hear(decision):
            heard[decision.order_id] = ticket
    moving = [ticket for ticket in heard.values() if ticket.allows(verb)]
    staying = [ticket for ticket in heard.values() if not ticket.allows(verb)]
    _settle_all(connection, moving, verb, revision, len(decisions), staying)
    _bury_unknown(connection, order_ids, tickets, revision, now_ms)
    return [tickets[order_id] for order_id in order_ids]


def _bury_unknown(
    connection: Connection,
    order_ids: Sequence[str],
    tickets: dict[str, Ticket | TicketUnreadable],
    revision: int,
    now_ms: int,
) -> None:
    """Leave tombstones for the orders that have no ticket, with the revisions that are left."""
    unknown = [tombstone(order_id, now_ms) for order_id in dict.fromkeys(order_ids) if order_id not in tickets]
    for number, ticket in enumerate(unknown, start=len(tickets)):
        ticket.revision = revision + number
        tickets[ticket.order_id] = ticket
    tables.insert_tickets(connection, unknown)


def _settle_all(
    connection: Connection,
    tickets: Sequence[Ticket],
    verb: Verb,
    revision: int,
    reserved: int,
    staying: Sequence[Ticket] = (),
) -> None:
    """Take the gateway's step with every ticket, and move their stock with it.

    The revisions from `revision` on are reserved for it. `staying` is written in the same statement as the tickets.
    """
    stock = tables.read_stock(connection) if tickets else {}
    changed: dict[str, Stock] = {}
    for number, ticket in enumerate(tickets):
        held = ticket.state is TicketState.HELD
        ticket.step(verb)
        ticket.revision = revision + number
        for line in ticket.accepted():
            shelf = changed[line.item] = stock[line.item]
            if verb is Verb.CONFIRM:
                shelf.confirm(line.quantity)
            elif verb is Verb.SUSPEND:
                shelf.suspend(line.quantity)
            else:
                shelf.put_back(line.quantity, held=held)
    tables.update_tickets(connection, [*tickets, *staying])
    tables.update_stock(connection, list(changed.values()), revision + reserved - 1)


def _take_out_of_sold(connection: Connection, ticket: Ticket, step: Step) -> None:
    """Put back what a cancelled ticket took from stock, or, where the ticket had been started, write it off."""
    stock = tables.read_stock(connection)
    lines = ticket.accepted()
    for line in lines:
        if step.wastes:
            stock[line.item].waste(line.quantity)
        else:
            stock[line.item].put_back(line.quantity, held=False)
    changed = dict.fromkeys(line.item for line in lines)
    tables.update_stock(connection, [stock[item] for item in changed], step.revision)


def _takes_stock(ticket: Ticket) -> bool:
    return ticket.state is TicketState.HELD or ticket.state in TAKEN or ticket.wasted


def _conflict(connection: Connection, ticket: Ticket, move: Move) -> StepConflict:
    """Say who moved the ticket: the staff, where its last change is their last step, or else the gateway."""
    by_staff = tables.last_moved(connection, ticket.order_id) == ticket.revision
    who, when = (ticket.moved_by, ticket.moved_at_ms) if by_staff else ("", 0)
    return StepConflict(ticket.order_id, ticket.state, move.expected, who, when)
