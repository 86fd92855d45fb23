"""Scripts that read orders from the journal's database, and with them what the staff did with their tickets."""

from collections.abc import Sequence

import sqlalchemy as sa

from gateway.domain.order import Order, Status
from gateway.orders import ticket_states
from gateway.orders.tables import COLUMNS, FIND, HAS_SEQ, KNOWN, Row, is_among, orders, own, read_row
from infra.db.database import encode_json


def find(connection: sa.Connection, order_ids: Sequence[str]) -> list[Row]:
    """Return these orders, those that are known."""
    return [read_row(row) for row in FIND.run(connection, {"order_ids": encode_json(list(order_ids))})]


def find_with_tickets(connection: sa.Connection, order_ids: Sequence[str]) -> list[Row]:
    """Return these orders with their tickets."""
    return _with_tickets(connection, find(connection, order_ids))


def _with_tickets(connection: sa.Connection, rows: list[Row]) -> list[Row]:
    """Read the tickets of these orders that the staff have moved, too."""
    tickets = ticket_states.read_tickets(connection, [row.order_id for row in rows]) if rows else {}
    for row in rows:
        if isinstance(row, Order) and row.order_id in tickets:
            row.tickets = tickets[row.order_id]
    return rows


def known(connection: sa.Connection, order_ids: Sequence[str]) -> set[str]:
    """Return those of these order ids that the journal has."""
    return {order_id for (order_id,) in KNOWN.run(connection, {"order_ids": encode_json(list(order_ids))})}


def page(
    connection: sa.Connection,
    limit: int,
    before: int | None,
    status: Status | None,
    table: str | None,
    also: Sequence[str],
) -> "tuple[list[Row], int | None]":
    """Return a page of orders, the newest first, and the position of the next page."""
    query = sa.select(*COLUMNS).where(own(connection, orders), HAS_SEQ)
    query = query.order_by(orders.c.seq.desc()).limit(limit + 1)
    if before is not None:
        query = query.where(orders.c.seq < before)
    if table is not None:
        query = query.where(orders.c.placed_for == table)
    of_status = query if status is None else query.where(orders.c.status == status.value)
    rows = list(connection.execute(of_status).all())
    if status is not None and also:
        # Two queries, each by an index: for one with OR the planner would read and sort all orders of the status.
        more = query.where(is_among(connection))
        by_seq = {row.seq: row for row in [*rows, *connection.execute(more, {"order_ids": encode_json(list(also))})]}
        rows = sorted(by_seq.values(), key=lambda row: row.seq, reverse=True)
    found = _with_tickets(connection, [read_row(row) for row in rows[:limit]])
    return found, rows[limit - 1].seq if len(rows) > limit else None


def unfinished(connection: sa.Connection, owner: int) -> list[str]:
    """Return the ids of the orders of a gateway that owe a department something."""
    query = sa.select(orders.c.order_id).where(own(connection, orders), orders.c.owed.is_not(None))
    query = query.where(orders.c.owner == owner)
    return list(connection.execute(query.order_by(orders.c.seq)).scalars())
