"""The script that finds the numbers of orders that are still open when a day begins."""

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa

from gateway.domain.lines import Line, TicketState
from gateway.domain.progress import Tickets
from gateway.orders.tables import HAS_SEQ, decode_lines, orders, own
from gateway.orders.ticket_states import read_tickets
from infra.db.database import Statement

OPEN_DAYS_MS = 14 * 86_400_000
"""How long an order keeps its number for itself, at most: what nobody has served by then is not waited for."""

MOST_LOOKED_AT = 5000
"""How many orders are looked at, the newest of them: it takes 0.1 s, once a day, while the day's first order waits."""

AT_ONCE = 1000

_CLOSED = frozenset({TicketState.SERVED, TicketState.CANCELLED})

_IS_ACCEPTED = sa.text("(owed IS NOT NULL OR status IN ('pending', 'accepted', 'partly_accepted'))")

_BEFORE = Statement(
    lambda connection: (
        sa.select(orders.c.order_id, orders.c.number, orders.c.lines, orders.c.owed)
        .where(own(connection, orders), HAS_SEQ, _IS_ACCEPTED)
        .where(orders.c.created_at_ms >= sa.bindparam("from_ms", type_=sa.BigInteger))
        .where(orders.c.created_at_ms < sa.bindparam("to_ms", type_=sa.BigInteger))
        .order_by(orders.c.created_at_ms.desc())
        .limit(sa.literal_column(str(MOST_LOOKED_AT)))
        .offset(sa.literal_column("0"))  # for SQLite, SQLAlchemy would make a parameter of it
    )
)


def open_numbers(connection: sa.Connection, before_ms: int) -> set[int]:
    """Return the numbers of orders that were placed before a moment, not too long, and are not finished.

    An order is finished when each of its tickets was served or cancelled. One that cannot be read counts as open.
    """
    rows = list(_BEFORE.run(connection, {"from_ms": before_ms - OPEN_DAYS_MS, "to_ms": before_ms}))
    numbers: set[int] = set()
    for start in range(0, len(rows), AT_ONCE):
        part = rows[start : start + AT_ONCE]
        tickets = read_tickets(connection, [row[0] for row in part])
        numbers.update(row[1] for row in part if row[3] or _is_open(row[2], tickets.get(row[0], {})))
    return numbers


def _is_open(text: str, tickets: Tickets) -> bool:
    try:
        lines: Sequence[Line] = decode_lines(text)
    except msgspec.MsgspecError:
        return True
    return any(
        line.is_open and (line.department not in tickets or tickets[line.department].state not in _CLOSED)
        for line in lines
    )
