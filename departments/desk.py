"""The desk: what a department does, one plain transaction function for each use case.

Each runs in one transaction, with a number of statements that does not depend on the size of its batch (of which SQLite
takes at most 64 rows at a time).
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from departments import store
from departments.domain.errors import DepartmentError, OrderIdTaken, OrderNotFound
from departments.domain.menu import Menu
from departments.domain.placing import Placement, answer, tombstone
from departments.domain.stock import Stock
from departments.domain.tickets import NOT_STARTED, TAKEN, Decision, State, Ticket, Verb
from plumbing.database import statements_only

Answer = Ticket | DepartmentError
"""What one order of a batch gets: its ticket, or why it was refused whole."""


@dataclass(frozen=True, slots=True)
class Shelves:
    """The stock of every item on the menu, and the department's revision when it was read."""

    stock: dict[str, Stock]
    revision: int


@dataclass(frozen=True, slots=True)
class Takings:
    """What the shelves say, and beside it what the tickets say, by item, as of one moment."""

    stock: dict[str, Stock]
    held: Counter[str]
    sold: Counter[str]


def open_department(connection: Connection, menu: Menu) -> None:
    """Lay in the opening stock of every item that was never seen before; what was seen is never refilled."""
    first = store.reserve_revisions(connection, 1)
    known = store.read_stock(connection)
    new = [Stock(item.id, item.stock, item.stock, 0, 0) for item in menu.items.values() if item.id not in known]
    store.insert_stock(connection, new, first)


@statements_only
def place(connection: Connection, menu: Menu, placements: Sequence[Placement], now_ms: int) -> list[Answer]:
    """Answer a batch of orders, each at most once: one that is known gets the answer that is on record."""
    order_ids = {placement.order_id for placement in placements}
    revision, tickets, stock = store.open_batch(connection, order_ids, len(placements))
    new: list[Ticket] = []
    answers: list[Answer] = []
    for number, placement in enumerate(placements):
        ticket = tickets.get(placement.order_id)
        if ticket is None:
            ticket = answer(placement, menu, stock, now_ms)
            ticket.revision = revision + number
            tickets[placement.order_id] = ticket
            new.append(ticket)
        answers.append(ticket if placement.matches(ticket) else OrderIdTaken(placement.order_id))
    store.insert_tickets(connection, new)
    taken = dict.fromkeys(line.item for ticket in new for line in ticket.accepted())
    store.update_stock(connection, [stock[item] for item in taken], revision)
    return answers


def confirm(connection: Connection, decisions: Sequence[Decision], now_ms: int) -> list[Answer]:
    """Queue the tickets that are held; the others stay as they are."""
    return _settle(connection, decisions, Verb.CONFIRM, now_ms)


def suspend(connection: Connection, decisions: Sequence[Decision], now_ms: int) -> list[Answer]:
    """Hold the tickets that are queued, so that nobody starts them; the others stay as they are."""
    return _settle(connection, decisions, Verb.SUSPEND, now_ms)


def cancel(connection: Connection, order_ids: Sequence[str], now_ms: int) -> list[Answer]:
    """Take back what has not been started; leave a tombstone for what was never heard of."""
    revision = store.reserve_revisions(connection, len(order_ids))
    tickets = store.read_tickets(connection, order_ids)
    _move(connection, [t for t in tickets.values() if t.state in NOT_STARTED], Verb.CANCEL, revision)
    _bury_unknown(connection, order_ids, tickets, revision, now_ms)
    return [tickets[order_id] for order_id in order_ids]


def move(connection: Connection, order_id: str, verb: Verb) -> Ticket:
    """Take one step with one ticket; raises OrderNotFound, StepNotAllowed."""
    revision = store.reserve_revisions(connection, 1)
    ticket = store.read_tickets(connection, [order_id]).get(order_id)
    if ticket is None:
        raise OrderNotFound(order_id)
    ticket.leave_to_staff(verb)
    _move(connection, [ticket], verb, revision)
    return ticket


def changes(connection: Connection, after: int, states: Collection[State], limit: int) -> tuple[list[Ticket], int]:
    """List the tickets that changed after a revision, and the revision to ask from next."""
    current = store.revision(connection)
    tickets = store.changed_tickets(connection, after, states, limit)
    return tickets, tickets[-1].revision if len(tickets) == limit else max(current, after)


def shelves(connection: Connection) -> Shelves:
    """Read the stock as it is at this moment."""
    return Shelves(store.read_stock(connection), store.revision(connection))


def takings(connection: Connection) -> Takings:
    """Add up all tickets, to compare them with the shelves."""
    held, sold = Counter[str](), Counter[str]()
    for ticket in store.every_ticket(connection):
        if ticket.state is State.HELD or ticket.state in TAKEN:
            total = held if ticket.state is State.HELD else sold
            for line in ticket.accepted():
                total[line.item] += line.quantity
    return Takings(store.read_stock(connection), held, sold)


def beyond_stock(connection: Connection, item: str, received: int) -> list[str]:
    """List the orders that took more of an item than was ever received, oldest first."""
    beyond = []
    for ticket in store.every_ticket(connection, by_age=True):
        if ticket.state is State.HELD or ticket.state in TAKEN:
            quantity = sum(line.quantity for line in ticket.accepted() if line.item == item)
            received -= quantity
            if quantity and received < 0:
                beyond.append(ticket.order_id)
    return beyond


def touch(connection: Connection) -> None:
    """Write something that means nothing: it shows that the database can be written."""
    store.beat(connection)


def _settle(connection: Connection, decisions: Sequence[Decision], verb: Verb, now_ms: int) -> list[Answer]:
    """Carry out what was decided, but nothing that a later decision has overtaken.

    Leave a tombstone for what was never heard of: whoever decides has given up placing it.
    """
    order_ids = [decision.order_id for decision in decisions]
    revision = store.reserve_revisions(connection, len(decisions))
    tickets = store.read_tickets(connection, order_ids)
    heard: dict[str, Ticket] = {}
    for decision in decisions:
        ticket = tickets.get(decision.order_id)
        if ticket is not None and ticket.hear(decision):
            heard[decision.order_id] = ticket
    moving = [ticket for ticket in heard.values() if ticket.allows(verb)]
    staying = [ticket for ticket in heard.values() if not ticket.allows(verb)]
    _move(connection, moving, verb, revision, staying)
    _bury_unknown(connection, order_ids, tickets, revision, now_ms)
    return [tickets[order_id] for order_id in order_ids]


def _bury_unknown(
    connection: Connection, order_ids: Sequence[str], tickets: dict[str, Ticket], revision: int, now_ms: int
) -> None:
    """Leave tombstones for the orders that have no ticket, with the revisions that are left."""
    unknown = [tombstone(order_id, now_ms) for order_id in dict.fromkeys(order_ids) if order_id not in tickets]
    for number, ticket in enumerate(unknown, start=len(tickets)):
        ticket.revision = revision + number
        tickets[ticket.order_id] = ticket
    store.insert_tickets(connection, unknown)


def _move(
    connection: Connection, tickets: Sequence[Ticket], verb: Verb, revision: int, staying: Sequence[Ticket] = ()
) -> None:
    """Take the step with every ticket, and move their stock with it; write down `staying` in the same statement."""
    stock = store.read_stock(connection) if tickets else {}
    changed: dict[str, Stock] = {}
    for number, ticket in enumerate(tickets):
        held = ticket.state is State.HELD
        ticket.step(verb)
        ticket.revision = revision + number
        for line in ticket.accepted():
            shelf = stock[line.item]
            if verb is Verb.CONFIRM:
                shelf.confirm(line.quantity)
            elif verb is Verb.SUSPEND:
                shelf.suspend(line.quantity)
            elif verb is Verb.CANCEL:
                shelf.put_back(line.quantity, held=held)
            else:
                continue
            changed[line.item] = shelf
    store.update_tickets(connection, [*tickets, *staying])
    store.update_stock(connection, list(changed.values()), revision)
