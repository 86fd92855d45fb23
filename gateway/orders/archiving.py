"""The transactions that archive orders: what may go, and its removal with what has to be kept of it.

An order is *finished* when it owes nothing, its response is on record, and everything of it that was accepted is served
or withdrawn. What is removed leaves its id, so that it is never placed again, and its part of the reports' figures: all
of it in one transaction. Every function runs inside the caller's transaction.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from gateway.domain.days import Calendar
from gateway.domain.order import Order, Status
from gateway.domain.progress import OrderProgress
from gateway.orders import archived_figures, ticket_states
from gateway.orders.reports import Place
from gateway.orders.tables import COLUMNS, HAS_SEQ, archived_orders, is_among, orders, own, read_row
from gateway.orders.tables import ticket_states as states_table
from infra.db.database import Statement, encode_json, insert_records, tenant

_ENDED = (None, OrderProgress.SERVED, OrderProgress.WITHDRAWN)

_STATE = [column for column in states_table.c if column is not states_table.c.restaurant]


class FinishedOrder(NamedTuple):
    """An order that may be archived: its row, and those of the tickets that the staff have moved, by columns' names."""

    order: Order
    row: Mapping[str, Any]
    tickets: Sequence[Mapping[str, Any]]


class FinishedPage(NamedTuple):
    """Finished orders, and the place after which the next page begins; None after the last."""

    orders: list[FinishedOrder]
    next: Place | None


_INSERT_IDS = Statement(
    lambda connection: insert_records(
        connection.dialect,
        archived_orders,
        [archived_orders.c.order_id],
        {archived_orders.c.restaurant: tenant(connection)},
    )
)


def read_finished(connection: sa.Connection, after: Place, before_ms: int, limit: int) -> FinishedPage:
    """Return the finished orders among the `limit` that follow a place, and that were placed before a time."""
    place = (orders.c.created_at_ms, orders.c.seq)
    query = (
        sa.select(*COLUMNS)
        .where(own(connection, orders), HAS_SEQ, orders.c.created_at_ms < before_ms)
        .where(sa.tuple_(*place) > sa.tuple_(*after))
        .order_by(*place)
        .limit(limit)
    )
    rows = connection.execute(query).all()
    newest = connection.execute(sa.select(sa.func.max(orders.c.seq)).where(own(connection, orders))).scalar_one()
    states = _states(connection, [row.order_id for row in rows])
    found = []
    for row, order in zip(rows, _orders(connection, rows), strict=True):
        own_states = states.get(row.order_id, ())
        # The newest one stays: SQLite gives the next order the place after it.
        if row.seq != newest and order is not None and _is_finished(order, own_states):
            found.append(FinishedOrder(order, dict(row._mapping), own_states))
    last = Place(rows[-1].created_at_ms, rows[-1].seq) if len(rows) == limit else None
    return FinishedPage(found, last)


def remove_finished(connection: sa.Connection, finished: Sequence[FinishedOrder], calendar: Calendar) -> int:
    """Remove orders that have not changed since they were read, and keep ids and figures; return how many they were."""
    order_ids = sorted(each.order.order_id for each in finished)
    query = sa.select(*COLUMNS).where(is_among(connection)).order_by(orders.c.order_id).with_for_update()
    now = {row.order_id: dict(row._mapping) for row in connection.execute(query, {"order_ids": encode_json(order_ids)})}
    states = _states(connection, order_ids)
    same = [
        each
        for each in finished
        if now.get(each.order.order_id) == each.row and list(states.get(each.order.order_id, ())) == list(each.tickets)
    ]
    if same:
        gone = encode_json([each.order.order_id for each in same])
        _INSERT_IDS.run_rows(connection, [{"order_id": each.order.order_id} for each in same])
        archived_figures.add(connection, [each.order for each in same], calendar)
        for table in (states_table, orders):
            connection.execute(sa.delete(table).where(is_among(connection, table)), {"order_ids": gone})
    return len(same)


def _orders(connection: sa.Connection, rows: "Sequence[sa.Row[Any]]") -> list[Order | None]:
    """Return the orders of rows with their tickets, and None for those that this version cannot read."""
    tickets = ticket_states.read_tickets(connection, [row.order_id for row in rows]) if rows else {}
    read: list[Order | None] = []
    for row in rows:
        order = read_row(tuple(row))
        if isinstance(order, Order):
            order.tickets = tickets.get(order.order_id, {})
            read.append(order)
        else:
            read.append(None)
    return read


def _is_finished(order: Order, states: Sequence[Mapping[str, Any]]) -> bool:
    if order.owed or not order.response_recorded or order.status is Status.PENDING:
        return False
    return order.progress in _ENDED and all(state["settled"] for state in states)


def _states(connection: sa.Connection, order_ids: Sequence[str]) -> dict[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    if order_ids:
        query = sa.select(*_STATE).where(is_among(connection, states_table)).order_by(states_table.c.department)
        for row in connection.execute(query, {"order_ids": encode_json(list(order_ids))}):
            found.setdefault(row.order_id, []).append(dict(row._mapping))
    return found
