"""A department on a real database, as the tests drive it."""

from collections import Counter

from sqlalchemy import Connection

from departments import staff_transactions, stock_tables, tables, transactions
from departments.domain.errors import DepartmentError
from departments.domain.menu import Menu
from departments.domain.placing import Placement
from departments.domain.positions import Position, TicketPage
from departments.domain.steps import Move, Moved, Tick
from departments.domain.stock import Stock
from departments.domain.stock_changes import StockHistory, StockOrder
from departments.domain.tickets import Decision, Ticket, TicketState, Verb
from departments.stock_tables import HistorySums
from departments.storage import MIGRATIONS
from departments.transactions import StockLevels, TicketOrError
from infra.db.database import Database
from tests.support.department_factories import BAR, new_id, obeys_the_law
from tests.support.migrated import prepare

SOLD = frozenset({TicketState.QUEUED, TicketState.PREPARING, TicketState.READY, TicketState.SERVED})
EVERYTHING = 1_000_000


class DepartmentDatabase:
    """The department's use cases, each in a transaction of its own."""

    def __init__(self, database: Database, menu: Menu = BAR) -> None:
        self.database = database
        self.menu = menu

    @classmethod
    async def open(cls, url: str, menu: Menu = BAR) -> "DepartmentDatabase":
        database = Database(url, schema="bar")
        prepare(database, MIGRATIONS)
        await database.write(transactions.open_department, menu, 1)
        return cls(database, menu)

    async def place(self, *placements: Placement, now_ms: int = 1) -> list[TicketOrError]:
        return await self.database.write(transactions.place, self.menu, placements, now_ms)

    async def place_one(self, placement: Placement) -> Ticket:
        (result,) = await self.place(placement)
        assert isinstance(result, Ticket)
        return result

    async def confirm(self, *order_ids: str, epoch: int = 0) -> list[TicketOrError]:
        return await self.settle(Verb.CONFIRM, *(Decision(order_id, epoch) for order_id in order_ids))

    async def suspend(self, *order_ids: str, epoch: int = 0) -> list[TicketOrError]:
        return await self.settle(Verb.SUSPEND, *(Decision(order_id, epoch) for order_id in order_ids))

    async def settle(self, verb: Verb, *decisions: Decision) -> list[TicketOrError]:
        use_case = {Verb.CONFIRM: transactions.confirm, Verb.SUSPEND: transactions.suspend}[verb]
        return await self.database.write(use_case, decisions, 2)

    async def cancel(self, *order_ids: str, epoch: int = 0, now_ms: int = 2) -> list[TicketOrError]:
        decisions = [Decision(order_id, epoch) for order_id in order_ids]
        return await self.database.write(transactions.cancel, decisions, now_ms)

    async def move(self, order_id: str, *verbs: Verb, moved_by: str = "") -> Ticket:
        """Take steps one after another, each from the state that the ticket is in; a confirm is the gateway's."""
        for verb in verbs:
            if verb is Verb.CONFIRM:
                (result,) = await self.confirm(order_id)
                assert isinstance(result, Ticket)
                ticket = result
            else:
                ticket = await self.take(Move(order_id, verb, await self.state(order_id), new_id(), moved_by))
        return ticket

    async def take(self, move: Move, now_ms: int = 3) -> Ticket:
        return await self.database.write(staff_transactions.move, move, now_ms)

    async def take_all(self, *moves: Move, now_ms: int = 3) -> list[Moved]:
        return await self.database.write(staff_transactions.move_all, moves, now_ms)

    async def tick(self, order_id: str, line: int = 0, *, made: bool = True) -> Ticket:
        return await self.database.write(staff_transactions.tick, Tick(order_id, line, made))

    async def change_stock(self, order: StockOrder, now_ms: int = 3) -> Stock:
        return await self.database.write(staff_transactions.change_stock, order, now_ms)

    async def set_on_sale(self, item: str, changed_by: str = "Ana", *, on_sale: bool) -> Stock:
        return await self.database.write(staff_transactions.set_on_sale, item, changed_by, 3, on_sale)

    async def history(self, item: str = "", before: int = 2**63 - 1, limit: int = EVERYTHING) -> StockHistory:
        return await self.database.read(staff_transactions.stock_history, item, before, limit)

    async def state(self, order_id: str) -> TicketState:
        """The state of a ticket; of an order that is not known, the first that the staff see."""
        return await self.state_of(order_id) or TicketState.QUEUED

    async def state_of(self, order_id: str) -> TicketState | None:
        """The state of a ticket; None of an order that is not known."""
        tickets = await self.database.read(tables.read_tickets, [order_id])
        return state(tickets[order_id]) if order_id in tickets else None

    async def changes(self, after: int = 0, *states: TicketState, limit: int = EVERYTHING) -> tuple[list[Ticket], int]:
        """What changed after a revision, or, from the beginning, what there is; and the revision to go on from."""
        page = await self.page(Position(after), *states, limit=limit)
        return page.tickets, page.revision

    async def page(self, position: Position, *states: TicketState, limit: int = EVERYTHING) -> TicketPage:
        return await self.database.read(transactions.changes, position, states, limit)

    async def stock_levels(self) -> StockLevels:
        return await self.database.read(transactions.stock_levels)

    async def stock(self, item: str = "coffee") -> Stock:
        return (await self.stock_levels()).stock[item]

    async def check_the_law(self) -> None:
        """Recompute every figure from the tickets and from the staff's changes, in one reading transaction."""
        levels, tickets, history = await self.database.read(_everything)
        assert obeys_the_law(levels.stock.values())
        wasted = _accepted([ticket for ticket in tickets if ticket.wasted], frozenset({TicketState.CANCELLED}))
        for line in [line for ticket in tickets for line in ticket.wasted_lines()]:
            wasted[line.item] += line.quantity
        for item, stock in levels.stock.items():
            assert stock.held == _accepted(tickets, frozenset({TicketState.HELD}))[item]
            assert stock.sold == _accepted(tickets, SOLD)[item]
            assert stock.wasted == wasted[item] + history.discarded[item]
            if not stock.unlimited and item not in history.once_unlimited:
                assert stock.received == history.received[item]


def state(result: TicketOrError) -> TicketState:
    """Return the state of a ticket; raise a result that is an error."""
    if isinstance(result, DepartmentError):
        raise result
    return result.state


def _everything(connection: Connection) -> tuple[StockLevels, list[Ticket], HistorySums]:
    tickets = transactions.changes(connection, Position(), (), EVERYTHING).tickets
    return transactions.stock_levels(connection), tickets, stock_tables.history_sums(connection)


def _accepted(tickets: list[Ticket], states: frozenset[TicketState]) -> Counter[str]:
    figures: Counter[str] = Counter()
    for ticket in tickets:
        if ticket.state in states:
            for line in ticket.accepted():
                figures[line.item] += line.quantity
    return figures
