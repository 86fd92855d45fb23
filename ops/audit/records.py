"""Reads orders, tickets and stock for the audit; an error names the database and its schema."""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from departments import stock_audit, tables
from departments.domain.errors import TicketUnreadable
from departments.domain.tickets import Ticket
from departments.stock_audit import StockByTickets
from gateway.domain.errors import OrderUnreadable
from gateway.domain.order import Order
from gateway.orders.journal import Journal, JournalPage
from gateway.orders.ticket_states import KnownState, read_known
from infra.db.database import Database
from infra.errors import DatabaseError, StartError
from ops.audit.following import Followed, followed

PAGE = 1000
"""How many orders or tickets are read at once."""

TicketRow = Ticket | TicketUnreadable

Shares = dict[str, Ticket | None]
"""An order's tickets by department; None where the department has no ticket of it."""


class Records:
    """The journal and the departments' databases, opened for reading."""

    def __init__(
        self,
        journal: Database,
        departments: Mapping[str, Database],
        on_unreadable: Callable[[OrderUnreadable], None],
    ) -> None:
        """`on_unreadable` is called for each order that is read and not understood."""
        self._journal_database = journal
        self._journal = Journal(journal, on_unreadable)
        self._departments = departments

    @property
    def departments(self) -> Iterable[str]:
        """The names of the departments that have a database here."""
        return self._departments.keys()

    async def page_of_orders(self, cursor: int | None) -> JournalPage:
        """Read a page of orders, the newest first."""
        with naming(self._journal_database):
            return await self._journal.page(PAGE, cursor, None, None)

    async def orders(self, order_ids: Iterable[str]) -> dict[str, Order]:
        """Read orders by their ids; those that do not exist or cannot be read are left out."""
        with naming(self._journal_database):
            found = await self._journal.find_all(list(order_ids))
        return {order_id: row for order_id, row in found.items() if isinstance(row, Order)}

    async def with_tickets(self, orders: Sequence[Order]) -> AsyncIterator[tuple[Order, Shares]]:
        """Read the tickets of these orders.

        A department without a database here, or whose ticket cannot be read, is left out of an order's shares.
        """
        tickets: dict[str, dict[str, TicketRow]] = {}
        for name, database in self._departments.items():
            order_ids = [order.order_id for order in orders if name in order.shares]
            with naming(database):
                tickets[name] = await database.read(tables.read_tickets, order_ids) if order_ids else {}
        for order in orders:
            found = {name: tickets[name].get(order.order_id) for name in order.shares if name in tickets}
            yield order, {name: each for name, each in found.items() if not isinstance(each, TicketUnreadable)}

    async def pages_of_tickets(self, department: str) -> AsyncIterator[list[TicketRow]]:
        """Read all tickets of a department, a page at a time."""
        database = self._departments[department]
        after = ""
        while True:
            with naming(database):
                page = await database.read(tables.page_of_tickets, after, PAGE)
            if not page:
                return
            yield page
            after = page[-1].order_id

    async def stock(self, department: str) -> StockByTickets:
        """Read a department's stock, and what its tickets have taken, as of one moment."""
        with naming(self._departments[department]):
            return await self._departments[department].read(stock_audit.stock_by_tickets)

    async def followed(self) -> Followed:
        """Read how far the gateway has followed the departments."""
        with naming(self._journal_database):
            positions, unsettled = await self._journal.followed()
        incarnations: dict[str, str | None] = {}
        for name, database in self._departments.items():
            with naming(database):
                incarnations[name] = await database.read(tables.incarnation)
        return followed(positions, incarnations, unsettled)

    async def known_states(self, department: str, order_ids: Iterable[str]) -> Mapping[str, KnownState]:
        """Read what the gateway knows of a department's tickets, by their order ids."""
        with naming(self._journal_database):
            return await self._journal_database.read(read_known, department, list(order_ids))

    async def orders_beyond_stock(self, department: str, item: str, received: int) -> list[str]:
        """Return the ids of the orders whose tickets took more of an item than was ever received."""
        with naming(self._departments[department]):
            return await self._departments[department].read(stock_audit.orders_beyond_stock, item, received)


@contextmanager
def naming(database: Database) -> Iterator[None]:
    """Raise StartError with the database's name where it cannot be read."""
    try:
        yield
    except DatabaseError as error:
        raise StartError(f"{database}, {database.schema}, cannot be read: {error}") from error
    except ValueError as error:  # msgspec's errors are subclasses
        raise StartError(f"{database}, {database.schema}, holds a record that cannot be read: {error}") from error
