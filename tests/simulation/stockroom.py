"""The stock's keepers: deliveries, counts, waste, corrections, items taken off sale and put back; and their mirror.

They send a change again until it has a response, under the same change id. The mirror adds up what each change that was
made must have done; it shares nothing with the product but the requests.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from departments.domain.errors import StockRefused
from departments.domain.stock import Stock
from departments.domain.stock_changes import ChangeReason, StockOrder
from infra.errors import DatabaseError
from tests.simulation.world import Gone, World

UNCERTAIN = (Gone, DatabaseError)
QUANTITIES = (ChangeReason.DELIVERY, ChangeReason.COUNT, ChangeReason.WASTE, ChangeReason.CORRECTION)
OF_SALE = ("off_sale", "on_sale")


@dataclass(slots=True)
class Change:
    """A change that was asked for. `shift`: in which it was made for certain; -1 where that is not known."""

    name: str
    order: StockOrder
    shift: int = -1
    is_made: bool = False


@dataclass(slots=True)
class Stockroom:
    """All who change the stock of a restaurant. `shifts` counts the copies and restores of each department."""

    world: World
    dice: random.Random
    shifts: Counter[str]
    complaints: list[str] = field(default_factory=list)
    changes: dict[str, Change] = field(default_factory=dict)
    ever_off_sale: set[tuple[str, str]] = field(default_factory=set)
    requests: int = 0

    async def work(self) -> None:
        """Change the stock, for ever; each change is begun without waiting for those before it."""
        while True:
            await asyncio.sleep(self.dice.expovariate(1.5))
            name = self.dice.choice(sorted(self.world.menus))
            item = self.dice.choice(sorted(self.world.menus[name].items))
            if self.dice.random() < 0.3:
                self.world.loop.spawn(None, self._sell(name, item, on_sale=self.dice.random() < 0.6))
            else:
                self.world.loop.spawn(None, self._change(Change(name, self._order(name, item))))

    def _order(self, name: str, item: str) -> StockOrder:
        dice, change_id = self.dice, f"{self.dice.getrandbits(64):x}"
        match reason := dice.choice(QUANTITIES):
            case ChangeReason.DELIVERY:
                return StockOrder(item, change_id, reason, dice.randint(1, 3), changed_by="porter")
            case ChangeReason.WASTE:
                return StockOrder(item, change_id, reason, -dice.randint(1, 2), changed_by="cook")
            case ChangeReason.CORRECTION:
                return StockOrder(item, change_id, reason, dice.choice((-2, -1, 1, 2)), changed_by="chef")
        there = self.world.disks[name].query(f"SELECT on_hand FROM stock WHERE item = '{item}'")
        expected = (there[0].on_hand if there else 0) + dice.choice((0, 0, 0, 1))
        count = max(0, expected + dice.choice((-2, -1, 0, 1, 2)))
        return StockOrder(item, change_id, reason, 0, count, expected, "chef")

    async def _change(self, change: Change) -> None:
        """Ask for a change until there is a response, and sometimes once more."""
        self.changes[change.order.change_id] = change
        for _ in range(self.dice.choice((1, 3, 6))):
            if not await self.ask(change):
                await asyncio.sleep(self.dice.expovariate(2))
            elif self.dice.random() < 0.5:
                return

    async def ask(self, change: Change) -> bool:
        """Ask for a change once; return whether there was a response."""
        name, order = change.name, change.order
        shift, was_made = self.shifts[name], change.shift >= 0
        self.requests += 1
        try:
            stock = await self.world.ask(name, lambda department: department.change_stock(order))
        except UNCERTAIN:
            return False
        except StockRefused as error:
            if was_made and change.shift >= 0:
                self.complaints.append(f"{name}: {order} was made, and is refused when it is repeated: {error}")
            return True
        except Exception as error:  # noqa: BLE001 - a complaint, whatever it is
            self.complaints.append(f"{name}: {order}: {error!r}")
            return True
        if stock.item != order.item:
            self.complaints.append(f"{name}: {order} got the response {stock}")
        if shift == self.shifts[name] and change.shift < 0:
            change.shift = shift
        change.is_made = True
        return True

    async def _sell(self, name: str, item: str, *, on_sale: bool) -> bool:
        """Take an item off sale or put it back; return whether there was a response."""
        self.requests += 1
        if not on_sale:
            self.ever_off_sale.add((name, item))
        try:
            stock: Stock = await self.world.ask(
                name, lambda department: department.set_on_sale(item, "chef", on_sale=on_sale)
            )
        except UNCERTAIN:
            return False
        except Exception as error:  # noqa: BLE001 - a complaint, whatever it is
            self.complaints.append(f"{name}: {item} on sale {on_sale}: {error!r}")
            return True
        if stock.item != item or stock.off_sale is on_sale:
            self.complaints.append(f"{name}: {item} on sale {on_sale} got the response {stock}")
        return True

    def forget_shift(self, name: str) -> None:
        """Note that a copy of before this shift is restored: what was made in it, and what nobody knows of, is void."""
        for change in self.changes.values():
            if change.name == name and change.shift in (-1, self.shifts[name]):
                change.shift, change.is_made = -1, False

    async def check(self, ticked: Callable[[str], set[str]]) -> None:
        """When all is quiet: ask for each change once more, so that all are made or refused, and look at the records.

        `ticked` returns the orders of a department whose revision may be that of a tick.
        """
        for change in self.changes.values():
            change.is_made = False
            if not await self.ask(change):
                self.complaints.append(f"{change.name}: {change.order} has no response though all is quiet")
        for name in sorted(self.world.menus):
            rows = self.world.disks[name].query("SELECT * FROM stock_changes ORDER BY revision")
            self._check_records(name, {row.change_id: row for row in rows})
            tickets = [row for row in self.world.disks[name].query(_UNTOUCHED) if row.order_id not in ticked(name)]
            self.complaints += sold_while_off_sale(name, rows, tickets)
            for item in sorted(self.world.menus[name].items):
                await self._sell_for_good(name, item)

    def _check_records(self, name: str, rows: Mapping[str, Any]) -> None:
        made = {key: change.order for key, change in self.changes.items() if change.name == name and change.is_made}
        for change_id, order in made.items():
            if (row := rows.get(change_id)) is None:
                self.complaints.append(f"{name}: {order} was made, and there is no record")
            elif (row.item, row.reason, row.delta) != (order.item, order.reason, _delta(order)):
                self.complaints.append(f"{name}: {order} was made; its record is {row}")
            elif order.reason is ChangeReason.COUNT and row.on_hand != order.count:
                self.complaints.append(f"{name}: {order} was made; afterwards {row.on_hand} were on hand")
        others = [row for key, row in rows.items() if key not in made and row.changed_by != "menu file"]
        for row in others:
            if row.reason not in OF_SALE or row.delta:
                self.complaints.append(f"{name}: nobody was told of {row}")

    async def _sell_for_good(self, name: str, item: str) -> None:
        on_sale = self.dice.random() < 0.5
        if not await self._sell(name, item, on_sale=on_sale):
            self.complaints.append(f"{name}: {item} cannot be put on sale though all is quiet")
        (row,) = self.world.disks[name].query(f"SELECT off_sale FROM stock WHERE item = '{item}'")
        if row.off_sale == on_sale:
            self.complaints.append(f"{name}: {item} on sale is to be {on_sale}, and there is {row}")

    def received(self) -> Counter[tuple[str, str]]:
        """Add up what the changes that were made have brought and taken, but for waste, by department and item."""
        total: Counter[tuple[str, str]] = Counter()
        for change in self.changes.values():
            if change.is_made and change.order.reason is not ChangeReason.WASTE:
                total[change.name, change.order.item] += _delta(change.order)
        return total

    def discarded(self) -> Counter[tuple[str, str]]:
        """Add up what was thrown away, by department and item."""
        total: Counter[tuple[str, str]] = Counter()
        for change in self.changes.values():
            if change.is_made and change.order.reason is ChangeReason.WASTE:
                total[change.name, change.order.item] -= _delta(change.order)
        return total


def _delta(order: StockOrder) -> int:
    return order.count - order.expected if order.reason is ChangeReason.COUNT else order.delta


_UNTOUCHED = """
    SELECT order_id, lines, revision FROM tickets
    WHERE state = 'queued' AND epoch = 0 AND moved_at_ms = 0
"""
"""Tickets whose revision is that with which they were placed, unless they were ticked."""


def sold_while_off_sale(name: str, changes: list[Any], tickets: list[Any]) -> list[str]:
    """List the tickets that accepted an item while it was off sale; the changes are in the order of their revisions."""
    wrong = []
    for ticket in tickets:
        sale = {row.item: row.reason for row in changes if row.revision < ticket.revision and row.reason in OF_SALE}
        lines = msgspec.json.decode(ticket.lines)
        bad = [
            line["item"]
            for line in lines
            if (line["outcome"] == "accepted" and sale.get(line["item"]) == "off_sale")
            or (line["outcome"] == "off_sale" and sale.get(line["item"]) != "off_sale")
        ]
        if bad:
            wrong.append(f"{name}: {ticket.order_id} of {ticket.revision} asks for {bad}, which were {sale}")
    return wrong
