"""Reads all orders in the order of their ids, a slice at a time, for whoever compares them with departments' tickets.

Order ids are UUIDs in lower case, so every database sorts them alike, whatever its collation is.
"""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from gateway.domain.lines import TicketState
from gateway.orders.tables import COLUMNS, Row, orders, own, read_row, ticket_states
from gateway.orders.ticket_states import KnownState
from infra.db.database import Statement

_ONE: sa.ColumnElement[int] = sa.literal_column("1")


def _bound(name: str, type_: "sa.types.TypeEngine[Any]") -> "sa.BindParameter[Any]":
    return sa.bindparam(name, type_=type_)


_AFTER, _UNTIL = _bound("after", sa.Text()), _bound("until", sa.Text())


def _in_slice(connection: sa.Connection, table: sa.Table, *, is_last: bool) -> "sa.ColumnElement[bool]":
    after = own(connection, table) & (table.c.order_id > _AFTER)
    return after if is_last else after & (table.c.order_id <= _UNTIL)


_KNOWN = (
    ticket_states.c.department,
    ticket_states.c.order_id,
    ticket_states.c.revision,
    ticket_states.c.state,
)

_END = Statement(
    lambda connection: (
        sa.select(orders.c.order_id)
        .where(_in_slice(connection, orders, is_last=True))
        .order_by(orders.c.order_id)
        .limit(_ONE)
        .offset(_bound("skipped", sa.BigInteger()))
    )
)


def _orders(*, is_last: bool) -> Statement:
    return Statement(lambda connection: sa.select(*COLUMNS).where(_in_slice(connection, orders, is_last=is_last)))


def _states(*, is_last: bool) -> Statement:
    return Statement(lambda connection: sa.select(*_KNOWN).where(_in_slice(connection, ticket_states, is_last=is_last)))


_BETWEEN, _REST = _orders(is_last=False), _orders(is_last=True)
_KNOWN_BETWEEN, _KNOWN_REST = _states(is_last=False), _states(is_last=True)


def end_of_slice(connection: sa.Connection, after: str, size: int) -> str | None:
    """Return the id of the last of the `size` orders that follow an order id; None where there are fewer."""
    row = _END.run(connection, {"after": after, "skipped": size - 1}).fetchone()
    return row[0] if row else None


def orders_between(connection: sa.Connection, after: str, until: str | None) -> list[Row]:
    """Return the orders with ids above `after` and up to `until`, where that is given."""
    return [read_row(row) for row in _run(connection, _BETWEEN, _REST, after, until)]


def known_between(connection: sa.Connection, after: str, until: str | None) -> Mapping[tuple[str, str], KnownState]:
    """Return what is known of the tickets of these orders that the staff have moved, by department and order id."""
    return {
        (department, order_id): KnownState(revision, TicketState(state))
        for department, order_id, revision, state in _run(connection, _KNOWN_BETWEEN, _KNOWN_REST, after, until)
    }


def _run(connection: sa.Connection, between: Statement, rest: Statement, after: str, until: str | None) -> Any:
    if until is None:
        return rest.run(connection, {"after": after})
    return between.run(connection, {"after": after, "until": until})
