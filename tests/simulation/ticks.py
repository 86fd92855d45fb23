"""The ticks of the staff: which lines are made, as every screen should see it."""

import random
from collections import Counter
from dataclasses import dataclass, field

import msgspec

from departments.domain.errors import LineNotFound, OrderNotFound, TickNotAllowed
from departments.domain.steps import Tick
from infra.errors import DatabaseError
from tests.simulation.world import Gone, World

TICKABLE = "SELECT order_id, lines FROM tickets WHERE state IN ('queued', 'preparing', 'ready') ORDER BY order_id"

Key = tuple[str, str, int]
"""Department, order and place of the line."""


@dataclass(slots=True)
class Ticks:
    """What the staff ticked. `sure`: the lines of which it is known whether they are ticked, and since which shift.

    One tick of a line is asked for at a time. Where a response was lost the line is never sure again: the request may
    arrive later than the next one.
    """

    world: World
    dice: random.Random
    shifts: Counter[str]
    complaints: list[str] = field(default_factory=list)
    sure: dict[Key, tuple[bool, int]] = field(default_factory=dict)
    unsure: set[Key] = field(default_factory=set)
    asked: set[Key] = field(default_factory=set)
    busy: set[Key] = field(default_factory=set)

    async def tick_one(self, name: str) -> None:
        """Tick any line of a department's tickets, or take its tick back."""
        if not (rows := self.world.disks[name].query(TICKABLE)):
            return
        row = self.dice.choice(rows)
        lines = msgspec.json.decode(row.lines)
        key = (name, row.order_id, self.dice.randrange(len(lines)))
        if key in self.busy:
            return
        self.busy.add(key)
        self.asked.add(key)
        tick = Tick(row.order_id, key[2], self.dice.random() < 0.8, "cook")
        for _ in range(self.dice.choice((1, 1, 2))):
            await self._ask(key, tick)
        self.busy.discard(key)

    async def _ask(self, key: Key, tick: Tick) -> None:
        name, order_id, line = key
        shift = self.shifts[name]
        try:
            ticket = await self.world.ask(name, lambda department: department.tick(tick))
        except (Gone, DatabaseError):
            self._forget(key)
            return
        except TickNotAllowed:
            return
        except (OrderNotFound, LineNotFound) as error:
            if order_id not in self.world.disks[name].archived() and shift == self.shifts[name]:
                self.complaints.append(f"{name}: {tick}: {error!r}")
            return
        except Exception as error:  # noqa: BLE001 - a complaint, whatever it is
            self.complaints.append(f"{name}: {tick}: {error!r}")
            return
        if (ticket.order_id, ticket.lines[line].made) != (order_id, tick.made):
            self.complaints.append(f"{name}: {tick} got the response {ticket}")
        if shift != self.shifts[name]:
            self._forget(key)
        elif key not in self.unsure:
            self.sure[key] = tick.made, shift

    def _forget(self, key: Key) -> None:
        self.unsure.add(key)
        self.sure.pop(key, None)

    def forget_shift(self, name: str) -> None:
        """Note that a copy of before this shift is restored: what was ticked since is void."""
        for key, (_, shift) in list(self.sure.items()):
            if key[0] == name and shift == self.shifts[name]:
                self._forget(key)

    def ticked(self, name: str) -> set[str]:
        """Return the orders of which a line may ever have been ticked."""
        return {order_id for where, order_id, _ in self.asked if where == name}

    def check(self) -> None:
        """When all is quiet: what was ticked is, what was not is not, whatever became of the tickets."""
        for name in sorted(self.world.menus):
            for row in self.world.disks[name].query("SELECT order_id, state, lines FROM tickets ORDER BY order_id"):
                for number, line in enumerate(msgspec.json.decode(row.lines)):
                    key = (name, row.order_id, number)
                    made, _ = self.sure.get(key, (False, 0))
                    if key not in self.unsure and line["made"] is not made:
                        self.complaints.append(f"{name}: {key} was ticked {made}, and there is {row}")
