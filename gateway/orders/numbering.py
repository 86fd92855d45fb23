"""Gives new orders their short numbers, in the transaction that writes them down.

The ranks of a day's orders are taken from its row in blocks, so that most batches need no statement for them. A block
belongs to one gateway; what it has not used when it ends is skipped. Whatever fails, no rank is used again.

Whoever takes the first block of a day looks which orders of days before are still open (open_numbers.py), and writes
their numbers into the day's row: nobody gives these on that day.
"""

import json
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from gateway.domain.days import Calendar
from gateway.domain.numbers import order_number
from gateway.domain.order import Order
from gateway.orders.open_numbers import open_numbers
from gateway.orders.tables import order_days, own
from infra.db.database import Statement, insert_into, tenant

BLOCK = 16
"""How many ranks are taken at once, at least; beside what is needed at that moment, as many again."""


def _take_ranks(connection: sa.Connection) -> sa.ClauseElement:
    values: dict[str, Any] = {name: sa.bindparam(name, type_=sa.BigInteger) for name in ("day", "permutation", "taken")}
    first = insert_into(connection.dialect, order_days).values(restaurant=tenant(connection), **values)
    return first.on_conflict_do_update(
        index_elements=[order_days.c.restaurant, order_days.c.day],
        set_={"taken": order_days.c.taken + first.excluded.taken},
    ).returning(order_days.c.permutation, order_days.c.taken, order_days.c.held)


_TAKE = Statement(_take_ranks)
_HOLD = Statement(
    lambda connection: (
        sa.update(order_days)
        .where(own(connection, order_days), order_days.c.day == sa.bindparam("on_day", type_=sa.BigInteger))
        .values(held=sa.bindparam("numbers", type_=sa.Text))
    )
)


@dataclass(slots=True)
class Ranks:
    """What this gateway has of a day's ranks: the numbers that it may give, the next one last."""

    day: int = 0
    numbers: list[int] = field(default_factory=list)


class Numbering:
    """Gives numbers to new orders, batch by batch."""

    def __init__(self, calendar: Calendar) -> None:
        """`calendar` says on which day an order was placed."""
        self._day_of = calendar.day_of
        self._start_ms = calendar.start_ms
        self._ranks = Ranks()

    def number_now(self, orders: Sequence[Order]) -> bool:
        """Give all these orders numbers where the ranks that are left suffice; return whether they did."""
        ranks, day_of = self._ranks, self._day_of
        if len(orders) > len(ranks.numbers):
            return False
        day = ranks.day
        for order in orders:
            if day_of(order.created_at_ms) != day:
                return False
            order.number = ranks.numbers.pop()
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
            ranks = self._take(connection, day, len(placed))
            for order in placed:
                order.number = ranks.numbers.pop()
        return ranks

    def keep(self, ranks: Ranks) -> None:
        """Use these ranks from now on; those that were left of the ones before are skipped."""
        self._ranks = ranks

    def _take(self, connection: sa.Connection, day: int, needed: int) -> Ranks:
        """Take ranks of a day until there are as many numbers as needed, and some more; held numbers are skipped."""
        numbers: list[int] = []
        count = needed + max(BLOCK, needed)
        while len(numbers) < needed:
            new = {"day": day, "permutation": secrets.randbits(63), "taken": count}
            ((permutation, taken, text),) = list(_TAKE.run(connection, new))
            held = self._hold(connection, day) if taken == count else json.loads(text or "[]")
            ranks = range(taken - count, taken)
            numbers += [number for rank in ranks if (number := order_number(day, rank, permutation)) not in held]
            count *= 2
        return Ranks(day, numbers[::-1])

    def _hold(self, connection: sa.Connection, day: int) -> set[int]:
        """Write down which numbers may not be given on a day that begins, and return them."""
        held = open_numbers(connection, self._start_ms(day))
        if held:
            _HOLD.run(connection, {"on_day": day, "numbers": json.dumps(sorted(held))})
        return held
