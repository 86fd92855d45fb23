"""Reads the orders of a range of time for reports, some at once, so that orders that are placed meanwhile do not wait.

Rows are read one by one. One that this version cannot read is reported, left out and counted. An order is read once,
as it is when its turn comes. Orders that were archived are in figures of an hour (archived_figures.py).
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec
import sqlalchemy as sa

from gateway.domain.accuracy import Measured
from gateway.domain.currencies import Currency
from gateway.domain.errors import OrderUnreadable
from gateway.domain.lines import Outcome
from gateway.domain.order import Status
from gateway.domain.preparation import Prepared
from gateway.domain.sales import QUARTER_MS, Sold
from gateway.orders import archived_figures, ticket_states
from gateway.orders.queries import placed_between
from gateway.orders.tables import HAS_SEQ, decode_lines, decode_quotes, orders, own
from infra.db.database import Database

AT_ONCE = 1000
"""How many orders are read in one transaction: it takes some 5 ms."""

T = TypeVar("T")


class Place(NamedTuple):
    """A place among the orders by the time when they were placed."""

    created_at_ms: int
    seq: int


@dataclass(slots=True)
class ReportPage(Generic[T]):
    """What a report takes of some orders; `next` is the place after them, None after the last ones."""

    found: list[T] = field(default_factory=list)
    unreadable: list[OrderUnreadable] = field(default_factory=list)
    next: Place | None = None


class Reports:
    """Reads what reports are made of; raises DatabaseError."""

    def __init__(self, database: Database, report: Callable[[OrderUnreadable], None]) -> None:
        """`report` is called for each order that cannot be read."""
        self._database = database
        self._report = report

    async def sold(self, from_ms: int | None, to_ms: int | None) -> tuple[list[Sold], int]:
        """Return what was accepted, and not taken back since, of the orders of a range; and how many were left out."""
        archived = await self._database.read(archived_figures.sold, from_ms or 0, to_ms)
        return await self._read(read_sold, from_ms, to_ms, archived)

    async def measured(self, from_ms: int | None, to_ms: int | None) -> tuple[list[Measured], int]:
        """Return the shares of the orders of a range that became ready; and how many orders were left out."""
        archived = await self._database.read(archived_figures.measured, from_ms or 0, to_ms)
        return await self._read(read_measured, from_ms, to_ms, archived)

    async def prepared(self, from_ms: int | None, to_ms: int | None) -> tuple[list[Prepared], int]:
        """Return the shares of the orders of a range that were prepared; and how many orders were left out."""
        archived = await self._database.read(archived_figures.prepared, from_ms or 0, to_ms)
        return await self._read(read_prepared, from_ms, to_ms, archived)

    async def counts(self, from_ms: int | None, to_ms: int | None) -> tuple[dict[Status, int], int]:
        """Return how many orders of a range have which status; and how many were left out."""
        archived = await self._database.read(archived_figures.statuses, from_ms or 0, to_ms)
        found, left_out = await self._read(read_statuses, from_ms, to_ms, [])
        return dict(archived + Counter(found)), left_out

    async def _read(
        self,
        script: "Callable[[sa.Connection, Place, int | None], ReportPage[T]]",
        from_ms: int | None,
        to_ms: int | None,
        found: list[T],
    ) -> tuple[list[T], int]:
        """Add what a script takes of the orders of a range to `found`; return it, and how many were left out."""
        place: Place | None = Place(from_ms or 0, 0)
        left_out = 0
        while place is not None:
            page = await self._database.read(script, place, to_ms)
            for error in page.unreadable:
                self._report(error)
            found += page.found
            left_out += len(page.unreadable)
            place = page.next
        return found, left_out


def read_sold(connection: sa.Connection, after: Place, to_ms: int | None) -> ReportPage[Sold]:
    """Return what was sold of the next orders, added up by quarters of an hour."""
    rows, page = _orders(connection, after, to_ms, orders.c.currency, orders.c.lines)
    sums: dict[tuple[int, str, str, str], tuple[int, int]] = {}
    for _, created_at_ms, order_id, currency, text in rows:
        try:
            code, lines = Currency(currency).code, decode_lines(text)
        except (ValueError, msgspec.MsgspecError) as error:
            page.unreadable.append(OrderUnreadable(order_id, str(error)))
            continue
        for line in lines:
            if line.outcome is Outcome.ACCEPTED:
                key = created_at_ms // QUARTER_MS, code, line.department, line.item
                quantity, total = sums.get(key, (0, 0))
                sums[key] = quantity + line.quantity, total + line.quantity * (line.unit_price or 0)
    page.found = [Sold(*key, *figures) for key, figures in sums.items()]
    return page


def read_measured(connection: sa.Connection, after: Place, to_ms: int | None) -> ReportPage[Measured]:
    """Return how long the shares of the next orders took that became ready, and what had been quoted."""
    rows, page = _orders(connection, after, to_ms, orders.c.quotes)
    tickets = ticket_states.read_tickets(connection, [row[2] for row in rows if row[3]]) if rows else {}
    for _, created_at_ms, order_id, text in rows:
        try:
            quotes = decode_quotes(text) if text else {}
        except msgspec.MsgspecError as error:
            page.unreadable.append(OrderUnreadable(order_id, str(error)))
            continue
        moved = tickets.get(order_id, {})
        for department, (wait, preparing) in quotes.items():
            if department in moved and moved[department].ready_at_ms:
                took = (moved[department].ready_at_ms - created_at_ms) / 1000
                page.found.append(Measured(department, wait + preparing, took))
    return page


def read_prepared(connection: sa.Connection, after: Place, to_ms: int | None) -> ReportPage[Prepared]:
    """Return what was started and became ready of the next orders, with the items that were accepted."""
    rows, page = _orders(connection, after, to_ms, orders.c.lines)
    tickets = ticket_states.read_tickets(connection, [row[2] for row in rows]) if rows else {}
    for _, _, order_id, text in rows:
        moved = tickets.get(order_id, {})
        done = {name: ticket for name, ticket in moved.items() if ticket.started_at_ms and ticket.ready_at_ms}
        if not done:
            continue
        try:
            lines = decode_lines(text)
        except msgspec.MsgspecError as error:
            page.unreadable.append(OrderUnreadable(order_id, str(error)))
            continue
        for name, ticket in done.items():
            items = [line.item for line in lines if line.department == name and line.outcome is Outcome.ACCEPTED]
            page.found.append(Prepared(name, items, (ticket.ready_at_ms - ticket.started_at_ms) / 1000))
    return page


def read_statuses(connection: sa.Connection, after: Place, to_ms: int | None) -> ReportPage[Status]:
    """Return the statuses of the next orders."""
    rows, page = _orders(connection, after, to_ms, orders.c.status)
    for _, _, order_id, text in rows:
        try:
            page.found.append(Status(text))
        except ValueError as error:
            page.unreadable.append(OrderUnreadable(order_id, str(error)))
    return page


def _orders(
    connection: sa.Connection, after: Place, to_ms: int | None, *columns: "sa.Column[Any]"
) -> tuple[Sequence[Sequence[Any]], ReportPage[Any]]:
    """Return the place, time, id and these columns of the next orders, and a page that leads on after them."""
    place = (orders.c.created_at_ms, orders.c.seq)
    query = (
        sa.select(orders.c.seq, orders.c.created_at_ms, orders.c.order_id, *columns)
        .where(own(connection, orders), HAS_SEQ, placed_between(after.created_at_ms, to_ms))
        .where(sa.tuple_(*place) > sa.tuple_(*after))
        .order_by(*place)
        .limit(AT_ONCE)
    )
    rows = connection.execute(query).all()
    return rows, ReportPage(next=Place(rows[-1][1], rows[-1][0]) if len(rows) == AT_ONCE else None)
