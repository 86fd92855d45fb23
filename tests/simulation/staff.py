"""The staff: cooks who work tickets and repeat what got no response, and a reader who follows each department's list.

Cooks remember every step that was acknowledged; readers remember every ticket that they were told of. Neither goes
through the gateway. Ticks, the stock and watchers have modules of their own.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Container, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from departments.app import DepartmentApp
from departments.domain.errors import LineNotFound, OrderError, StepRefused
from departments.domain.positions import Position
from departments.domain.steps import Move
from departments.domain.tickets import TRANSITIONS, CancelledLine, Outcome, Ticket, TicketState, Verb
from infra.errors import DatabaseError
from tests.simulation.stockroom import Stockroom
from tests.simulation.storage import Disk
from tests.simulation.ticks import Ticks
from tests.simulation.watchers import Watcher
from tests.simulation.world import Gone, World

UNCERTAIN = (Gone, DatabaseError)
ONWARD = {TicketState.QUEUED: Verb.START, TicketState.PREPARING: Verb.FINISH, TicketState.READY: Verb.SERVE}
BACK = frozenset({TicketState.PREPARING, TicketState.READY, TicketState.SERVED})
CANCELLABLE = frozenset({TicketState.QUEUED, TicketState.PREPARING})
PAGE = 7

NO_LINE = 99
"""The place of a line that no ticket has."""

LINE_SHARES = (0.05, 0.3)
"""The share of steps in whose place a line is cancelled: with tickets of one line, and with those of more."""


@dataclass(slots=True)
class Taken:
    """A step that was acknowledged. `shift` tells between which copies and restores of its department that was."""

    name: str
    move: Move
    ticket: Ticket
    shift: int


@dataclass(slots=True)
class Staff:
    """All cooks, readers and watchers of a restaurant; each department has so many `pairs` of watchers.

    `serve_first`: cooks seldom look at what was served, and recall much of that. A ticket that was archived is gone,
    and its steps with it. `undone`: the departments and orders of which lines were cancelled, or may have been, before
    a backup from before that was restored: clients may have seen that.
    """

    world: World
    dice: random.Random
    pairs: int = 1
    steps_a_second: float = 2
    serve_first: bool = False
    complaints: list[str] = field(default_factory=list)
    taken: dict[tuple[str, str], Taken] = field(default_factory=dict)
    shifts: Counter[str] = field(default_factory=Counter)
    undone: set[tuple[str, str]] = field(default_factory=set)
    readers: list["Reader"] = field(default_factory=list)
    watchers: list[Watcher] = field(default_factory=list)
    ticks: Ticks = field(init=False)
    stockroom: Stockroom = field(init=False)

    def __post_init__(self) -> None:
        names = sorted(self.world.menus)
        self.ticks = Ticks(self.world, self.dice, self.shifts, self.complaints)
        self.stockroom = Stockroom(self.world, self.dice, self.shifts, self.complaints)
        self.readers = [Reader(self, name) for name in names]
        self.watchers = [
            Watcher(self.world, name, self.dice, self.complaints, moved_only=moved_only)
            for name in names
            for moved_only in (False, True) * self.pairs
        ]

    def work(self) -> list["asyncio.Task[None]"]:
        """Let everybody work, for ever."""
        return [self.world.loop.spawn(None, work) for work in (self.cook(), self.stockroom.work())]

    def read(self) -> list["asyncio.Task[None]"]:
        """Let everybody read who reads lists, for ever."""
        return [self.world.loop.spawn(None, reader.follow()) for reader in self.readers]

    def watch(self) -> list["asyncio.Task[None]"]:
        """Let everybody watch who watches, for ever."""
        return [self.world.loop.spawn(None, watcher.follow()) for watcher in self.watchers]

    async def cook(self) -> None:
        """Take steps with tickets, for ever; each is begun without waiting for those before it."""
        while True:
            await asyncio.sleep(self.dice.expovariate(self.steps_a_second))
            name = self.dice.choice(sorted(self.world.menus))
            if self.dice.random() < 0.4:
                self.world.loop.spawn(None, self.ticks.tick_one(name))
            if not (rows := self.world.disks[name].query(self._tickets_to_take())):
                continue
            order_id, state, lines = self.dice.choice(rows)
            if verb := self._choose(TicketState(state)):
                reason = self.dice.choice(("", "it fell down")) if verb is Verb.CANCEL else ""
                move = Move(order_id, verb, TicketState(state), f"{self.dice.getrandbits(64):x}", "cook", reason)
                for each in _or_of_lines(move, len(msgspec.json.decode(lines))):
                    self.world.loop.spawn(None, self._take(name, each))

    def _tickets_to_take(self) -> str:
        left_alone = "'held', 'none', 'cancelled'"
        if self.serve_first and self.dice.random() < 0.9:
            left_alone += ", 'served'"
        return f"SELECT order_id, state, lines FROM tickets WHERE state NOT IN ({left_alone}) ORDER BY order_id"

    def _choose(self, state: TicketState) -> Verb | None:
        chance = self.dice.random()
        if chance < 0.1 and state in CANCELLABLE:
            return Verb.CANCEL
        if chance < (0.6 if self.serve_first and state is TicketState.SERVED else 0.25) and state in BACK:
            return Verb.RECALL
        return ONWARD.get(state)

    async def _take(self, name: str, move: Move) -> None:
        """Ask for a step until there is a response, and sometimes once more."""
        for _ in range(self.dice.choice((1, 3, 6))):
            if not await self.ask(name, move):
                await asyncio.sleep(self.dice.expovariate(2))
            elif self.dice.random() < 0.5:
                return

    async def ask(self, name: str, move: Move) -> bool:
        """Ask for a step once; return whether there was a response, which is the same for a step that is repeated."""
        shift, known = self.shifts[name], self.taken.get((name, move.step_id))
        try:
            ticket = await self.world.ask(name, self._way(name, move))
        except UNCERTAIN:
            return False
        except OrderError as error:
            self._hear_refusal(name, move, shift, known, error)
            return True
        except Exception as error:  # noqa: BLE001 - a complaint, whatever it is
            self.complaints.append(f"{name}: {move}: {error!r}")
            return True
        if not _is_taken(move, ticket):
            self.complaints.append(f"{name}: {move} led to {ticket}")
        ticket = replace(ticket, epoch=0)  # it may have grown meanwhile
        if shift != self.shifts[name]:
            return True  # a backup was made or restored meanwhile: nobody knows on which side of it this was
        known = self.taken.setdefault((name, move.step_id), Taken(name, move, ticket, shift))
        if without_ticks(known.ticket) != without_ticks(ticket):
            self.complaints.append(f"{name}: {move} got the response {known.ticket}, and when it was repeated {ticket}")
        return True

    def _hear_refusal(self, name: str, move: Move, shift: int, known: Taken | None, error: OrderError) -> None:
        if self.is_archived(name, move.order_id):
            return
        if not isinstance(error, StepRefused):
            if isinstance(error, LineNotFound) and move.line == NO_LINE:
                return
            if shift == self.shifts[name]:  # else it may have been archived until a backup was restored
                self.complaints.append(f"{name}: {move}: {error!r}")
        elif known is not None and known is self.taken.get((name, move.step_id)):
            self.complaints.append(f"{name}: {move} was acknowledged, and is refused when it is repeated: {error}")

    def _way(self, name: str, move: Move) -> Callable[[DepartmentApp], Awaitable[Ticket]]:
        """Ask for a step alone, or as one of several.

        What the staff cancel before a copy is restored is lost, and a gateway that watches has told clients: that is
        allowed with lines only.
        """

        async def move_alone(department: DepartmentApp) -> Ticket:
            note_undone()
            return await department.move(move)

        def note_undone() -> None:
            if name not in self.world.network.isolated:
                return
            if move.verb is Verb.CANCEL:
                raise Gone("a backup is about to be restored")
            if move.verb is Verb.CANCEL_LINE:
                self.undone.add((name, move.order_id))

        async def move_all(department: DepartmentApp) -> Ticket:
            if move.verb is Verb.CANCEL:
                return await move_alone(department)
            note_undone()
            (result,) = await department.move_all([move])
            if result.error is not None:
                raise result.error
            assert result.ticket is not None
            return result.ticket

        return move_all if self.dice.random() < 0.3 else move_alone

    def is_archived(self, name: str, order_id: str) -> bool:
        """Tell whether a department has archived a ticket."""
        return order_id in self.world.disks[name].archived()

    def begin_shift(self, name: str) -> None:
        """Note that a department's database was copied."""
        self.shifts[name] += 1

    def forget_shift(self, name: str) -> None:
        """Note that the copy was restored: what was acknowledged since is void."""
        for key in [
            key for key, taken in self.taken.items() if taken.name == name and taken.shift == self.shifts[name]
        ]:
            del self.taken[key]
        self.ticks.forget_shift(name)
        self.stockroom.forget_shift(name)
        self.shifts[name] += 1

    async def check(self) -> None:
        """When all is quiet: all that was acknowledged is there, and everybody who follows knows all."""
        for taken in list(self.taken.values()):
            if self.is_archived(taken.name, taken.move.order_id):
                continue
            await self.ask(taken.name, taken.move)
            query = f"SELECT revision, after, line FROM steps WHERE step_id = '{taken.move.step_id}'"
            steps = [tuple(row) for row in self.world.disks[taken.name].query(query)]
            if steps != [(taken.ticket.revision, taken.ticket.state, taken.move.line)]:
                self.complaints.append(f"{taken.name}: {taken.move} got the response {taken.ticket}; it has {steps}")
        self.ticks.check()
        await self.stockroom.check(self.ticks.ticked)
        for reader in self.readers:
            await reader.check()
        for watcher in self.watchers:
            await watcher.check()


def without_ticks(ticket: Ticket) -> Ticket:
    """Return a ticket as no line of it was ticked: the response to a repeated step has the ticks of now."""
    return replace(ticket, lines=[replace(line, made=False) for line in ticket.lines])


def _or_of_lines(move: Move, lines: int) -> Iterator[Move]:
    """Yield the step, or in its place the cancel of a line, at times of one that the ticket does not have.

    Or the cancels of two, by two cooks at once. The dice are the step's own: the evening's are not thrown for it.
    """
    dice = random.Random(f"line {move.step_id}")
    if move.expected not in CANCELLABLE or dice.random() > LINE_SHARES[lines > 1]:
        yield move
        return
    places = [NO_LINE] if dice.random() < 0.02 else dice.sample(range(lines), min(lines, dice.choice((1, 1, 2))))
    for number, line in enumerate(places):
        reason = dice.choice(("", "it is burnt"))
        yield replace(move, verb=Verb.CANCEL_LINE, line=line, reason=reason, step_id=f"{move.step_id}-{number}")


def _is_taken(move: Move, ticket: Ticket) -> bool:
    """Tell whether a ticket is as a step leaves it; the cancel of the last accepted line cancels the ticket."""
    if move.line is None:
        return ticket.state is TRANSITIONS[move.expected, move.verb]
    is_wasted, outcomes = move.expected is TicketState.PREPARING, [line.outcome for line in ticket.lines]
    if ticket.state is TicketState.CANCELLED:
        is_last = outcomes[move.line] is Outcome.ACCEPTED and outcomes.count(Outcome.ACCEPTED) == 1
        return is_last and (ticket.withdrawn, ticket.wasted, ticket.cancel_reason) == (True, is_wasted, move.reason)
    is_cancelled = list(ticket.cancelled_lines[-1:]) == [CancelledLine(move.line, move.reason, is_wasted)]
    is_as_before = ticket.state is move.expected and not (ticket.withdrawn or ticket.wasted or ticket.cancel_reason)
    return is_cancelled and is_as_before and outcomes[move.line] is Outcome.CANCELLED and Outcome.ACCEPTED in outcomes


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
        ticked = self._staff.ticks.ticked(self._name)
        self._staff.complaints += late_stock(self._name, self._staff.world.disks[self._name], ticked)
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
        archived = self._staff.world.disks[self._name].archived() - there.keys()
        wrong = {key: pair for key, pair in wrong.items() if pair[0] != pair[1] and key not in archived}
        if wrong:
            self._staff.complaints.append(f"{self._name}: a reader believes, and there is: {wrong}")


def late_stock(name: str, disk: Disk, ticked: Container[str]) -> list[str]:
    """List what a reader of the stock would miss: items whose revision is before a ticket's that moved them.

    The revision of a ticket that was `ticked` may be that of the tick, which moves no stock. The cancel of a line moves
    that line's item alone.
    """
    revisions: Mapping[str, Any] = {row.item: row.revision for row in disk.query("SELECT item, revision FROM stock")}
    moved_stock = """
        SELECT tickets.order_id, lines, tickets.revision, line FROM tickets
        LEFT JOIN steps ON steps.order_id = tickets.order_id AND steps.revision = tickets.revision
        WHERE tickets.revision > (SELECT revision FROM department) - 50
        AND (verb IS NULL OR verb IN ('cancel', 'cancel_line')) ORDER BY tickets.revision
    """
    return [
        f"{name}: {ticket.order_id} took {line['item']} at {ticket.revision}; its stock is of {revisions[line['item']]}"
        for ticket in disk.query(moved_stock)
        if ticket.order_id not in ticked
        for line in _moved(msgspec.json.decode(ticket.lines), ticket.line)
        if revisions[line["item"]] < ticket.revision
    ]


def _moved(lines: list[dict[str, Any]], cancelled: int | None) -> Iterator[dict[str, Any]]:
    """Yield the lines whose stock a ticket's last change moved: one that the staff `cancelled`, or all accepted."""
    if cancelled is not None:
        yield lines[cancelled]
    else:
        yield from (line for line in lines if line["outcome"] == "accepted")
