"""Reads all tickets in the order of their ids, a slice at a time, for whoever compares them with the gateway's orders.

Order ids are UUIDs in lower case, so every database sorts them alike, whatever its collation is.
"""

from typing import Any

import sqlalchemy as sa

from departments.rows import TicketOrUnreadable, read_ticket
from departments.schema import own, tickets
from infra.db.database import Statement

_ONE: sa.ColumnElement[int] = sa.literal_column("1")

_TICKET = list(tickets.c)[1:]
_ORDER_ID = tickets.c.order_id


def _bound(name: str, type_: "sa.types.TypeEngine[Any]") -> "sa.BindParameter[Any]":
    return sa.bindparam(name, type_=type_)


_AFTER, _UNTIL = _bound("after", sa.Text()), _bound("until", sa.Text())

_END = Statement(
    lambda connection: (
        sa.select(_ORDER_ID)
        .where(own(connection, tickets), _ORDER_ID > _AFTER)
        .order_by(_ORDER_ID)
        .limit(_ONE)
        .offset(_bound("skipped", sa.BigInteger()))
    )
)
_BETWEEN = Statement(
    lambda connection: sa.select(*_TICKET).where(own(connection, tickets), _ORDER_ID > _AFTER, _ORDER_ID <= _UNTIL)
)
_REST = Statement(lambda connection: sa.select(*_TICKET).where(own(connection, tickets), _ORDER_ID > _AFTER))


def end_of_slice(connection: sa.Connection, after: str, size: int) -> str | None:
    """Return the order id of the last of the `size` tickets that follow an order id; None where there are fewer."""
    row = _END.run(connection, {"after": after, "skipped": size - 1}).fetchone()
    return row[0] if row else None


def tickets_between(connection: sa.Connection, after: str, until: str | None) -> list[TicketOrUnreadable]:
    """Return the tickets with order ids above `after` and up to `until`, where that is given."""
    rows = (
        _REST.run(connection, {"after": after})
        if until is None
        else _BETWEEN.run(connection, {"after": after, "until": until})
    )
    return [read_ticket(row) for row in rows]
