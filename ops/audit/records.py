"""Reads orders, tickets and stock for the audit; an error names the database and its schema."""

import re
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from departments import slices as ticket_slices
from departments import stock_audit, tables
from departments.domain.errors import TicketUnreadable
from departments.rows import TicketOrUnreadable
from departments.stock_audit import StockByTickets
from gateway.domain.errors import OrderUnreadable
from gateway.domain.order import Order
from gateway.orders import slices as order_slices
from gateway.orders.journal import Journal
from infra.db.database import Database
from infra.errors import DatabaseError, StartError
from ops.audit.following import Followed, followed
from ops.audit.slices import Rows, Shares, Slice, read_slice

PAGE = 1000
"""How many orders are looked up by their ids at once."""

SLICE = 2000

_is_uuid = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}").fullmatch


class Records:
    """The journal and the departments' databases, opened for reading."""

    def __init__(
        self,
        journal: Database,
        departments: Mapping[str, Database],
        on_unreadable: Callable[[OrderUnreadable], None],
        *,
        slice_size: int = SLICE,
    ) -> None:
        """`on_unreadable` is called for each order that is read and not understood.

        `slice_size`: how many orders, and how many tickets of each department, a slice has at most.
        """
        self._slice_size = slice_size
        self._journal_database = journal
        self._journal = Journal(journal, on_unreadable)
        self._on_unreadable = on_unreadable
        self._departments = departments

    @property
    def departments(self) -> Iterable[str]:
        """The names of the departments that have a database here."""
        return self._departments.keys()

    async def slices(self) -> AsyncIterator[Slice]:
        """Read everything in the order of the order ids, a slice at a time."""
        after: str | None = ""
        while after is not None:
            until = await self._end_of_slice(after)
            yield await self._slice(after, until)
            after = until

    async def _end_of_slice(self, after: str) -> str | None:
        """Return where the slice ends that begins after an order id; None where it is the last one."""
        with naming(self._journal_database):
            ends = [await self._journal_database.read(order_slices.end_of_slice, after, self._slice_size)]
        for database in self._departments.values():
            with naming(database):
                ends.append(await database.read(ticket_slices.end_of_slice, after, self._slice_size))
        # What is no UUID in lower case may have another place in a database's order than it has here.
        return min((end for end in ends if end is not None and _is_uuid(end)), default=None)

    async def _slice(self, after: str, until: str | None) -> Slice:
        seen = await self.followed()
        tickets = {}
        for name, database in self._departments.items():
            with naming(database):
                tickets[name] = await database.read(ticket_slices.tickets_between, after, until)
        with naming(self._journal_database):
            orders = await self._journal_database.read(order_slices.orders_between, after, until)
            known = await self._journal_database.read(order_slices.known_between, after, until)
            again = await self._journal_database.read(order_slices.archived_between, after, until)
        return read_slice(Rows(seen, tickets, orders, known, again), self._on_unreadable)

    async def orders(self, order_ids: Iterable[str]) -> dict[str, Order]:
        """Read orders by their ids; those that do not exist or cannot be read are left out."""
        with naming(self._journal_database):
            found = await self._journal.find_all(list(order_ids))
        return {order_id: row for order_id, row in found.items() if isinstance(row, Order)}

    async def archived(self, order_ids: Iterable[str]) -> set[str]:
        """Return those of these order ids whose orders were archived."""
        wanted = list(order_ids)
        with naming(self._journal_database):
            return await self._journal.archived(wanted) if wanted else set()

    async def archived_tickets(self, department: str, order_ids: Collection[str]) -> set[str]:
        """Return those of these orders whose tickets a department has archived."""
        database = self._departments[department]
        with naming(database):
            return await database.read(tables.archived_among, order_ids) if order_ids else set()

    async def tickets_again(self, department: str, order_ids: Collection[str]) -> set[str]:
        """Return those of these orders of which a department has a ticket, though it has archived it."""
        database = self._departments[department]
        with naming(database):
            return await database.read(ticket_slices.there_again, order_ids) if order_ids else set()

    async def with_tickets(self, orders: Sequence[Order]) -> AsyncIterator[tuple[Order, Shares]]:
        """Read the tickets of these orders.

        A department is left out of an order's shares that has no database here, whose ticket cannot be read, or that
        has archived it, as it may where the journal is a restored one.
        """
        tickets: dict[str, dict[str, TicketOrUnreadable]] = {}
        archived: dict[str, set[str]] = {}
        for name, database in self._departments.items():
            order_ids = [order.order_id for order in orders if name in order.shares]
            with naming(database):
                tickets[name] = await database.read(tables.read_tickets, order_ids) if order_ids else {}
            missing = [order_id for order_id in order_ids if order_id not in tickets[name]]
            archived[name] = await self.archived_tickets(name, missing)
        for order in orders:
            concerned = [name for name in order.shares if name in tickets and order.order_id not in archived[name]]
            found = {name: tickets[name].get(order.order_id) for name in concerned}
            yield order, {name: each for name, each in found.items() if not isinstance(each, TicketUnreadable)}

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
