"""Gives new orders their short numbers, in the transaction that writes them down.

The ranks of a day's orders are taken from its row in blocks, so that most batches need no statement for them. A block
belongs to one gateway; what it has not used when it ends is skipped. Whatever fails, no rank is used again.
"""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from gateway.domain.days import Calendar
from gateway.domain.numbers import order_number
from gateway.domain.order import Order
from gateway.orders.tables import order_days
from infra.db.database import Statement, tenant

BLOCK = 16
"""How many ranks are taken at once, at least; beside what is needed at that moment, as many again."""


def _take_ranks(connection: sa.Connection) -> sa.ClauseElement:
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    values: dict[str, Any] = {name: sa.bindparam(name, type_=sa.BigInteger) for name in ("day", "permutation", "taken")}
    first = insert(order_days).values(restaurant=tenant(connection), **values)
    return first.on_conflict_do_update(
        index_elements=[order_days.c.restaurant, order_days.c.day],
        set_={"taken": order_days.c.taken + first.excluded.taken},
    ).returning(order_days.c.permutation, order_days.c.taken)


_TAKE = Statement(_take_ranks)


@dataclass(slots=True)
class Ranks:
    """The ranks of a day that this gateway may use: from `next` up to, and without, `end`."""

    day: int = 0
    permutation: int = 0
    next: int = 0
    end: int = 0

    def number(self) -> int:
        """Return the number of the next rank."""
        rank, self.next = self.next, self.next + 1
        return order_number(self.day, rank, self.permutation)


class Numbering:
    """Gives numbers to new orders, batch by batch."""

    def __init__(self, calendar: Calendar) -> None:
        """`calendar` says on which day an order was placed."""
        self._day_of = calendar.day_of
        self._ranks = Ranks()

    def number_now(self, orders: Sequence[Order]) -> bool:
        """Give all these orders numbers where the ranks that are left suffice; return whether they did."""
        ranks, day_of = self._ranks, self._day_of
        if len(orders) > ranks.end - ranks.next:
            return False
        day = ranks.day
        for order in orders:
            if day_of(order.created_at_ms) != day:
                return False
            order.number = ranks.number()
        return True

    def number_in(self, connection: sa.Connection, orders: Iterable[Order]) -> Ranks:
        """Give these orders the numbers of ranks that are taken in this transaction.

        Return the ranks that are left, for `keep` once the transaction is committed.
        """
        by_day: dict[int, list[Order]] = {}
        for order in orders:
            by_day.setdefault(self._day_of(order.created_at_ms), []).append(order)
        ranks = Ranks()
        for day, placed in sorted(by_day.items()):  # the rows are locked in one order by all gateways
            ranks = _take(connection, day, len(placed) + max(BLOCK, len(placed)))
            for order in placed:
                order.number = ranks.number()
        return ranks

    def keep(self, ranks: Ranks) -> None:
        """Use these ranks from now on; those that were left of the ones before are skipped."""
        self._ranks = ranks


def _take(connection: sa.Connection, day: int, count: int) -> Ranks:
    new = {"day": day, "permutation": secrets.randbits(63), "taken": count}
    ((permutation, taken),) = list(_TAKE.run(connection, new))
    return Ranks(day, permutation, taken - count, taken)
