"""The statements of the staff on the tables of the stock, its changes and the menu, for one restaurant as in tables.py.

Every function runs inside the caller's transaction.
"""

import dataclasses
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import sqlalchemy as sa

from departments.domain.stock import Stock
from departments.domain.stock_changes import MENU_FILE, RECEIVED, ChangeReason, StockChange
from departments.schema import HAS_REVISION, own, stock, stock_changes
from infra.db.database import tenant


class HistorySums(NamedTuple):
    """What the history adds up to, by item: how many were received, and how many were thrown away.

    An item that is in `once_unlimited` has received, while it had no figure, what no change tells.
    """

    received: Counter[str]
    discarded: Counter[str]
    once_unlimited: set[str]


_CHANGE_COLUMNS = list(stock_changes.c)[1:]


def write_stock(connection: sa.Connection, changed: Stock) -> None:
    """Write all of an item's stock, also whether it is off sale or unlimited, with its own revision."""
    update = sa.update(stock).where(own(connection, stock), stock.c.item == changed.item)
    values = dataclasses.asdict(changed) | {"off_sale": int(changed.off_sale), "unlimited": int(changed.unlimited)}
    connection.execute(update.values(values))


def insert_changes(connection: sa.Connection, changes: Iterable[StockChange]) -> None:
    """Insert changes of the stock."""
    for change in changes:
        values = dataclasses.asdict(change) | {"reason": change.reason.value}
        connection.execute(sa.insert(stock_changes).values(**values, restaurant=tenant(connection)))


def read_change(connection: sa.Connection, change_id: str) -> StockChange | None:
    """Return the change with this id, or None."""
    row = connection.execute(_select(connection).where(stock_changes.c.change_id == change_id)).one_or_none()
    return None if row is None else _change(row)


def changes_before(connection: sa.Connection, item: str, revision: int, limit: int) -> list[StockChange]:
    """Return at most `limit` changes below a revision, the newest first; of all items where `item` is empty."""
    query = _select(connection).where(HAS_REVISION, stock_changes.c.revision < revision)
    if item:
        query = query.where(stock_changes.c.item == item)
    return [_change(row) for row in connection.execute(query.order_by(stock_changes.c.revision.desc()).limit(limit))]


def history_sums(connection: sa.Connection) -> HistorySums:
    """Add up the changes of each item's stock."""
    sums, columns = HistorySums(Counter(), Counter(), set()), stock_changes.c
    by_menu = (columns.changed_by == MENU_FILE).label("by_menu")
    query = sa.select(columns.item, columns.reason, by_menu, sa.func.sum(columns.delta).label("delta"))
    query = query.where(columns.restaurant == tenant(connection)).group_by(columns.item, columns.reason, by_menu)
    for item, reason, is_by_menu, delta in connection.execute(query):
        if reason == ChangeReason.WASTE:
            sums.discarded[item] -= int(delta)
        elif reason in RECEIVED:
            sums.received[item] += int(delta)
        if reason == ChangeReason.CORRECTION and is_by_menu:
            sums.once_unlimited.add(item)
    return sums


def _select(connection: sa.Connection) -> "sa.Select[tuple[object, ...]]":
    return sa.select(*_CHANGE_COLUMNS).where(own(connection, stock_changes))


def _change(row: "sa.Row[tuple[object, ...]]") -> StockChange:
    return StockChange(**{**row._mapping, "reason": ChangeReason(row.reason)})
