"""Moves finished orders and closed tickets into files, in small batches beside the programs.

    gateway:     read finished orders ── write a file, durably ── remove them, their ids and figures stay
    department:  read closed tickets  ── write a file, durably ── remove them, their ids and sums stay

Nothing is removed that is not in a file, nor what has changed since. A crash after the file leaves rows, which the next
run writes into another file. Orders go first: a department's ticket goes once its order is gone, so no gateway asks the
department about it any more. Until then, and after a restore of either database, the audit knows by the ids.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from departments import archiving as ticket_archiving
from departments.archiving import ClosedTicket
from departments.domain.tickets import TicketSource
from gateway.domain.days import Calendar
from gateway.orders import archiving as order_archiving
from gateway.orders.archiving import FinishedOrder
from gateway.orders.reports import Place
from gateway.orders.tables import archived_among
from infra.db.database import Database
from infra.errors import DatabaseError, StartError
from ops.archive.files import Header, Record, write_archive

T = TypeVar("T")

AT_ONCE = 1000
"""How many rows are read in one transaction."""

IN_A_FILE = 10_000

REMOVED_AT_ONCE = 50
"""How many orders or tickets are removed in one transaction: it takes some milliseconds, in which orders wait."""

PAUSES = 4
"""How many times as long as a transaction took nothing is removed after it."""

TRIES = 20
BUSY_SECONDS = 0.25
"""How often a transaction is tried that finds the database busy, and the pause between."""


@dataclass(slots=True)
class Archived:
    """What was archived: orders and tickets, and the files that have them."""

    orders: int = 0
    tickets: int = 0
    files: int = 0


class Archiver:
    """Archives one restaurant's databases once."""

    def __init__(
        self,
        journal: Database,
        departments: Mapping[str, Database],
        folder: Path,
        calendar: Calendar,
        *,
        before_ms: int,
        now_ms: int,
        removed_at_once: int = REMOVED_AT_ONCE,
        write: Callable[[Path, Header, Sequence[Record]], Path] = write_archive,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Archive into a folder what was finished and has not changed since `before_ms`.

        `calendar` has the restaurant's days. `now_ms` is the time of day, for the files' headers.
        `removed_at_once`: how many orders or tickets are removed in one transaction. `write` writes a file, durable
        when it returns.
        """
        self._journal = journal
        self._departments = departments
        self._folder = folder
        self._calendar = calendar
        self._before_ms = before_ms
        self._now_ms = now_ms
        self._removed_at_once = removed_at_once
        self._write_archive = write
        self._sleep = sleep
        self._archived = Archived()

    async def archive(self) -> Archived:
        """Archive all that may be; raises StartError with the database's name, and then the next run takes the rest."""
        with _naming(self._journal):
            await self._archive_orders()
        for name, database in self._departments.items():
            with _naming(database):
                await self._archive_tickets(name)
        return self._archived

    async def _archive_orders(self) -> None:
        place: Place | None = Place(0, 0)
        waiting: list[FinishedOrder] = []
        while place is not None:
            page = await self._journal.read(order_archiving.read_finished, place, self._before_ms, AT_ONCE)
            waiting += page.orders
            place = page.next
            if waiting and (place is None or len(waiting) >= IN_A_FILE):
                await self._remove_orders(waiting)
                waiting = []

    async def _remove_orders(self, finished: Sequence[FinishedOrder]) -> None:
        self._write("orders", self._journal, "gateway", [{"order": e.row, "tickets": e.tickets} for e in finished])
        for some in _parts(finished, self._removed_at_once):
            self._archived.orders += await self._change(
                self._journal, order_archiving.remove_finished, some, self._calendar
            )

    async def _archive_tickets(self, name: str) -> None:
        after: int | None = 0
        waiting: list[ClosedTicket] = []
        while after is not None:
            page = await self._departments[name].read(ticket_archiving.read_closed, after, self._before_ms, AT_ONCE)
            waiting += await self._without_order(page.tickets)
            after = page.next
            if waiting and (after is None or len(waiting) >= IN_A_FILE):
                await self._remove_tickets(name, waiting)
                waiting = []

    async def _without_order(self, closed: Sequence[ClosedTicket]) -> list[ClosedTicket]:
        """Return the tickets that were sold over the counter, and those whose orders were archived."""
        order_ids = [each.ticket.order_id for each in closed if each.ticket.source is TicketSource.GATEWAY]
        with _naming(self._journal):
            gone = await self._journal.look_up(archived_among, order_ids) if order_ids else set()
        return [each for each in closed if each.ticket.source is TicketSource.COUNTER or each.ticket.order_id in gone]

    async def _remove_tickets(self, name: str, closed: Sequence[ClosedTicket]) -> None:
        database = self._departments[name]
        self._write("tickets", database, name, [{"ticket": e.row, "steps": e.steps} for e in closed])
        for some in _parts(closed, self._removed_at_once):
            self._archived.tickets += await self._change(database, ticket_archiving.remove_closed, some)

    def _write(self, kind: Any, database: Database, source: str, records: Sequence[dict[str, Any]]) -> None:
        header = Header(kind=kind, restaurant=database.tenant, source=source, made_at_ms=self._now_ms)
        self._write_archive(self._folder, header, records)
        self._archived.files += 1

    async def _change(self, database: Database, script: Callable[..., int], *arguments: Any) -> int:
        """Remove a batch, and leave the database to the orders for a while. Twice removes no more than once."""
        for left in reversed(range(TRIES)):
            began = time.monotonic()
            try:
                removed = await database.write(script, *arguments)
            except DatabaseError:
                if not left:
                    raise
                await self._sleep(BUSY_SECONDS)
            else:
                await self._sleep((time.monotonic() - began) * PAUSES)
                return removed
        raise AssertionError("the last try returns or raises")


@contextmanager
def _naming(database: Database) -> Iterator[None]:
    """Raise StartError with the database's name where the body raises DatabaseError."""
    try:
        yield
    except DatabaseError as error:
        raise StartError(f"{database}, {database.schema}, cannot be used: {error}") from error


def _parts(items: Sequence[T], size: int) -> list[Sequence[T]]:
    return [items[start : start + size] for start in range(0, len(items), size)]
