"""The statements on a department's tables. Every function runs inside the caller's transaction.

Every statement is about one restaurant, the tenant of the connection's database. The functions do not take it as an
argument, so no caller can name another one.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from departments.domain.stock import Stock
from departments.domain.tickets import OPEN, Ticket, TicketState
from departments.rows import (
    Taken,
    TicketOrUnreadable,
    read_taken,
    read_ticket,
    row_of_new,
    stock_by_item,
    stock_rows,
    tickets_by_order,
)
from departments.schema import HAS_REVISION, IS_OPEN, archived_tickets, department, metadata, own, steps, stock, tickets
from infra.db.database import Statement, encode_json, insert_records, strings, tenant, update_records

__all__ = ["metadata", "steps", "stock", "tickets"]

ROWS_AT_ONCE = 1000

_TICKET_COLUMNS = list(tickets.c)[1:]
_STOCK_COLUMNS = list(stock.c)[1:]
"""What is read and written of a row: the restaurant is known."""


_FIGURES = [column for column in _STOCK_COLUMNS if column.name not in ("item", "off_sale", "unlimited")]
"""What an order changes of an item's stock."""

_DEPARTMENT_COLUMNS = [column for column in list(department.c)[1:] if column.server_default is None]
_COLUMNS_OF_NEW = [column for column in _TICKET_COLUMNS if column.server_default is None]


def _insert(connection: sa.Connection, table: sa.Table, columns: Sequence["sa.Column[Any]"]) -> "sa.Insert":
    return insert_records(connection.dialect, table, columns, {table.c.restaurant: tenant(connection)})


def _update(
    connection: sa.Connection, table: sa.Table, key: "sa.Column[Any]", columns: Sequence["sa.Column[Any]"]
) -> "sa.Update":
    keys = {table.c.restaurant: tenant(connection)}
    return update_records(connection.dialect, table, [key], columns, constants=keys)


_INSERT_DEPARTMENT = Statement(lambda connection: _insert(connection, department, _DEPARTMENT_COLUMNS))
_NEXT_REVISION = Statement(
    lambda connection: (
        sa.update(department)
        .where(own(connection, department))
        .values(revision=department.c.revision + sa.bindparam("changes"))
        .returning(department.c.revision, department.c.archived)
    )
)
_TICKETS = Statement(
    lambda connection: sa.select(*_TICKET_COLUMNS).where(
        sa.tuple_(tickets.c.restaurant, tickets.c.order_id).in_(
            strings(connection.dialect, "order_ids", tenant(connection))
        )
    )
)
_ARCHIVED = Statement(
    lambda connection: sa.select(archived_tickets.c.order_id).where(
        sa.tuple_(archived_tickets.c.restaurant, archived_tickets.c.order_id).in_(
            strings(connection.dialect, "order_ids", tenant(connection))
        )
    )
)
_INSERT_TICKETS = Statement(lambda connection: _insert(connection, tickets, _COLUMNS_OF_NEW))
_INSERT_TOMBSTONES = Statement(
    lambda connection: _insert(connection, tickets, [*_COLUMNS_OF_NEW, tickets.c.cancelled_at_ms])
)
_UPDATE_TICKETS = Statement(
    lambda connection: _update(
        connection,
        tickets,
        tickets.c.order_id,
        [tickets.c.state, tickets.c.revision, tickets.c.epoch, tickets.c.cancelled_at_ms],
    )
)
_STOCK = Statement(lambda connection: sa.select(*_STOCK_COLUMNS).where(own(connection, stock)))
_INSERT_STOCK = Statement(lambda connection: _insert(connection, stock, _STOCK_COLUMNS))
_UPDATE_STOCK = Statement(lambda connection: _update(connection, stock, stock.c.item, _FIGURES))


def insert_department(connection: sa.Connection, incarnation: str) -> None:
    """Insert the restaurant's row with its revision, unless there is one: a database may be new to a restaurant."""
    _INSERT_DEPARTMENT.run_rows(connection, [{"revision": 0, "beats": 0, "incarnation": incarnation}])


def reserve_revisions(connection: sa.Connection, changes: int) -> int:
    """Reserve the next `changes` revisions and return the first.

    Every writing transaction starts with this. The lock on the row lets one such transaction run at a time, so they
    commit in the order of their revisions, on PostgreSQL as on SQLite.
    """
    last: int = _NEXT_REVISION.run(connection, {"changes": changes}).fetchone()[0]
    return last - changes + 1


def open_batch(
    connection: sa.Connection, order_ids: Collection[str], changes: int
) -> tuple[int, dict[str, TicketOrUnreadable], dict[str, Stock], set[str]]:
    """Reserve revisions, then read the tickets of these orders and all stock.

    Return the first revision, both, and the orders whose tickets were archived, which are looked up only where there
    are any. Three statements are sent before the first result is read. The lock that the first one takes makes the
    others see everything that earlier transactions committed.
    """
    revision = _NEXT_REVISION.run(connection, {"changes": changes})
    known = _TICKETS.run(connection, {"order_ids": encode_json(list(order_ids))})
    items = _STOCK.run(connection, {})
    last, archived = revision.fetchone()
    gone = archived_among(connection, order_ids) if archived else set()
    return last - changes + 1, tickets_by_order(known), stock_by_item(items), gone


def archived_among(connection: sa.Connection, order_ids: Collection[str]) -> set[str]:
    """Return those of these orders whose tickets were archived."""
    return {order_id for (order_id,) in _ARCHIVED.run(connection, {"order_ids": encode_json(list(order_ids))})}


def write_probe(connection: sa.Connection) -> None:
    """Change a column that nothing reads."""
    update = sa.update(department).where(own(connection, department))
    connection.execute(update.values(beats=department.c.beats + 1))


def incarnation(connection: sa.Connection) -> str | None:
    """Return the name of the database's incarnation, or None where the department has never been open."""
    query = sa.select(department.c.incarnation).where(own(connection, department))
    name: str | None = connection.execute(query).scalar_one_or_none()
    return name


def position(connection: sa.Connection) -> tuple[int, str]:
    """Return the department's revision and incarnation."""
    query = sa.select(department.c.revision, department.c.incarnation).where(own(connection, department))
    revision, incarnation = connection.execute(query).one()
    return revision, incarnation


def renew_incarnations(connection: sa.Connection, name: str) -> None:
    """Write the name of a new incarnation, for all restaurants of the database: a restore restores all of them."""
    connection.execute(sa.update(department).values(incarnation=name))


def read_tickets(connection: sa.Connection, order_ids: Collection[str]) -> dict[str, TicketOrUnreadable]:
    """Return the tickets of these orders, by order id; an unknown order has no entry."""
    return tickets_by_order(_TICKETS.run(connection, {"order_ids": encode_json(list(order_ids))}))


def changed_tickets(
    connection: sa.Connection, after: int, until: int, states: Collection[TicketState], limit: int
) -> list[TicketOrUnreadable]:
    """Return at most `limit` tickets whose last change has a revision above `after` and up to `until`, oldest first.

    `states`: the states to return, or empty for all. Where all of them are open, only open tickets are looked at.
    """
    query = _select_tickets(connection).where(HAS_REVISION, sa.between(tickets.c.revision, after + 1, until))
    if states:
        query = query.where(tickets.c.state.in_(states))
        query = query.where(IS_OPEN) if OPEN.issuperset(states) else query
    query = query.order_by(tickets.c.revision).limit(limit)
    return [read_ticket(row) for row in connection.execute(query)]


def open_tickets(connection: sa.Connection) -> list[TicketOrUnreadable]:
    """Return all tickets that are open, in the order in which they were placed."""
    # With a condition on both columns of the index, SQLite does not read all tickets by their key instead.
    query = _select_tickets(connection).where(IS_OPEN, HAS_REVISION)
    query = query.order_by(tickets.c.placed_at_ms, tickets.c.order_id)
    return [read_ticket(row) for row in connection.execute(query)]


def page_of_tickets(connection: sa.Connection, after: str, limit: int) -> list[TicketOrUnreadable]:
    """Return at most `limit` tickets whose order ids are greater than `after`, in order of their ids."""
    query = _select_tickets(connection).where(tickets.c.order_id > after).order_by(tickets.c.order_id).limit(limit)
    return [read_ticket(row) for row in connection.execute(query)]


def every_ticket(connection: sa.Connection, *, by_age: bool = False) -> Iterator[TicketOrUnreadable]:
    """Yield all tickets as of one moment. They are read in parts, because all of them may not fit into memory."""
    query = _select_tickets(connection).execution_options(yield_per=ROWS_AT_ONCE)
    if by_age:
        query = query.order_by(tickets.c.placed_at_ms, tickets.c.order_id)
    return (read_ticket(row) for row in connection.execute(query))


def what_tickets_took(connection: sa.Connection) -> Iterator[tuple[Taken | None, int]]:
    """Yield what all tickets take from the stock as of one moment, each with how many tickets are so.

    The same may be yielded several times, as tickets are read in parts. None is for tickets that cannot be read.
    """
    columns = tickets.c
    taken = (columns.state, columns.source, columns.wasted, columns.lines, columns.cancelled_lines)
    query = sa.select(*taken).where(own(connection, tickets))
    for part in connection.execute(query.execution_options(yield_per=ROWS_AT_ONCE)).partitions():
        for row, count in Counter(map(tuple, part)).items():  # SQLAlchemy's own rows take longer to hash
            yield read_taken(row), count


def _select_tickets(connection: sa.Connection) -> "sa.Select[Any]":
    return sa.select(*_TICKET_COLUMNS).where(own(connection, tickets))


def insert_tickets(connection: sa.Connection, new: Iterable[Ticket]) -> None:
    """Insert the tickets of orders that were placed, with which nobody has taken a step."""
    if rows := [row_of_new(ticket) for ticket in new]:
        _INSERT_TICKETS.run_rows(connection, rows)


def insert_tombstones(connection: sa.Connection, new: Iterable[Ticket]) -> None:
    """Insert tickets that are cancelled from the beginning."""
    rows = [{**row_of_new(ticket), "cancelled_at_ms": ticket.cancelled_at_ms} for ticket in new]
    if rows:
        _INSERT_TOMBSTONES.run_rows(connection, rows)


def update_tickets(connection: sa.Connection, changed: Iterable[Ticket]) -> None:
    """Write the new states, revisions and epochs of tickets, and the time of the gateway's cancel."""
    rows = [
        {
            "order_id": ticket.order_id,
            "state": ticket.state.value,
            "revision": ticket.revision,
            "epoch": ticket.epoch,
            "cancelled_at_ms": ticket.cancelled_at_ms,
        }
        for ticket in changed
    ]
    if rows:
        _UPDATE_TICKETS.run_rows(connection, rows)


def read_stock(connection: sa.Connection) -> dict[str, Stock]:
    """Return all stock, by item: a menu is small."""
    return stock_by_item(_STOCK.run(connection, {}))


def insert_stock(connection: sa.Connection, new: Sequence[Stock], revision: int) -> None:
    """Insert the stock of new items."""
    if new:
        _INSERT_STOCK.run_rows(connection, stock_rows(new, revision))


def update_stock(connection: sa.Connection, changed: Sequence[Stock], revision: int) -> None:
    """Write the new quantities of items; whether they are off sale or unlimited stays as it is."""
    if changed:
        _UPDATE_STOCK.run_rows(connection, stock_rows(changed, revision))
