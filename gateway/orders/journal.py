"""The journal: every order as it was asked for and as it stands, durable.

New orders and changes of known ones share one group commit, so that one fsync serves many. A change that recovery could
derive again may be written later, with the next batch: it costs no fsync of its own.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
import structlog

from gateway.domain.days import Calendar
from gateway.domain.errors import OrderArchived, OrderNotFound, OrderUnreadable, TakenOver
from gateway.domain.order import Order, Status
from gateway.domain.progress import TicketProgress
from gateway.domain.tickets import Position
from gateway.orders import leases, queries, ticket_states
from gateway.orders.numbering import Numbering, Ranks
from gateway.orders.reports import Reports
from gateway.orders.tables import (
    DELETE,
    INSERT,
    UPDATE,
    Row,
    archived_among,
    ask_archived,
    count_beat,
    row_of,
    row_of_change,
)
from gateway.orders.ticket_states import Page, Unsettled, Withdrawal
from gateway.orders.traces import traced_journal
from gateway.orders.wanted import ANY, Wanted
from infra.db.database import Database, encode_json, statements_only
from infra.errors import DatabaseError
from infra.group_commit import GroupCommit
from infra.tracing.spans import Tracer

BATCH = 512
RECORD_SECONDS = 0.05
"""How long a change that is written later may wait for a batch to go with."""

log = structlog.get_logger("journal")


@dataclass(frozen=True, slots=True)
class JournalPage:
    """Orders, newest first. `cursor` asks for the next page; None on the last. `unreadable` are missing in `orders`."""

    orders: list[Order]
    cursor: int | None
    unreadable: Sequence[OrderUnreadable] = ()


class Journal:
    """What the gateway writes down.

    Gateways may share a journal (`is_shared`). Each has a number and a lease; an order has one owner, and only its
    owner writes it.

    Rows are read one by one. One that this version cannot read is logged and skipped, and keeps its owner and its
    epoch, so that a newer version takes it up.
    """

    def __init__(
        self,
        database: Database,
        report: "Callable[[OrderUnreadable], None] | None" = None,
        *,
        calendar: Calendar | None = None,
        tracer: Tracer | None = None,
    ) -> None:
        """Write to a database whose tables are in place.

        `report` is called for each order that cannot be read, once for each reason; by default it is logged. `calendar`
        has the restaurant's days, on which orders are numbered; by default those of UTC. `tracer` records batches.
        """
        self._database = database
        self.is_shared = database.url.drivername != "sqlite"
        self._report_new = report or _log_unreadable
        self.calendar = calendar or Calendar(UTC)
        self.reports = Reports(database, self._report)
        self._numbering = Numbering(self.calendar)
        self.number = 0
        self._unreadable: dict[str, str] = {}
        self._logged: set[tuple[str, str]] = set()
        self.writes: GroupCommit[_Entry, Order | None] = GroupCommit(
            traced_journal(self._commit, tracer), limit=BATCH, max_delay=RECORD_SECONDS
        )

    def insert(self, order: Order) -> "asyncio.Future[Order | None]":
        """Write a new order; the result is the order that has its id already, or None.

        Raises OrderArchived, DatabaseError.
        """
        order.owner = self.number
        return self.writes.submit(_Entry(order, is_new=True))

    def update(self, order: Order) -> "asyncio.Future[Order | None]":
        """Write what became of an order, durable when it returns. Raises TakenOver, DatabaseError."""
        return self.writes.submit(_Entry(order))

    def update_later(self, order: Order) -> "asyncio.Future[Order | None]":
        """Write what became of an order when it costs least; what is written is the order as it is now."""
        return self.writes.submit_later(_Entry(order))

    @property
    def unreadable(self) -> int:
        """How many orders cannot be read, of those that were unfinished at the last claim or asked for since."""
        return len(self._unreadable)

    async def enlist(self) -> None:
        """Take a number, with a lease."""
        self.number = await self._database.write(leases.enlist)

    async def retire(self) -> None:
        """End the own lease: others may take over at once what is unfinished."""
        await self._database.write(leases.retire, self.number)

    async def claim(self, ended: leases.Ended, limit: int) -> list[Order] | None:
        """Renew the lease, and take over the oldest unfinished orders of gateways whose leases ended.

        A journal on SQLite is not shared: there every other gateway is one of the past, and `ended` is not called.
        Return None where another gateway has ended this one's lease.
        """
        rows = await self._database.write(leases.claim, self.number, ended if self.is_shared else dict, limit)
        if rows is None:
            return None
        self._unreadable.clear()
        return self._readable(rows)

    async def take(self, order_id: str) -> Order | None:
        """Take over one order, whichever gateway owns it: from here on that gateway's writes are fenced off.

        Raises OrderUnreadable, and then nothing has changed.
        """
        try:
            return await self._database.write(leases.take, self.number, order_id)
        except OrderUnreadable as error:
            self._report(error)
            raise

    async def flush(self) -> None:
        """Wait until everything that was submitted is written."""
        await self.writes.drain()

    async def find(self, order_id: str) -> Order | None:
        """Read one order; raises OrderUnreadable."""
        for order in self._readable(await self._database.look_up(queries.find_with_tickets, [order_id]), demand=True):
            return order
        return None

    async def missing(self, order_id: str) -> OrderArchived | OrderNotFound:
        """Return the error for an order that the journal does not have."""
        return OrderArchived(order_id) if await self.archived([order_id]) else OrderNotFound(order_id)

    async def find_all(self, order_ids: Sequence[str]) -> dict[str, Order | OrderUnreadable]:
        """Read these orders, by their ids; unknown ones are left out."""
        rows = await self._database.look_up(queries.find_with_tickets, order_ids)
        self._readable(rows)
        return {row.order_id: row for row in rows}

    async def known(self, order_ids: Sequence[str]) -> set[str]:
        """Return those of these order ids that the journal has or had, whatever stands in their records."""
        return await self._database.read(queries.known, order_ids)

    async def archived(self, order_ids: Sequence[str]) -> set[str]:
        """Return those of these order ids whose orders were archived."""
        return await self._database.look_up(archived_among, order_ids)

    async def renewals(self) -> dict[int, int]:
        """Return how often each gateway that has a lease has renewed it, by its number."""
        return await self._database.read(leases.renewals)

    async def page(
        self,
        limit: int,
        before: int | None,
        status: Status | None,
        table: str | None,
        *,
        also: Sequence[str] = (),
        wanted: Wanted = ANY,
    ) -> JournalPage:
        """Read a page of orders, newest first; `also` in their places these, which may be of another status here."""
        rows, cursor = await self._database.read(queries.page, limit, before, status, table, also, wanted)
        unreadable = tuple(row for row in rows if isinstance(row, OrderUnreadable))
        return JournalPage(self._readable(rows), cursor, unreadable)

    async def tickets(self, order_ids: Sequence[str]) -> dict[str, dict[str, TicketProgress]]:
        """Return the tickets of these orders that the staff have moved, by order id and department."""
        return await self._database.look_up(ticket_states.read_tickets, order_ids)

    async def followed(self) -> tuple[dict[str, Position], list[Withdrawal]]:
        """Return how far each department has been followed, and the withdrawals that are not settled."""
        return await self._database.read(ticket_states.read_start)

    async def write_followed(self, page: Page) -> set[Withdrawal]:
        """Write what the staff did, and the position after it; return the withdrawals that are new, or void now."""
        write = ticket_states.write_page if page.is_snapshot else ticket_states.write_changes
        return await self._database.write(write, page)

    async def unsettled(self, withdrawal: Withdrawal) -> Unsettled | None:
        """Return what an order's row has still to be compared with, or None where it is settled."""
        return await self._database.look_up(ticket_states.read_unsettled, withdrawal)

    async def settle_withdrawal(self, withdrawal: Withdrawal, found: Unsettled) -> bool:
        """Note that the order's row says what the staff did; return False where that has changed meanwhile."""
        return await self._database.write(ticket_states.settle, withdrawal, found)

    async def unfinished(self) -> list[str]:
        """List the orders of this gateway that owe a department something, by their ids."""
        return await self._database.read(queries.unfinished, self.number)

    async def is_writable(self) -> bool:
        """Return whether the journal takes writes, by writing."""
        try:
            await self._database.write(count_beat)
        except DatabaseError as error:
            log.debug("the journal cannot be written", reason=str(error))
            return False
        return True

    def _readable(self, rows: "Sequence[Order | OrderUnreadable]", *, demand: bool = False) -> list[Order]:
        """Skip and report what cannot be read; raises OrderUnreadable where all of it is demanded."""
        orders: list[Order] = []
        for row in rows:
            if isinstance(row, OrderUnreadable):
                self._report(row)
                if demand:
                    raise row
            else:
                orders.append(row)
                if self._unreadable:
                    self._unreadable.pop(row.order_id, None)
        return orders

    def _report(self, error: OrderUnreadable) -> None:
        """Count an order that cannot be read; it is logged once for each reason."""
        self._unreadable[error.order_id] = error.reason
        if (error.order_id, error.reason) not in self._logged:
            self._logged.add((error.order_id, error.reason))
            self._report_new(error)

    async def _commit(self, entries: "list[_Entry]") -> "Sequence[Order | Exception | None]":
        new = [entry.order for entry in entries if entry.is_new]
        if self._numbering.number_now(new):
            return (await self._database.write(_write, entries, None))[0]
        results, ranks = await self._database.write(_write, entries, self._numbering)
        if ranks is not None:
            self._numbering.keep(ranks)
        return results


def _log_unreadable(error: OrderUnreadable) -> None:
    log.error("an order cannot be read", order_id=error.order_id, reason=error.reason)


class _Entry:
    """An order as it is when it is submitted."""

    __slots__ = ("is_new", "key", "order", "row")

    def __init__(self, order: Order, *, is_new: bool = False) -> None:
        self.order = order
        self.is_new = is_new
        self.row = row_of(order) if is_new else row_of_change(order)
        self.key = order.order_id, order.owner

    def numbered_row(self) -> dict[str, Any]:
        """Return the row of a new order, which has its number by now."""
        self.row["number"] = self.order.number
        return self.row


@statements_only
def _write(
    connection: sa.Connection, entries: "Sequence[_Entry]", numbering: Numbering | None
) -> "tuple[list[Order | Exception | None], Ranks | None]":
    """Write a batch; return the results, and the ranks that are left where `numbering` gave the new orders numbers."""
    ranks = None
    if numbering is not None:
        ranks = numbering.number_in(connection, [entry.order for entry in entries if entry.is_new])
    new = [entry.numbered_row() for entry in entries if entry.is_new]
    inserted = _insert(connection, new)
    # Asked after the insert: whoever archives an order has deleted it by then, or the insert has found it. All results
    # are read at the end, since PostgreSQL is waited for with the first of them.
    archived = ask_archived(connection, [row["order_id"] for row in new])
    last: dict[tuple[str, int], _Entry] = {}
    for entry in entries:
        if not entry.is_new and (entry.key not in last or last[entry.key].row["epoch"] <= entry.row["epoch"]):
            last[entry.key] = entry
    updated = UPDATE.run_rows(connection, [entry.row for entry in last.values()]) if last else ()
    known = _refused(connection, new, inserted, archived)
    written = set(map(tuple, updated))

    def result(entry: _Entry) -> "Order | Exception | None":
        if entry.is_new:
            return known.get(entry.row["order_id"])
        is_written = entry.key in written and last[entry.key].order is entry.order
        return None if is_written else TakenOver(entry.row["order_id"])

    return [result(entry) for entry in entries], ranks


def _insert(connection: sa.Connection, rows: list[dict[str, Any]]) -> Iterable[tuple[str]]:
    """Write new orders; returns the ids of those that were not there before."""
    if not rows:
        return ()
    rows.sort(key=itemgetter("order_id"))  # two gateways that insert the same orders wait for each other in one order
    return INSERT.run_rows(connection, rows)


def _refused(
    connection: sa.Connection,
    rows: list[dict[str, Any]],
    inserted: Iterable[tuple[str]],
    archived: Iterable[tuple[str]],
) -> "dict[str, Row | OrderArchived]":
    """Read the orders that were there before they could be inserted, and take back those that were archived."""
    ids, gone = ({order_id for (order_id,) in found} for found in (inserted, archived))
    refused = [row["order_id"] for row in rows if row["order_id"] not in ids]
    known: dict[str, Row | OrderArchived] = {order_id: OrderArchived(order_id) for order_id in gone}
    if again := sorted(ids & gone):
        DELETE.run(connection, {"order_ids": encode_json(again)})
    if refused:
        known.update((row.order_id, row) for row in queries.find(connection, refused))
    return known
