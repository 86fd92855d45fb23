"""The reads of a watch: changes after a position, and snapshots. Every function runs inside the caller's transaction.

A page has at most PAGE_TICKETS tickets and about PAGE_BYTES. Its revision is read first, and nothing later than that is
in the page, so that a change committed between two statements is in the next page, also on PostgreSQL. For the same
reason a snapshot may be read in several transactions: a ticket that changes meanwhile is a change after the snapshot.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from departments.domain.changes import ChangePage
from departments.domain.errors import TicketUnreadable
from departments.domain.stock import Stock
from departments.domain.tickets import Ticket, TicketState
from departments.rows import read_ticket, stock_by_item
from departments.schema import HAS_REVISION, IS_MOVED, IS_OPEN, department, own, stock, tickets
from infra.db.database import Statement

PAGE_TICKETS = 500
PAGE_BYTES = 64 * 1024
TICKET_BYTES = 120
"""About what a ticket takes in a page besides its lines, which take about half of their size in the database."""

CLOSED_IN_SNAPSHOT = 50
OPEN_IN_SNAPSHOT = 10_000

MOST_COUNTED = 500
"""How many open tickets are looked at to count those that wait: it takes 1 ms."""

_TICKET = list(tickets.c)[1:]
_LINES_AT, _REVISION_AT = _TICKET.index(tickets.c.lines), _TICKET.index(tickets.c.revision)
_REVISION = tickets.c.revision

_IS_CLOSED = sa.text("state IN ('served', 'cancelled')")

_WAIT = (TicketState.QUEUED.value, TicketState.PREPARING.value)

_ZERO: sa.ColumnElement[int] = sa.literal_column("0")
_ONE: sa.ColumnElement[int] = sa.literal_column("1")
"""For OFFSET and LIMIT, which SQLAlchemy would otherwise make parameters that `Statement` does not know."""


def _bound(name: str) -> "sa.BindParameter[int]":
    return sa.bindparam(name, type_=sa.BigInteger)


def _between(*conditions: "sa.TextClause") -> Statement:
    """Build a statement for the tickets with revisions above `after` and up to `until`, at most `most`."""
    chosen = sa.select(*_TICKET).where(_bound("after") < _REVISION, _bound("until") >= _REVISION, *conditions)
    chosen = chosen.order_by(_REVISION).limit(_bound("most")).offset(_ZERO)
    return Statement(lambda connection: chosen.where(own(connection, tickets)))


def _count_waiting(connection: sa.Connection) -> "sa.Select[Any]":
    last = sa.select(tickets.c.state).where(own(connection, tickets), IS_OPEN)
    last = last.order_by(_REVISION.desc()).limit(_bound("most")).offset(_ZERO)
    state = last.subquery("last_changed").c.state
    return sa.select(sa.func.count()).where(sa.or_(*(state == sa.literal_column(f"'{each}'") for each in _WAIT)))


_CHANGED = _between(HAS_REVISION)
_MOVED = _between(IS_MOVED)
_OPEN = _between(IS_OPEN)
_LAST_CLOSED = Statement(
    lambda connection: (
        sa.select(*_TICKET)
        .where(own(connection, tickets), _bound("until") >= _REVISION, HAS_REVISION, _IS_CLOSED)
        .order_by(_REVISION.desc())
        .limit(_bound("most"))
        .offset(_ZERO)
    )
)
_OPEN_BEFORE = Statement(
    lambda connection: (
        sa.select(_REVISION)
        .where(own(connection, tickets), _bound("until") >= _REVISION, IS_OPEN)
        .order_by(_REVISION.desc())
        .limit(_ONE)
        .offset(_bound("most"))
    )
)
_WAITING = Statement(_count_waiting)
_STOCK = Statement(lambda connection: sa.select(*list(stock.c)[1:]).where(own(connection, stock)))
_POSITION = Statement(
    lambda connection: sa.select(department.c.revision, department.c.incarnation).where(own(connection, department))
)


def position(connection: sa.Connection) -> tuple[int, str]:
    """Return the department's revision and incarnation."""
    revision, incarnation = _POSITION.run(connection, {}).fetchone()
    return revision, incarnation


def count_waiting(connection: sa.Connection) -> int:
    """Return how many tickets are queued or preparing, among the MOST_COUNTED open ones that changed last."""
    count: int = _WAITING.run(connection, {"most": MOST_COUNTED}).fetchone()[0]
    return count


def changes_after(
    connection: sa.Connection, after: int, incarnation: str, until: int = 0, *, moved_only: bool = False
) -> ChangePage:
    """Return the page of changes after a revision, up to `until` if it is given.

    Where the database has another incarnation or is behind `after`, the page is empty, with the position as it is.
    """
    current, name = position(connection)
    if name != incarnation or after > current:
        return ChangePage(name, current, read_to=current)
    until = min(until, current) if until else current
    tickets, read_to, unreadable = _tickets(connection, _MOVED if moved_only else _CHANGED, after, until)
    stock = [] if moved_only else stock_between(connection, after, read_to)
    is_cut = read_to < until
    return ChangePage(
        name, read_to, tickets, stock, read_to=read_to, is_cut=is_cut, current=current, unreadable=unreadable
    )


def begin_snapshot(connection: sa.Connection, *, moved_only: bool = False) -> ChangePage:
    """Return the first page of a snapshot: the tickets that were closed last, and all stock.

    Its `read_to` is the revision after which the tickets of the next pages begin. The first page of a snapshot of the
    tickets with which the staff have taken a step is empty.
    """
    current, name = position(connection)
    if moved_only:
        return ChangePage(name, current, reset=True, more=True)
    closed, _ = _page(_LAST_CLOSED.run(connection, {"until": current, "most": CLOSED_IN_SNAPSHOT}))
    tickets, unreadable = _decode(closed[::-1])
    stock = stock_between(connection, 0, current)
    before = _OPEN_BEFORE.run(connection, {"until": current, "most": OPEN_IN_SNAPSHOT}).fetchone()
    read_to = before[0] if before else 0
    return ChangePage(name, current, tickets, stock, reset=True, more=True, read_to=read_to, unreadable=unreadable)


def continue_snapshot(connection: sa.Connection, last: ChangePage, *, moved_only: bool = False) -> ChangePage:
    """Return the page of a snapshot that follows its page `last`."""
    query, until = _MOVED if moved_only else _OPEN, last.revision
    tickets, read_to, unreadable = _tickets(connection, query, last.read_to, until)
    return ChangePage(last.incarnation, until, tickets, more=read_to < until, read_to=read_to, unreadable=unreadable)


def stock_between(connection: sa.Connection, after: int, until: int) -> list[Stock]:
    """Return the stock whose last change has a revision above `after` and up to `until`: a menu is small."""
    found = stock_by_item(_STOCK.run(connection, {})).values()
    return [each for each in found if after < each.revision <= until]


def _tickets(
    connection: sa.Connection, query: Statement, after: int, until: int
) -> tuple[list[Ticket], int, list[TicketUnreadable]]:
    """Return a page of tickets, the revision up to which all have been read, and those that cannot be read."""
    rows, more = _page(query.run(connection, {"after": after, "until": until, "most": PAGE_TICKETS + 1}))
    tickets, unreadable = _decode(rows)
    return tickets, rows[-1][_REVISION_AT] if more else until, unreadable


def _decode(rows: Iterable[Sequence[Any]]) -> tuple[list[Ticket], list[TicketUnreadable]]:
    read = [read_ticket(row) for row in rows]
    return (
        [ticket for ticket in read if isinstance(ticket, Ticket)],
        [ticket for ticket in read if isinstance(ticket, TicketUnreadable)],
    )


def _page(rows: Iterable[Sequence[Any]]) -> tuple[list[Sequence[Any]], bool]:
    """Return the rows that one page holds, at least one of them, and whether there are more."""
    page: list[Sequence[Any]] = []
    size = 0
    for row in rows:
        size += TICKET_BYTES + len(row[_LINES_AT]) // 2
        if page and (size > PAGE_BYTES or len(page) == PAGE_TICKETS):
            return page, True
        page.append(row)
    return page, False
