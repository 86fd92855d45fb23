"""Scripts that read orders from the journal's database, and with them what the staff did with their tickets."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from gateway.domain.order import Order, Status
from gateway.domain.progress import OrderProgress
from gateway.orders import ticket_states
from gateway.orders.tables import (
    COLUMNS,
    FIND,
    HAS_SEQ,
    IS_UNUSUAL,
    KNOWN,
    Row,
    archived_among,
    is_among,
    orders,
    own,
    read_row,
)
from gateway.orders.wanted import Wanted
from infra.db.database import encode_json

SEARCHED = 200
"""How many orders are read at once where only those of some progress are wanted."""


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
    """Return those of these order ids that the journal has, or had before they were archived."""
    found = {order_id for (order_id,) in KNOWN.run(connection, {"order_ids": encode_json(list(order_ids))})}
    return found | archived_among(connection, order_ids)


def page(
    connection: sa.Connection,
    limit: int,
    before: int | None,
    status: Status | None,
    table: str | None,
    also: Sequence[str],
    wanted: Wanted,
) -> "tuple[list[Row], int | None]":
    """Return a page of orders, the newest first, and the position of the next page."""
    query = _of(connection, sa.select(*COLUMNS).where(own(connection, orders), HAS_SEQ), wanted)
    if table is not None:
        query = query.where(orders.c.placed_for == table)
    at_once = limit + 1 if wanted.progress is None else SEARCHED
    found: list[tuple[int, Row]] = []
    while len(found) <= limit:
        part, before = _part(connection, query, at_once, before, status, also)
        found += part if wanted.progress is None else [each for each in part if _has(each[1], wanted.progress)]
        if before is None or wanted.progress is None:
            break
    return [row for _, row in found[:limit]], found[limit - 1][0] if len(found) > limit else None


def _part(
    connection: sa.Connection,
    query: "sa.Select[Any]",
    limit: int,
    before: int | None,
    status: Status | None,
    also: Sequence[str],
) -> "tuple[list[tuple[int, Row]], int | None]":
    """Return orders with their places, and the last place where there are `limit` of them."""
    query = query.order_by(orders.c.seq.desc()).limit(limit)
    if before is not None:
        query = query.where(orders.c.seq < before)
    of_status = query if status is None else query.where(_is_of(status))
    rows = list(connection.execute(of_status).all())
    if status is not None and also:
        # Two queries, each by an index: for one with OR the planner would read and sort all orders of the status.
        more = query.where(is_among(connection))
        by_seq = {row.seq: row for row in [*rows, *connection.execute(more, {"order_ids": encode_json(list(also))})]}
        rows = sorted(by_seq.values(), key=lambda row: row.seq, reverse=True)[:limit]
    places = [row.seq for row in rows]
    found = _with_tickets(connection, [read_row(row) for row in rows])
    return list(zip(places, found, strict=True)), places[-1] if len(places) == limit else None


def _is_of(status: Status) -> "sa.ColumnElement[bool]":
    """Return the condition that an order has a status, in the words of the index that finds few others.

    Most orders are accepted, and those that are pending owe a department something.
    """
    is_of = orders.c.status == status.value
    if status is Status.ACCEPTED:
        return is_of
    return is_of & (orders.c.owed.is_not(None) if status is Status.PENDING else IS_UNUSUAL)


def _has(row: Row, progress: OrderProgress) -> bool:
    return isinstance(row, Order) and row.progress is progress


def _of(connection: sa.Connection, query: "sa.Select[Any]", wanted: Wanted) -> "sa.Select[Any]":
    """Select the orders that are wanted, as far as their rows show it."""
    if wanted.is_by_time:
        in_range = placed_between(wanted.from_ms, wanted.to_ms)
        # The places of the range, by the index of times: the list goes by place, and need not look beyond them.
        ends = sa.select(sa.func.min(orders.c.seq), sa.func.max(orders.c.seq))
        first, last = connection.execute(ends.where(own(connection, orders), HAS_SEQ, in_range)).one()
        query = query.where(in_range, orders.c.seq.between(first or 0, last or 0))
    if wanted.number is not None:
        query = query.where(orders.c.number == wanted.number)
    if wanted.department is not None:
        query = query.where(orders.c.lines.contains(f'"department":{encode_json(wanted.department)}', autoescape=True))
    return query


def placed_between(from_ms: int | None, to_ms: int | None) -> "sa.ColumnElement[bool]":
    """Return the condition that an order was placed in a range of time, of which either end may be open."""
    begins = sa.true() if from_ms is None else orders.c.created_at_ms >= from_ms
    return begins if to_ms is None else begins & (orders.c.created_at_ms < to_ms)


def unfinished(connection: sa.Connection, owner: int) -> list[str]:
    """Return the ids of the orders of a gateway that owe a department something."""
    query = sa.select(orders.c.order_id).where(own(connection, orders), orders.c.owed.is_not(None))
    query = query.where(orders.c.owner == owner)
    return list(connection.execute(query.order_by(orders.c.seq)).scalars())
