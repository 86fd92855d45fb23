"""Reads all tickets in the order of their ids, a slice at a time, for whoever compares them with the gateway's orders.

Order ids are UUIDs in lower case, so every database sorts them alike, whatever its collation is.
"""

import sqlalchemy as sa

from departments.rows import TicketOrUnreadable, read_ticket
from departments.schema import own, tickets
from infra.db.slices import Slices

_TICKETS = Slices(tickets, tickets.c.order_id, list(tickets.c)[1:], own)


def end_of_slice(connection: sa.Connection, after: str, size: int) -> str | None:
    """Return the order id of the last of the `size` tickets that follow an order id; None where there are fewer."""
    return _TICKETS.end(connection, after, size)


def tickets_between(connection: sa.Connection, after: str, until: str | None) -> list[TicketOrUnreadable]:
    """Return the tickets with order ids above `after` and up to `until`, where that is given."""
    return [read_ticket(row) for row in _TICKETS.between(connection, after, until)]
