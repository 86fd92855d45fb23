"""Clients who order, give up, ask again, take back and watch, and some who come back. They remember every response."""

import asyncio
import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.domain.errors import (
    BrokenOff,
    NotCancellable,
    OrderArchived,
    OrderIdTaken,
    OrderNotFound,
    TakenOver,
    UnknownDepartment,
)
from gateway.domain.lines import Line
from gateway.domain.order import Order, Policy
from infra.errors import DatabaseError
from tests.simulation.audit import Entry, Wish, Word
from tests.simulation.virtual import EPOCH
from tests.simulation.world import CURRENCIES, Gone, Told, World

UNCERTAIN = (BrokenOff, Gone, DatabaseError, TakenOver, UnknownDepartment)
"""What a client who asks again later is entitled to meet."""


@dataclass(slots=True)
class Clients:
    """All clients of a gateway, and what they remember.

    `more_share`: of the departments of an order, those that are asked for a line more, so that their staff can cancel
    one of several. `archived`: when it was heard that an order is archived, by its id; from then on nobody may hear
    anything else.
    """

    world: World
    dice: random.Random
    policy_share: float = 0.5
    cancel_share: float = 0.2
    more_share: float = 0.0
    think: float = 0.3
    entries: dict[str, Entry] = field(default_factory=dict)
    makers: dict[str, Callable[[], Order]] = field(default_factory=dict)
    archived: dict[str, float] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)
    requests: int = 0
    is_closing: bool = False

    async def come(self, clients: int, orders: int, served: Callable[[], None]) -> None:
        """Let so many clients place so many orders among them."""
        left = iter(range(orders))

        async def order_on() -> None:
            for _ in left:
                await asyncio.sleep(self.dice.expovariate(1 / self.think))
                await self._dine()
                served()

        loop = self.world.loop
        await asyncio.gather(*(loop.spawn(None, order_on()) for _ in range(clients)))

    async def come_back(self) -> None:
        """Ask anew for any order that was ever asked for, until it is closing time."""
        while not self.is_closing:
            await asyncio.sleep(self.dice.expovariate(4))
            if self.makers:
                order_id = self.dice.choice(list(self.makers))
                entry, new = self.entries[order_id], self.makers[order_id]
                match self.dice.choices(("find", "place", "cancel", "other"), (3, 3, 1, 1)):
                    case ["find"]:
                        await self._look(entry)
                    case ["place"]:
                        await self._place(entry, new)
                    case ["cancel"]:
                        await self._cancel(entry)
                    case _:
                        await self._ask_for_something_else(entry, new)

    async def look_at_all(self) -> None:
        """When all is quiet: look at every order once more."""
        for entry in self.entries.values():
            await self._look(entry)

    def order(self) -> Callable[[], Order]:
        """Make up an order; each call of what is returned is the same order, sent anew."""
        dice = self.dice
        order_id = str(uuid.UUID(int=dice.getrandbits(128), version=4))
        policy = Policy.ALL_OR_NOTHING if dice.random() < self.policy_share else Policy.BEST_EFFORT
        names = dice.sample(sorted(self.world.menus), dice.randint(1, len(self.world.menus)))
        wishes = []
        prices, more = random.Random(f"prices {order_id}"), random.Random(f"more {order_id}")
        for name in names:
            for _ in range(dice.choice((1, 1, 2))):
                item = dice.choice([*self.world.menus[name].items, "fish"]) if dice.random() < 0.1 else None
                item = item or dice.choice(list(self.world.menus[name].items))
                quantity, note = dice.choice((1, 1, 1, 2, 3)), dice.choice(("", "no ice"))
                price = self._expected_price(prices, name, item)
                wishes.append(Wish(name, item, quantity, note, price, allergy=prices.random() < 0.1))
            if more.random() < self.more_share:
                wishes.append(Wish(name, more.choice(list(self.world.menus[name].items)), 1, "to go with it"))
        table = str(dice.randint(1, 9))
        self.entries[order_id] = Entry(order_id, policy, wishes)

        def make() -> Order:
            now = int((EPOCH + self.world.loop.time()) * 1000)
            return Order.new(order_id, policy, table, CURRENCIES[0], [Line(*wish) for wish in wishes], now)

        self.makers[order_id] = make
        return make

    def _expected_price(self, dice: random.Random, name: str, item: str) -> int | None:
        """Choose the price that a line states: none, as most do, the one that its client sees now, or another."""
        if dice.random() < 0.6:
            return None
        seen = self.world.price(name, item)
        return dice.choice((seen, seen, seen, seen - 10, seen + 10, 0))

    async def _dine(self) -> None:
        dice = self.dice
        new = self.order()
        entry = self.entries[new().order_id]
        loop = self.world.loop
        together = dice.choice((2, 3)) if dice.random() < 0.15 else 1
        await asyncio.gather(*(loop.spawn(None, self._place(entry, new)) for _ in range(together)))
        if dice.random() < self.cancel_share:
            await self._cancel(entry)
        if dice.random() < 0.2:
            await asyncio.sleep(dice.expovariate(1))
            await self._place(entry, new)
        if dice.random() < 0.1:
            await self._ask_for_something_else(entry, new)
        if dice.random() < 0.3:
            await asyncio.sleep(dice.expovariate(1))
            await self._look(entry)

    async def _place(self, entry: Entry, new: Callable[[], Order]) -> None:
        for _ in range(self.dice.choice((1, 4, 4, 8))):
            self.requests += 1
            asked = self.world.loop.time()
            try:
                told = await self.world.place(self.dice.choice(self.world.gateways), new)
            except UNCERTAIN:
                await asyncio.sleep(self.dice.expovariate(2))
                continue
            except OrderArchived:
                self._hear_archived(entry)
                return
            except Exception as error:  # noqa: BLE001 - a complaint, whatever it is
                self.complaints.append(f"place {entry.order_id}: {error!r}")
                return
            self._remember(entry, "place", asked, told)
            return

    async def _cancel(self, entry: Entry) -> None:
        known = bool(entry.words)
        for _ in range(self.dice.choice((1, 4))):
            asked = self.world.loop.time()
            try:
                told = await self.world.cancel(self.dice.choice(self.world.gateways), entry.order_id)
            except UNCERTAIN:
                entry.cancel_sent = True
                await asyncio.sleep(self.dice.expovariate(2))
                continue
            except NotCancellable:
                self._compare_with_archived(entry, "cancel", asked)
                entry.cancel_refused = True
                return
            except OrderArchived:
                self._hear_archived(entry)
                return
            except OrderNotFound:
                if known or self._is_archived(entry):
                    self.complaints.append(f"cancel {entry.order_id}: it was acknowledged, and is not known")
                return
            except Exception as error:  # noqa: BLE001 - a complaint, whatever it is
                self.complaints.append(f"cancel {entry.order_id}: {error!r}")
                return
            entry.cancel_sent = True
            self._remember(entry, "cancel", asked, told)
            return

    async def _look(self, entry: Entry) -> None:
        known, asked = bool(entry.words), self.world.loop.time()
        try:
            told = await self.world.find(self.dice.choice(self.world.gateways), entry.order_id)
        except UNCERTAIN:
            return
        except OrderArchived:
            self._hear_archived(entry)
            return
        except OrderNotFound:
            if known or self._is_archived(entry):
                self.complaints.append(f"find {entry.order_id}: it was acknowledged, and is not known")
            return
        except Exception as error:  # noqa: BLE001 - a complaint, whatever it is
            self.complaints.append(f"find {entry.order_id}: {error!r}")
            return
        self._remember(entry, "find", asked, told)

    async def _ask_for_something_else(self, entry: Entry, new: Callable[[], Order]) -> None:
        if not entry.words:
            return

        changes_price = int(entry.order_id[0], 16) % 2 == 0

        def other() -> Order:
            order = new()
            if changes_price:
                order.lines[0].expected_price = 7 if order.lines[0].expected_price is None else None
            else:
                order.lines[0].note = "and quickly"
            return order

        asked = self.world.loop.time()
        try:
            await self.world.place(self.dice.choice(self.world.gateways), other)
        except UNCERTAIN:
            return
        except OrderIdTaken:
            self._compare_with_archived(entry, "place", asked)
            return
        except OrderArchived:
            self._hear_archived(entry)
            return
        except Exception as error:  # noqa: BLE001 - a complaint, whatever it is
            self.complaints.append(f"place {entry.order_id}, changed: {error!r}")
            return
        self.complaints.append(f"place {entry.order_id}: another order was taken under its id")

    def _is_archived(self, entry: Entry) -> bool:
        return entry.order_id in self.world.disks["gateway"].archived()

    def _hear_archived(self, entry: Entry) -> None:
        """Remember that an order is archived, which has to be true."""
        self.world.loop.note("archived", entry.order_id)
        self.archived.setdefault(entry.order_id, self.world.loop.time())
        if not self._is_archived(entry):
            self.complaints.append(f"{entry.order_id}: told that it is archived, and it is not")

    def _compare_with_archived(self, entry: Entry, verb: str, asked: float) -> None:
        """Complain where an order was archived when it was asked for, and the response is another one."""
        if asked > self.archived.get(entry.order_id, asked):
            self.complaints.append(f"{verb} {entry.order_id}: it was archived, and is not any more")

    def _remember(self, entry: Entry, verb: str, asked: float, told: Told) -> None:
        self.world.loop.note("told", verb, told)
        self._compare_with_archived(entry, verb, asked)
        entry.words.append(Word(asked, self.world.loop.time(), told))
