"""Bugs of archiving: what goes, what is kept of it, and what is refused from then on."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from departments import archiving as ticket_archiving
from departments import tables
from departments.archiving import ClosedTicket, Sums
from departments.domain.stock import Stock
from departments.domain.tickets import Ticket
from departments.rows import TicketOrUnreadable
from gateway.domain.days import Calendar
from gateway.domain.errors import OrderArchived
from gateway.domain.order import Order
from gateway.orders import archived_figures, journal, ticket_states
from gateway.orders import archiving as order_archiving
from gateway.orders.tables import Row
from infra.db.database import Database
from ops.archive.archiver import Archiver
from tests.simulation.seams import plant

Batch = tuple[int, dict[str, TicketOrUnreadable], dict[str, Stock], set[str]]


@plant("archived-tickets-not-compared", ticket_archiving, "remove_closed", "archived", 3)
def remove_as_it_is(original: Callable[..., int], connection: sa.Connection, closed: Sequence[ClosedTicket]) -> int:
    """A ticket is removed although it has changed since it was written into the file."""
    now = tables.read_tickets(connection, [each.ticket.order_id for each in closed])
    stored = [(each, now.get(each.ticket.order_id)) for each in closed]
    return original(connection, [each._replace(ticket=row) for each, row in stored if isinstance(row, Ticket)])


@plant("archived-order-that-owes", order_archiving, "_is_finished", "archived", 1)
def is_ended(original: object, order: Order, states: Sequence[Mapping[str, Any]]) -> bool:
    """An order is archived whose parts have all ended, whatever it still owes."""
    return order.progress in order_archiving._ENDED


@plant("archived-ticket-before-its-order", Archiver, "_without_order", "archived")
async def with_or_without_order(original: object, self: Archiver, closed: Sequence[ClosedTicket]) -> list[ClosedTicket]:
    """A ticket is archived while its order is in the journal."""
    return list(closed)


@plant("archived-before-the-file-is-durable", Archiver, "_write", "archived", 1)
def write_later(
    original: Callable[..., None],
    self: Archiver,
    kind: Any,
    database: Database,
    source: str,
    records: Sequence[dict[str, Any]],
) -> None:
    """Rows are removed while the file that has them is still being written."""
    asyncio.get_running_loop().call_later(0.5, original, self, kind, database, source, records)


@plant("archived-ticket-ids-not-kept", ticket_archiving, "_keep_ids", "archived")
def keep_no_ids(original: object, connection: sa.Connection, order_ids: Sequence[str]) -> None:
    """A department forgets which tickets it has archived."""


@plant("archived-sums-not-kept", ticket_archiving, "_keep_sums", "archived")
def keep_no_sums(original: object, connection: sa.Connection, sums: Sums) -> None:
    """What archived tickets took from the stock is forgotten."""


@plant("archived-sums-added-twice", ticket_archiving, "remove_closed", "archived", 2)
def remove_and_add_all(original: Callable[..., int], connection: sa.Connection, closed: Sequence[ClosedTicket]) -> int:
    """A removal that is repeated, as nobody knows whether it was carried out, adds the sums again."""
    known = tables.archived_among(connection, [each.ticket.order_id for each in closed])
    removed = original(connection, closed)
    again = [each.ticket for each in closed if each.ticket.order_id in known]
    ticket_archiving._keep_sums(connection, ticket_archiving.sums_of(again))
    return removed


@plant("archived-figures-not-kept", archived_figures, "add", "archived")
def add_no_figures(original: object, connection: sa.Connection, orders: Iterable[Order], calendar: Calendar) -> None:
    """What reports need of archived orders is forgotten."""


@plant("archived-order-placed-again-by-a-department", tables, "open_batch", "archived")
def open_batch_without_archived(
    original: Callable[..., Batch], connection: sa.Connection, order_ids: Collection[str], changes: int
) -> Batch:
    """A department does not look whether it has archived an order that it is asked to place."""
    revision, known, stock, _ = original(connection, order_ids, changes)
    return revision, known, stock, set()


@plant("archived-order-placed-again-by-the-gateway", journal, "_refused", "archived")
def refuse_what_is_there(
    original: Callable[..., dict[str, Row | OrderArchived]],
    connection: sa.Connection,
    rows: list[dict[str, Any]],
    inserted: Iterable[tuple[str]],
    archived: set[str],
) -> "dict[str, Row | OrderArchived]":
    """The journal does not look whether it has archived an order that is placed."""
    return original(connection, rows, inserted, set())


@plant("archived-orders-followed", ticket_states, "archived_among", "archived")
def none_is_archived(original: object, connection: sa.Connection, order_ids: Sequence[str]) -> set[str]:
    """The gateway keeps what the staff do with tickets whose orders were archived."""
    return set()
