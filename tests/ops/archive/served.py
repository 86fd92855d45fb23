"""A restaurant's databases whose orders can be served, archived, and looked for."""

import random
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import uuid_utils

from departments.domain.placing import Placement, RequestedLine
from departments.domain.tickets import TicketSource, TicketState, Verb
from gateway.domain.days import Calendar
from gateway.domain.lines import Line
from gateway.domain.order import Order, Policy
from gateway.orders.ticket_states import Unsettled, Withdrawal
from infra.db.database import Database
from ops.archive.archiver import Archived, Archiver
from ops.archive.files import SUFFIX, Header, Record, key_of, read_archive, write_archive
from tests.ops.audit.test_following import follow
from tests.ops.books import STOCK, Books

Write = Callable[[Path, Header, Sequence[Record]], Path]

WAYS = ((Verb.START, TicketState.QUEUED), (Verb.FINISH, TicketState.PREPARING), (Verb.SERVE, TicketState.READY))

BEFORE_MS = 1_000_000
"""After all that happens in these databases."""


class Died(Exception):
    """The archiving process was killed."""


class Dying:
    """A database at whose next but `left` write the process dies, before its commit or after it."""

    def __init__(self, database: Database, left: list[int], *, after_commit: bool) -> None:
        self._database = database
        self._left = left
        self._after_commit = after_commit

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    async def write(self, *arguments: Any) -> Any:
        self._left[0] -= 1
        if self._left[0] == 0 and not self._after_commit:
            raise Died
        result = await self._database.write(*arguments)
        if self._left[0] == 0:
            raise Died
        return result


class Served(Books):
    """Books with whole days' work."""

    placed: list[Order]

    async def some_orders(self, *, lines_cancelled: bool = True) -> None:
        """Place, serve, withdraw, refuse and sell; and cancel lines, but for tables that are to be taken back."""
        self.placed = [await self.serve(await self.place(coffees=n % 2 + 1)) for n in range(3)]
        self.placed.append(await self.serve(await self.place(policy=Policy.ALL_OR_NOTHING)))
        self.placed.append(await self.place(policy=Policy.ALL_OR_NOTHING, coffees=STOCK))  # refused
        cancelled = await self.place()
        await self.cancel(cancelled)
        self.placed.append(cancelled)
        if lines_cancelled:
            self.placed.append(await self.serve_part())
        sale = Placement(str(uuid_utils.uuid7()), [RequestedLine("pizza", 1)], source=TicketSource.COUNTER)
        await self.sell("kitchen", sale)
        self.open_order = await self.place()
        self.newest = await self.serve(await self.place())

    async def serve(self, order: Order) -> Order:
        """Let the staff of both departments prepare and serve an order, and the gateway follow."""
        for name in self.departments:
            for verb, expected in WAYS:
                await self.step(name, order, verb, expected)
            await follow(self, name, order)
        return order

    async def serve_part(self) -> Order:
        """Serve an order of which the bar's staff cancel one line while it is queued, and another one once started."""
        order = await self.place(coffees=1, more=[Line("bar", "coffee"), Line("bar", "coffee")])
        for verb, expected in WAYS:
            await self.step("kitchen", order, verb, expected)
        await follow(self, "kitchen", order)
        await self.step("bar", order, Verb.CANCEL_LINE, TicketState.QUEUED, "no milk", 0)
        await self.step("bar", order, Verb.START)
        await self.step("bar", order, Verb.CANCEL_LINE, TicketState.PREPARING, "it fell down", 2)
        await self.step("bar", order, Verb.FINISH, TicketState.PREPARING)
        await self.step("bar", order, Verb.SERVE, TicketState.READY)
        reasons = {0: "no milk", 2: "it fell down"}
        assert order.withdraw_lines("bar", reasons)
        await self.journal.update(order)
        await follow(self, "bar", order)
        withdrawal = Withdrawal(order.order_id, "bar")
        assert await self.journal.settle_withdrawal(withdrawal, Unsettled(False, "", reasons, gone=False))
        return order

    @property
    def folder(self) -> Path:
        return self.home / "archive"

    def archiver(
        self,
        *,
        wrap: Callable[[Database], object] = lambda database: database,
        write: Write = write_archive,
        now_ms: int = BEFORE_MS,
    ) -> Archiver:
        """Return an archiver; `wrap` returns what it gets for each database."""
        return Archiver(
            cast("Database", wrap(self.journal_database)),
            {name: cast("Database", wrap(database)) for name, database in self.departments.items()},
            self.folder,
            Calendar(ZoneInfo("Europe/Berlin")),
            before_ms=BEFORE_MS,
            now_ms=now_ms,
            removed_at_once=1,
            write=write,
        )

    async def archive(self) -> Archived:
        return await self.archiver().archive()

    def archived(self) -> dict[str, set[str]]:
        """Return the order ids in the files, by their source."""
        found: dict[str, set[str]] = {name: set() for name in ("gateway", *self.departments)}
        for path in self.folder.glob(f"*{SUFFIX}"):
            header, records = read_archive(path)
            found[header.source] |= {key_of(header, record)[2] for record in records}
        return found

    async def stored(self) -> dict[str, set[str]]:
        """Return the order ids in the databases, by the program."""
        tables = {"gateway": "orders"} | dict.fromkeys(self.departments, "tickets")
        databases: Mapping[str, Database] = {"gateway": self.journal_database, **self.departments}
        return {name: set(await databases[name].read(_order_ids, table)) for name, table in tables.items()}

    async def everything(self) -> dict[str, set[str]]:
        """Return the order ids that are stored or archived, by the program."""
        stored, archived = await self.stored(), self.archived()
        return {name: stored[name] | archived[name] for name in stored}


def _order_ids(connection: Any, table: str) -> list[str]:
    return list(connection.exec_driver_sql(f"SELECT order_id FROM {table}").scalars())


async def archive_with_crashes(served: Served, seed: int, write: Write = write_archive) -> int:
    """Archive until it is done, with processes that are killed at any write; return how many were.

    After each death, everything is stored or archived, and the audit finds nothing.
    """
    dice = random.Random(seed)
    before, deaths = await served.everything(), 0
    while True:
        left, after_commit = [dice.randint(1, 4)], dice.random() < 0.5
        wrap = partial(Dying, left=left, after_commit=after_commit)
        dying = served.archiver(wrap=wrap, write=write, now_ms=BEFORE_MS + deaths)
        try:
            await dying.archive()
        except Died:
            deaths += 1
        else:
            return deaths
        assert await served.everything() == before, "what was removed is in no archive"
        assert (await served.audit()).is_right
