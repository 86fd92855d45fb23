"""The transactions that archive tickets: what may go, and its removal with what has to be kept of it.

A ticket is *closed* when nothing is left to do with it: it was served or cancelled, or nothing of it was accepted. What
is removed leaves its order id, so that it is never placed again, and what it took, so that the stock law still holds:
all of it in one transaction. Every function runs inside the caller's transaction.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from departments import tables
from departments.domain.tickets import Ticket, TicketState
from departments.rows import TicketOrUnreadable, read_ticket
from departments.schema import HAS_REVISION, archived_stock, archived_tickets, department, own, steps, tickets
from infra.db.database import Statement, encode_json, insert_into, insert_records, strings, tenant

CLOSED = frozenset({TicketState.SERVED, TicketState.CANCELLED, TicketState.NONE})

_INSERT_IDS = Statement(
    lambda connection: insert_records(
        connection.dialect,
        archived_tickets,
        [archived_tickets.c.order_id],
        {archived_tickets.c.restaurant: tenant(connection)},
    )
)

_TICKET = list(tickets.c)[1:]
_STEP = list(steps.c)[1:]


class ClosedTicket(NamedTuple):
    """A ticket that may be archived: its row, and those of the staff's steps with it, by their columns' names."""

    ticket: Ticket
    row: Mapping[str, Any]
    steps: Sequence[Mapping[str, Any]]


class ClosedPage(NamedTuple):
    """Closed tickets, and the revision after which the next page begins; None where no more is old enough."""

    tickets: list[ClosedTicket]
    next: int | None


class Sums(NamedTuple):
    """What archived tickets took from the stock, by item."""

    sold: Counter[str]
    wasted: Counter[str]


def read_closed(connection: sa.Connection, after: int, before_ms: int, limit: int) -> ClosedPage:
    """Return the closed tickets among the `limit` that follow a revision, whose last change is older than a time."""
    query = sa.select(*_TICKET).where(own(connection, tickets), HAS_REVISION, tickets.c.revision > after)
    rows = connection.execute(query.order_by(tickets.c.revision).limit(limit)).all()
    read = [read_ticket(tuple(row)) for row in rows]
    old = [_is_old(ticket, before_ms) for ticket in read]
    found = [
        (ticket, dict(row._mapping))
        for ticket, row, is_old in zip(read, rows, old, strict=True)
        if isinstance(ticket, Ticket) and is_old and ticket.state in CLOSED
    ]
    taken = _steps(connection, [ticket.order_id for ticket, _ in found])
    page = [ClosedTicket(ticket, row, taken.get(ticket.order_id, ())) for ticket, row in found]
    # Revisions are in the order of time, but for a clock that was set: one page decides, not one ticket.
    return ClosedPage(page, rows[-1].revision if len(rows) == limit and any(old) else None)


def remove_closed(connection: sa.Connection, closed: Sequence[ClosedTicket]) -> int:
    """Remove tickets that have not changed since they were read, and keep ids and sums; return how many they were."""
    tables.reserve_revisions(connection, 0)  # its lock: nobody else writes until the commit
    now = tables.read_tickets(connection, [each.ticket.order_id for each in closed])
    same = [each.ticket for each in closed if now.get(each.ticket.order_id) == each.ticket]
    if same:
        order_ids = [ticket.order_id for ticket in same]
        _keep_ids(connection, order_ids)
        _keep_sums(connection, sums_of(same))
        for table in (steps, tickets):
            connection.execute(sa.delete(table).where(_is_of(connection, table)), {"order_ids": encode_json(order_ids)})
    return len(same)


def sums_of(closed: Sequence[Ticket]) -> Sums:
    """Add up what closed tickets took from the stock for good."""
    sums = Sums(Counter(), Counter())
    for ticket in closed:
        if ticket.wasted or ticket.state is TicketState.SERVED:
            total = sums.wasted if ticket.wasted else sums.sold
            for line in ticket.accepted():
                total[line.item] += line.quantity
        for line in ticket.wasted_lines():
            sums.wasted[line.item] += line.quantity
    return sums


def read_sums(connection: sa.Connection) -> Sums:
    """Return what archived tickets took."""
    sums = Sums(Counter(), Counter())
    columns = archived_stock.c
    query = sa.select(columns.item, columns.sold, columns.wasted).where(own(connection, archived_stock))
    for item, sold, wasted in connection.execute(query):
        sums.sold[item], sums.wasted[item] = sold, wasted
    return sums


def _is_old(ticket: TicketOrUnreadable, before_ms: int) -> bool:
    if not isinstance(ticket, Ticket):
        return False
    return max(ticket.placed_at_ms, ticket.moved_at_ms, ticket.served_at_ms, ticket.cancelled_at_ms) < before_ms


def _steps(connection: sa.Connection, order_ids: Collection[str]) -> dict[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    if order_ids:
        query = sa.select(*_STEP).where(_is_of(connection, steps)).order_by(steps.c.revision)
        for row in connection.execute(query, {"order_ids": encode_json(list(order_ids))}):
            found.setdefault(row.order_id, []).append(dict(row._mapping))
    return found


def _keep_ids(connection: sa.Connection, order_ids: Sequence[str]) -> None:
    """Keep order ids; a ticket that came back with a restored backup may have its id here already."""
    known = tables.archived_among(connection, order_ids)
    _INSERT_IDS.run_rows(connection, [{"order_id": each} for each in order_ids])
    more = department.c.archived + (len(order_ids) - len(known))
    connection.execute(sa.update(department).where(own(connection, department)).values(archived=more))


def _keep_sums(connection: sa.Connection, sums: Sums) -> None:
    insert = insert_into(connection.dialect, archived_stock)
    for item in sorted(sums.sold.keys() | sums.wasted.keys()):
        values = {"sold": sums.sold[item], "wasted": sums.wasted[item]}
        row = insert.values(restaurant=tenant(connection), item=item, **values)
        more = {name: archived_stock.c[name] + row.excluded[name] for name in values}
        keys = [archived_stock.c.restaurant, archived_stock.c.item]
        connection.execute(row.on_conflict_do_update(index_elements=keys, set_=more))


def _is_of(connection: sa.Connection, table: sa.Table) -> "sa.ColumnElement[bool]":
    """Return the condition that a row is of one of the JSON array `order_ids`."""
    ids = strings(connection.dialect, "order_ids", tenant(connection))
    return sa.tuple_(table.c.restaurant, table.c.order_id).in_(ids)
