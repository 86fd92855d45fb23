"""The staff: cooks who work tickets and repeat what was not answered, and a reader who follows each department's list.

Cooks remember every step that was acknowledged; readers remember every ticket that they were told of. Neither goes
through the gateway.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from departments.domain.errors import StepRefused
from departments.domain.positions import Position
from departments.domain.steps import Move
from departments.domain.tickets import TRANSITIONS, Ticket, TicketState, Verb
from infra.errors import DatabaseError
from tests.simulation.storage import Disk
from tests.simulation.world import Gone, World

UNCERTAIN = (Gone, DatabaseError)
ONWARD = {TicketState.QUEUED: Verb.START, TicketState.PREPARING: Verb.FINISH, TicketState.READY: Verb.SERVE}
BACK = frozenset({TicketState.PREPARING, TicketState.READY, TicketState.SERVED})
CANCELLABLE = frozenset({TicketState.QUEUED, TicketState.PREPARING})
PAGE = 7


@dataclass(slots=True)
class Taken:
    """A step that was acknowledged. `shift` tells between which copies and restores of its department that was."""

    name: str
    move: Move
    ticket: Ticket
    shift: int


@dataclass(slots=True)
class Staff:
    """All cooks and readers of a restaurant."""

    world: World
    dice: random.Random
    complaints: list[str] = field(default_factory=list)
    taken: dict[tuple[str, str], Taken] = field(default_factory=dict)
    shifts: Counter[str] = field(default_factory=Counter)
    readers: list["Reader"] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.readers = [Reader(self, name) for name in sorted(self.world.menus)]

    async def cook(self) -> None:
        """Take steps with tickets, for ever; each is begun without waiting for those before it."""
        while True:
            await asyncio.sleep(self.dice.expovariate(2))
            name = self.dice.choice(sorted(self.world.menus))
            query = (
                "SELECT order_id, state FROM tickets WHERE state NOT IN ('held', 'none', 'cancelled') ORDER BY order_id"
            )
            if not (rows := self.world.disks[name].query(query)):
                continue
            order_id, state = self.dice.choice(rows)
            if verb := self._choose(TicketState(state)):
                reason = self.dice.choice(("", "it fell down")) if verb is Verb.CANCEL else ""
                move = Move(order_id, verb, TicketState(state), f"{self.dice.getrandbits(64):x}", "cook", reason)
                self.world.loop.spawn(None, self._take(name, move))

    def _choose(self, state: TicketState) -> Verb | None:
        chance = self.dice.random()
        if chance < 0.1 and state in CANCELLABLE:
            return Verb.CANCEL
        if chance < 0.25 and state in BACK:
            return Verb.RECALL
        return ONWARD.get(state)

    async def _take(self, name: str, move: Move) -> None:
        """Ask for a step until it is answered, and sometimes once more."""
        for _ in range(self.dice.choice((1, 3, 6))):
            if not await self.ask(name, move):
                await asyncio.sleep(self.dice.expovariate(2))
            elif self.dice.random() < 0.5:
                return

    async def ask(self, name: str, move: Move) -> bool:
        """Ask for a step once; tells whether there was an answer. A step that was acknowledged is answered the same."""
        shift, known = self.shifts[name], self.taken.get((name, move.step_id))
        try:
            ticket = await self.world.ask(name, lambda department: department.move(move))
        except UNCERTAIN:
            return False
        except StepRefused as error:
            if known is not None and known is self.taken.get((name, move.step_id)):
                self.complaints.append(f"{name}: {move} was acknowledged, and is refused when it is repeated: {error}")
            return True
        except Exception as error:  # noqa: BLE001 - a complaint, whatever it is
            self.complaints.append(f"{name}: {move}: {error!r}")
            return True
        if ticket.state is not TRANSITIONS[move.expected, move.verb]:
            self.complaints.append(f"{name}: {move} led to {ticket.state}")
        ticket = replace(ticket, epoch=0)  # it may have grown meanwhile
        if shift != self.shifts[name]:
            return True  # a backup was made or restored meanwhile: nobody knows on which side of it this was
        known = self.taken.setdefault((name, move.step_id), Taken(name, move, ticket, shift))
        if known.ticket != ticket:
            self.complaints.append(f"{name}: {move} was answered {known.ticket}, and when it was repeated {ticket}")
        return True

    def begin_shift(self, name: str) -> None:
        """Note that a department's database was copied."""
        self.shifts[name] += 1

    def forget_shift(self, name: str) -> None:
        """Note that the copy was restored: what was acknowledged since is void."""
        for key in [
            key for key, taken in self.taken.items() if taken.name == name and taken.shift == self.shifts[name]
        ]:
            del self.taken[key]
        self.shifts[name] += 1

    async def check(self) -> None:
        """When all is quiet: every acknowledged step is there, repeated or not, and every reader knows every ticket."""
        for taken in list(self.taken.values()):
            await self.ask(taken.name, taken.move)
            query = f"SELECT revision, after FROM steps WHERE step_id = '{taken.move.step_id}'"
            steps = [tuple(row) for row in self.world.disks[taken.name].query(query)]
            if steps != [(taken.ticket.revision, taken.ticket.state)]:
                self.complaints.append(f"{taken.name}: {taken.move} was answered {taken.ticket}; it has {steps}")
        for reader in self.readers:
            await reader.check()


class Reader:
    """Follows one department's list of tickets."""

    def __init__(self, staff: Staff, name: str) -> None:
        self._staff = staff
        self._name = name
        self._position = Position()
        self._seen: dict[str, tuple[TicketState, int]] = {}

    async def follow(self) -> None:
        """Read on, for ever."""
        while True:
            await asyncio.sleep(self._staff.dice.expovariate(1))
            await self.read()

    async def read(self) -> bool:
        """Read a page; tells whether there was one, and nothing was left to read."""
        before = self._position
        self._staff.complaints += late_stock(self._name, self._staff.world.disks[self._name])
        try:
            page = await self._staff.world.ask(self._name, lambda department: department.changes(before, (), PAGE))
        except UNCERTAIN:
            return False
        if page.reset:
            self._seen.clear()
        elif page.revision < before.after:
            self._staff.complaints.append(f"{self._name}: a reader at {before} was sent back to {page.revision}")
        self._seen |= {ticket.order_id: (ticket.state, ticket.revision) for ticket in page.tickets}
        self._position = Position(page.revision, page.incarnation, page.snapshot)
        return self._position == before

    async def check(self) -> None:
        """Read all that there is, and compare."""
        while not await self.read():
            pass
        rows = self._staff.world.disks[self._name].query("SELECT order_id, state, revision FROM tickets")
        there = {row.order_id: (row.state, row.revision) for row in rows}
        wrong = {key: (self._seen.get(key), there.get(key)) for key in sorted(self._seen.keys() | there.keys())}
        wrong = {key: pair for key, pair in wrong.items() if pair[0] != pair[1]}
        if wrong:
            self._staff.complaints.append(f"{self._name}: a reader believes, and there is: {wrong}")


def late_stock(name: str, disk: Disk) -> list[str]:
    """List what a reader of the stock would miss: items whose revision is before a ticket's that moved them."""
    revisions: Mapping[str, Any] = {row.item: row.revision for row in disk.query("SELECT item, revision FROM stock")}
    moved_stock = """
        SELECT order_id, lines, revision FROM tickets WHERE revision > (SELECT revision FROM department) - 50
        AND NOT EXISTS (SELECT 1 FROM steps WHERE steps.order_id = tickets.order_id
                        AND steps.revision = tickets.revision AND verb <> 'cancel') ORDER BY revision
    """
    return [
        f"{name}: {ticket.order_id} took {line['item']} at {ticket.revision}; its stock is of {revisions[line['item']]}"
        for ticket in disk.query(moved_stock)
        for line in msgspec.json.decode(ticket.lines)
        if line["outcome"] == "accepted" and revisions[line["item"]] < ticket.revision
    ]
