"""The transactions of a department, except the staff's: one function for each use case, which runs inside the caller's.

The number of statements does not depend on the size of the batch, except that SQLite takes at most 64 rows a statement.
"""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from departments import stock_tables, tables
from departments.domain.errors import DepartmentError, OrderArchived, OrderIdTaken, TicketUnreadable
from departments.domain.menu import Menu
from departments.domain.placing import Placement, tombstone, write_ticket
from departments.domain.positions import Position, TicketPage
from departments.domain.stock import Stock
from departments.domain.stock_changes import StockChange, opening, set_unlimited
from departments.domain.tickets import Decision, Ticket, TicketState, Verb
from departments.rows import TicketOrUnreadable
from infra.db.database import statements_only

TicketOrError = Ticket | DepartmentError
"""The result for one order of a batch: its ticket, or OrderIdTaken, OrderArchived or TicketUnreadable."""


@dataclass(frozen=True, slots=True)
class StockLevels:
    """The stock by item, and the department's revision and incarnation when it was read."""

    stock: dict[str, Stock]
    revision: int
    incarnation: str = ""


def open_department(connection: Connection, menu: Menu, now_ms: int) -> None:
    """Bring the stock in line with a menu that was read.

    Each item that has no stock yet gets its opening stock. The others keep theirs, except that an item gets a figure,
    or loses it, where the menu says otherwise than before.
    """
    tables.insert_department(connection, uuid.uuid4().hex)
    revision = tables.reserve_revisions(connection, 1)
    known = tables.read_stock(connection)
    new: list[Stock] = []
    changes: list[StockChange] = []
    for item in menu.items.values():
        stock, change_id = known.get(item.id), uuid.uuid4().hex
        if changes:  # each change has a revision of its own: the history is read in pages by revision
            revision = tables.reserve_revisions(connection, 1)
        if stock is None:
            stock, change = opening(item.id, item.stock, change_id, now_ms, revision, unlimited=item.unlimited)
            new.append(stock)
        elif stock.unlimited is not item.unlimited:
            change = set_unlimited(stock, item.stock, change_id, now_ms, revision, unlimited=item.unlimited)
            stock_tables.write_stock(connection, stock)
        else:
            continue
        changes.append(change)
    tables.insert_stock(connection, new, revision)
    stock_tables.insert_changes(connection, changes)


@statements_only
def place(connection: Connection, menu: Menu, placements: Sequence[Placement], now_ms: int) -> list[TicketOrError]:
    """Place a batch of orders, each at most once, and return their tickets: a known order keeps the ticket it has."""
    order_ids = {placement.order_id for placement in placements}
    revision, tickets, stock, archived = tables.open_batch(connection, order_ids, len(placements))
    new: list[Ticket] = []
    results: list[TicketOrError] = []
    for number, placement in enumerate(placements):
        known = tickets.get(placement.order_id)
        if placement.order_id in archived:
            results.append(OrderArchived(placement.order_id))
        elif known is None:
            ticket = write_ticket(placement, menu, stock, now_ms)
            ticket.revision = revision + number
            tickets[placement.order_id] = ticket
            new.append(ticket)
            results.append(ticket)
        elif isinstance(known, TicketUnreadable) or placement.matches(known):
            results.append(known)
        else:
            results.append(OrderIdTaken(placement.order_id))
    tables.insert_tickets(connection, new)
    taken = dict.fromkeys(line.item for ticket in new for line in ticket.accepted())
    tables.update_stock(connection, [stock[item] for item in taken], revision + len(placements) - 1)
    return results


def confirm(connection: Connection, decisions: Sequence[Decision], now_ms: int) -> list[TicketOrError]:
    """Queue the tickets that are held, and return all tickets; the others keep their states."""
    return _apply_decisions(connection, decisions, Verb.CONFIRM, now_ms)


def suspend(connection: Connection, decisions: Sequence[Decision], now_ms: int) -> list[TicketOrError]:
    """Hold the tickets that are queued, so that the staff do not start them, and return all tickets."""
    return _apply_decisions(connection, decisions, Verb.SUSPEND, now_ms)


def cancel(connection: Connection, decisions: Sequence[Decision], now_ms: int) -> list[TicketOrError]:
    """Cancel the tickets that are not started, write a tombstone for each unknown order, and return all tickets.

    A cancel that a started ticket refuses is recorded by its epoch, so that a late copy of it is not carried out.
    """
    order_ids = [decision.order_id for decision in decisions]
    revision = tables.reserve_revisions(connection, len(decisions))
    tickets = tables.read_tickets(connection, order_ids)
    cancelled: dict[str, Ticket] = {}
    refused: dict[str, Ticket] = {}
    for decision in decisions:
        ticket = tickets.get(decision.order_id)
        if not isinstance(ticket, Ticket):
            continue
        if ticket.allows_cancel(decision):
            cancelled[decision.order_id] = ticket
        elif ticket.record_refused_cancel(decision):
            refused[decision.order_id] = ticket
    _step_all(connection, list(cancelled.values()), Verb.CANCEL, revision, len(decisions), now_ms, [*refused.values()])
    _insert_tombstones(connection, order_ids, tickets, revision, now_ms)
    return [tickets[order_id] for order_id in order_ids]


def changes(connection: Connection, position: Position, states: Collection[TicketState], limit: int) -> TicketPage:
    """Return the page of tickets that follows a position, or the first page of a snapshot if it is void."""
    current, incarnation = tables.position(connection)
    reset = position.is_void(incarnation, current)
    if reset:
        position = Position()
    snapshot = (position.snapshot or current) if position.is_in_snapshot else 0
    until = snapshot or current
    rows = tables.changed_tickets(connection, position.after, until, states, limit + 1)
    page, more = rows[:limit], len(rows) > limit
    return TicketPage(
        [row for row in page if isinstance(row, Ticket)],
        page[-1].revision if more else until,
        incarnation,
        reset,
        snapshot if more else 0,
        tuple(row for row in page if isinstance(row, TicketUnreadable)),
    )


def stock_levels(connection: Connection) -> StockLevels:
    """Return the stock; a change that is committed meanwhile has a revision later than the one returned."""
    revision, incarnation = tables.position(connection)
    return StockLevels(tables.read_stock(connection), revision, incarnation)


def renew_incarnations(connection: Connection) -> None:
    """Give each restaurant in the database a new incarnation, after a restore: positions from before it are void."""
    tables.renew_incarnations(connection, uuid.uuid4().hex)


def probe_writable(connection: Connection) -> None:
    """Write a value that nothing reads: it succeeds only where the database can be written."""
    tables.write_probe(connection)


def _apply_decisions(
    connection: Connection, decisions: Sequence[Decision], verb: Verb, now_ms: int
) -> list[TicketOrError]:
    """Take a step with every ticket that allows it, except where a later decision has been recorded.

    An unknown order gets a tombstone: a gateway that confirms or suspends it has given up placing it.
    """
    order_ids = [decision.order_id for decision in decisions]
    revision = tables.reserve_revisions(connection, len(decisions))
    tickets = tables.read_tickets(connection, order_ids)
    current: dict[str, Ticket] = {}
    for decision in decisions:
        ticket = tickets.get(decision.order_id)
        if isinstance(ticket, Ticket) and ticket.record_epoch(decision):
            current[decision.order_id] = ticket
    moving = [ticket for ticket in current.values() if ticket.allows(verb)]
    staying = [ticket for ticket in current.values() if not ticket.allows(verb)]
    _step_all(connection, moving, verb, revision, len(decisions), now_ms, staying)
    _insert_tombstones(connection, order_ids, tickets, revision, now_ms)
    return [tickets[order_id] for order_id in order_ids]


def _insert_tombstones(
    connection: Connection,
    order_ids: Sequence[str],
    tickets: dict[str, TicketOrUnreadable],
    revision: int,
    now_ms: int,
) -> None:
    """Write a tombstone for each order without a ticket, and add it to `tickets`.

    The tickets that exist may have used the first of the reserved revisions, so tombstones use those after them.
    """
    unknown = [tombstone(order_id, now_ms) for order_id in dict.fromkeys(order_ids) if order_id not in tickets]
    for number, ticket in enumerate(unknown, start=len(tickets)):
        ticket.revision = revision + number
        tickets[ticket.order_id] = ticket
    tables.insert_tombstones(connection, unknown)


def _step_all(
    connection: Connection,
    tickets: Sequence[Ticket],
    verb: Verb,
    revision: int,
    reserved: int,
    now_ms: int,
    staying: Sequence[Ticket] = (),
) -> None:
    """Take the gateway's step with every ticket, and change the stock with it.

    `reserved` revisions from `revision` on belong to the batch. `staying`: tickets that take no step, but whose epochs
    are written in the same statement.
    """
    stock = tables.read_stock(connection) if tickets else {}
    changed: dict[str, Stock] = {}
    for number, ticket in enumerate(tickets):
        held = ticket.state is TicketState.HELD
        ticket.step(verb, now_ms)
        ticket.revision = revision + number
        for line in ticket.accepted():
            item_stock = changed[line.item] = stock[line.item]
            if verb is Verb.CONFIRM:
                item_stock.confirm(line.quantity)
            elif verb is Verb.SUSPEND:
                item_stock.suspend(line.quantity)
            else:
                item_stock.put_back(line.quantity, held=held)
    tables.update_tickets(connection, [*tickets, *staying])
    tables.update_stock(connection, list(changed.values()), revision + reserved - 1)
