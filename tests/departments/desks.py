"""A desk on a real database, as the tests drive it."""

from collections import Counter

from sqlalchemy import Connection

from departments import desk
from departments.__main__ import MIGRATIONS
from departments.desk import Answer, Shelves
from departments.domain.errors import DepartmentError
from departments.domain.menu import Menu
from departments.domain.placing import Placement
from departments.domain.stock import Stock
from departments.domain.tickets import Decision, State, Ticket, Verb
from plumbing.database import Database
from tests.departments.factories import BAR, obeys_the_law

SOLD = frozenset({State.QUEUED, State.PREPARING, State.READY, State.SERVED})
EVERYTHING = 1_000_000


class Desk:
    """The desk's use cases, each in a transaction of its own."""

    def __init__(self, database: Database, menu: Menu = BAR) -> None:
        self.database = database
        self.menu = menu

    @classmethod
    async def open(cls, url: str, menu: Menu = BAR) -> "Desk":
        database = Database(url, schema="bar")
        database.prepare(MIGRATIONS)
        await database.write(desk.open_department, menu)
        return cls(database, menu)

    async def place(self, *placements: Placement, now_ms: int = 1) -> list[Answer]:
        return await self.database.write(desk.place, self.menu, placements, now_ms)

    async def place_one(self, placement: Placement) -> Ticket:
        (answer,) = await self.place(placement)
        assert isinstance(answer, Ticket)
        return answer

    async def confirm(self, *order_ids: str, epoch: int = 0) -> list[Answer]:
        return await self.settle(Verb.CONFIRM, *(Decision(order_id, epoch) for order_id in order_ids))

    async def suspend(self, *order_ids: str, epoch: int = 0) -> list[Answer]:
        return await self.settle(Verb.SUSPEND, *(Decision(order_id, epoch) for order_id in order_ids))

    async def settle(self, verb: Verb, *decisions: Decision) -> list[Answer]:
        use_case = {Verb.CONFIRM: desk.confirm, Verb.SUSPEND: desk.suspend}[verb]
        return await self.database.write(use_case, decisions, 2)

    async def cancel(self, *order_ids: str, now_ms: int = 2) -> list[Answer]:
        return await self.database.write(desk.cancel, order_ids, now_ms)

    async def move(self, order_id: str, *verbs: Verb) -> Ticket:
        for verb in verbs:
            ticket = await self.database.write(desk.move, order_id, verb)
        return ticket

    async def changes(self, after: int = 0, *states: State, limit: int = EVERYTHING) -> tuple[list[Ticket], int]:
        return await self.database.read(desk.changes, after, states, limit)

    async def shelves(self) -> Shelves:
        return await self.database.read(desk.shelves)

    async def stock(self, item: str = "coffee") -> Stock:
        return (await self.shelves()).stock[item]

    async def check_the_law(self) -> None:
        """Recompute every figure from the tickets, in one reading transaction."""
        shelves, tickets = await self.database.read(_everything)
        assert obeys_the_law(shelves.stock.values())
        for item, shelf in shelves.stock.items():
            assert shelf.held == _accepted(tickets, frozenset({State.HELD}))[item]
            assert shelf.sold == _accepted(tickets, SOLD)[item]


def state(answer: Answer) -> State:
    """The state of a ticket that was answered; what is an error instead is raised."""
    if isinstance(answer, DepartmentError):
        raise answer
    return answer.state


def _everything(connection: Connection) -> tuple[Shelves, list[Ticket]]:
    return desk.shelves(connection), desk.changes(connection, 0, (), EVERYTHING)[0]


def _accepted(tickets: list[Ticket], states: frozenset[State]) -> Counter[str]:
    figures: Counter[str] = Counter()
    for ticket in tickets:
        if ticket.state in states:
            for line in ticket.accepted():
                figures[line.item] += line.quantity
    return figures
