"""The auditor: compares journal, orders, tickets and stock across all databases, of a house that may be at work.

Nothing is stopped and nothing is locked, so databases are read at different moments. Two rules keep that from raising
false alarms. A ticket follows its order's record, so tickets are read first where a missing order would be wrong. And
what looks wrong is looked at again after a moment: a verdict stands only if the journal says the same of an order
before and after its tickets are read, and owes nobody anything. Everything is read in pages.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from uuid import UUID

import msgspec

from departments import stock_audit, tables
from departments.domain.errors import TicketUnreadable
from departments.domain.tickets import Ticket, TicketSource, TicketState
from departments.stock_audit import StockByTickets
from gateway.domain.errors import OrderUnreadable
from gateway.domain.order import Order
from gateway.orders.journal import Journal
from infra.db.database import Database
from infra.errors import DatabaseError, StartError
from ops.audit.rules import HARMLESS, Column, Finding, Note, judge, judge_told

PAGE = 1000
MOMENT_SECONDS = 0.5
LOOKS = 6
"""How often a suspect is looked at again; one that still changes then is at work, not wrong."""

SUSPECTS = 10_000
"""How many suspects are looked at again at once: where a department is down, every order may be one."""

SHOWN = 20
KEPT = 1000
"""How many findings of a kind are shown, and kept; all are counted."""

_decode_note = msgspec.json.Decoder(Note).decode


class Acknowledged:
    """A client's journal: a JSON line for each answer that it received, and for each cancel it was about to ask for.

    `{"order_id": …, "answer": {"status": …, "lines": [{"outcome": …}, …]}}` or `{"order_id": …, "cancel": true}`
    """

    def __init__(self, path: Path) -> None:
        """Read the file whenever it is asked for; it may grow meanwhile."""
        self._path = path

    def notes(self) -> Iterator[Note]:
        """Read the file; raises StartError for a line that is not as it should be."""
        try:
            with self._path.open("rb") as file:
                for number, line in enumerate(file, start=1):
                    if not line.endswith(b"\n"):
                        return  # still being written, or cut off by a crash
                    try:
                        yield _decode_note(line)
                    except msgspec.DecodeError as error:
                        raise StartError(f"{self._path}, line {number}: {error}") from None
        except OSError as error:
            raise StartError(f"{self._path} cannot be read: {error.strerror}") from None

    def cancelled(self) -> set[str]:
        """List the orders whose client has asked to take them back."""
        return {note.order_id for note in self.notes() if note.cancel}


def _no_findings() -> dict[Column, list[Finding]]:
    return {column: [] for column in Column}


def _no_subjects() -> dict[Column, set[str]]:
    return {column: set() for column in Column}


@dataclass(slots=True)
class Report:
    """What was found. `acknowledged`: by the client's journal, or else what the gateway's says was answered.

    `not_looked_at`: departments without a menu file, with how many open orders each is owed something of. `unreadable`:
    orders, and tickets by department and order, that this version cannot read, with the reason.
    """

    acknowledged: int = 0
    orders: int = 0
    tickets: int = 0
    counter_sales: int = 0
    not_looked_at: Counter[str] = field(default_factory=Counter)
    unreadable: dict[str, str] = field(default_factory=dict)
    findings: dict[Column, list[Finding]] = field(default_factory=_no_findings)
    subjects: dict[Column, set[str]] = field(default_factory=_no_subjects)

    @property
    def counts(self) -> dict[Column, int]:
        """Count the orders, or items, in each column."""
        return {column: len(subjects) for column, subjects in self.subjects.items()}

    @property
    def is_right(self) -> bool:
        """Tell whether every promise was kept."""
        return not any(found for column, found in self.findings.items() if column not in HARMLESS)

    @property
    def is_complete(self) -> bool:
        """Tell whether everything could be looked at that is not finished."""
        return not (self.unreadable or self.not_looked_at.total())

    def add(self, findings: Iterable[Finding]) -> None:
        """Take findings in: all are counted, the first are kept."""
        for finding in findings:
            self.subjects[finding.column].add(finding.subject)
            if len(self.findings[finding.column]) < KEPT:
                self.findings[finding.column].append(finding)

    def table(self) -> str:
        """Write the table, and below it what is behind each figure that is not zero."""
        figures: dict[str, int] = {"acknowledged": self.acknowledged} | {str(k): n for k, n in self.counts.items()}
        widths = [max(len(name), len(str(count))) for name, count in figures.items()]
        rows = [
            "  ".join(name.rjust(width) for name, width in zip(figures, widths, strict=True)),
            "  ".join(str(count).rjust(width) for count, width in zip(figures.values(), widths, strict=True)),
            f"{self.orders} orders, {self.tickets} tickets, {self.counter_sales} of them sold over the counter",
        ]
        if self.not_looked_at:
            rows.append(f"not looked at, as there is no menu file: {', '.join(sorted(self.not_looked_at))}")
        rows += [
            f"not known: {count} open orders are owed something by {name}, which has no menu file"
            for name, count in sorted((+self.not_looked_at).items())
        ]
        rows += [f"not known: {subject} cannot be read: {reason}" for subject, reason in self._shown_unreadable()]
        if (more := len(self.unreadable) - SHOWN) > 0:
            rows.append(f"not known: and {more} more cannot be read")
        for column, found in self.findings.items():
            shown = found[:SHOWN]
            rows += [f"{column}: {subject}: {reason}" for _, subject, reason in shown]
            if more := len(self.subjects[column] - {finding.subject for finding in shown}):
                rows.append(f"{column}: and {more} more")
        return "\n".join(rows)

    def _shown_unreadable(self) -> list[tuple[str, str]]:
        return sorted(self.unreadable.items())[:SHOWN]


class Auditor:
    """Looks at one house."""

    def __init__(
        self,
        journal: Database,
        departments: Mapping[str, Database],
        acknowledged: Acknowledged | None = None,
        *,
        moment: float = MOMENT_SECONDS,
        progress: Callable[[Report], None] | None = None,
    ) -> None:
        """Read databases that were opened for reading; `moment`, in seconds, passes between two looks at a suspect.

        `progress` is told of the report as it grows.
        """
        self._journal_database = journal
        self._journal = Journal(journal, self._note_unreadable)
        self._departments = departments
        self._acknowledged = acknowledged
        self._moment = moment
        self._progress = progress
        self._report = Report()
        self._suspects: set[str] = set()

    async def audit(self) -> Report:
        """Look at everything; raises StartError where a database, or the client's journal, cannot be read."""
        if self._acknowledged is not None:
            await self._hear_the_client(self._acknowledged)
        await self._look_at_orders()
        for name, database in self._departments.items():
            await self._look_at_tickets(name, database)
            await self._look_at_shelves(name, database)
        await self._look_again()
        return self._report

    async def _hear_the_client(self, acknowledged: Acknowledged) -> None:
        """Look for answers that are not true any more."""
        seen: set[bytes] = set()
        cancelled = acknowledged.cancelled()
        answers = ((note.order_id, note.answer) for note in acknowledged.notes() if note.answer)
        while page := list(islice(answers, PAGE)):
            orders = await self._orders({order_id for order_id, _ in page})
            for order_id, told in page:
                seen.add(_compact(order_id))
                if order_id in self._report.unreadable:
                    continue
                wrong = judge_told(orders.get(order_id), order_id, told, cancelled=order_id in cancelled)
                if any(wrong):
                    self._suspects.add(order_id)
        self._report.acknowledged = len(seen)

    async def _look_at_orders(self) -> None:
        """Compare orders with their tickets, newest first; what comes in meanwhile is for another audit."""
        cursor: int | None = None
        while True:
            with _told_clearly(self._journal_database):
                page = await self._journal.page(PAGE, cursor, None, None)
            self._report.orders += len(page.orders) + len(page.unreadable)
            if self._acknowledged is None:
                self._report.acknowledged += sum(order.response_recorded for order in page.orders)
            async for order, share in self._shares(page.orders):
                for name in order.shares.keys() - self._departments.keys():
                    self._report.not_looked_at[name] += name in order.owed
                if any(judge(order, share)):
                    self._suspects.add(order.order_id)
            self._tell()
            cursor = page.cursor
            if cursor is None:
                return

    async def _look_at_tickets(self, name: str, database: Database) -> None:
        """Look for tickets that no order asked for: an order is in the journal before a department hears of it."""
        after = ""
        while tickets := await self._page_of_tickets(database, after):
            after = tickets[-1].order_id
            self._report.tickets += len(tickets)
            self._report.unreadable |= {
                f"{name} {ticket.order_id}": ticket.reason for ticket in tickets if isinstance(ticket, TicketUnreadable)
            }
            read = [ticket for ticket in tickets if isinstance(ticket, Ticket)]
            self._report.counter_sales += sum(ticket.source is TicketSource.COUNTER for ticket in read)
            placed = [ticket for ticket in read if ticket.source is TicketSource.GATEWAY]
            orders = await self._orders(ticket.order_id for ticket in placed)
            reason = f"{name} has a ticket, %s, that no order in the journal asks for"
            self._report.add(
                Finding(Column.DOUBLED, ticket.order_id, reason % ticket.state)
                for ticket in placed
                if name not in _departments(orders.get(ticket.order_id))
                and ticket.order_id not in self._report.unreadable
                and not (
                    ticket.state is TicketState.CANCELLED and ticket.order_id not in orders
                )  # settled: nothing is made
            )
            self._tell()

    async def _look_at_shelves(self, name: str, database: Database) -> None:
        """Prove the stock law, and compare the shelves with the tickets, as of one moment."""
        takings = await self._takings(database)
        stock, held, sold, wasted = takings.stock, takings.held, takings.sold, takings.wasted
        for item in sorted(stock.keys() | held.keys() | sold.keys() | wasted.keys()):
            subject = f"{name} {item}"
            shelf = stock.get(item)
            if shelf is None:
                self._report.add([Finding(Column.STOCK_LAW, subject, "there are tickets for it, and no stock")])
                continue
            law = shelf.received == shelf.on_hand + shelf.held + shelf.sold + shelf.wasted
            if not law or min(shelf.on_hand, shelf.held, shelf.sold, shelf.wasted) < 0:
                self._report.add([Finding(Column.STOCK_LAW, subject, f"{shelf}")])
            figures = (shelf.held, shelf.sold, shelf.wasted)
            by_tickets = (held[item], sold[item], wasted[item])
            if not _agree(figures, by_tickets, all_read=not takings.unreadable):
                reason = "held {}, sold {}, wasted {}; by its tickets {}, {}, {}".format(*figures, *by_tickets)
                self._report.add([Finding(Column.STOCK_LAW, subject, reason)])
            if (taken := sum(by_tickets)) > shelf.received:
                reason = f"{subject}: {taken} were taken, and {shelf.received} were there"
                with _told_clearly(database):
                    beyond = await database.read(stock_audit.orders_beyond_stock, item, shelf.received)
                self._report.add(Finding(Column.OVERSOLD, order_id, reason) for order_id in beyond)

    async def _look_again(self) -> None:
        """Look at the suspects again, until what is said of them stands."""
        for look in range(LOOKS):
            if not self._suspects:
                return
            await asyncio.sleep(self._moment)
            suspects = iter(sorted(self._suspects))
            while some := list(islice(suspects, SUSPECTS)):
                verdicts = await self._verdicts(some)
                for order_id, findings in verdicts.items():
                    if findings is None and look == LOOKS - 1:
                        findings = [Finding(Column.UNDECIDED, order_id, "it changes as it is looked at")]
                    if findings is not None:
                        self._report.add(findings)
                        self._suspects.discard(order_id)
                self._tell()

    async def _verdicts(self, suspects: list[str]) -> dict[str, list[Finding] | None]:
        """Judge some suspects; None for one whose record changed meanwhile."""
        findings: dict[str, list[Finding]] = {order_id: [] for order_id in suspects}
        known: dict[str, Order] = {}
        withdrawn: dict[str, set[str]] = {}
        changed: set[str] = set()
        iterator = iter(suspects)
        while page := list(islice(iterator, PAGE)):
            before = await self._orders(page)
            async for order, share in self._shares(list(before.values())):
                findings[order.order_id] += judge(order, share)
                withdrawn[order.order_id] = {name for name, ticket in share.items() if ticket and ticket.withdrawn}
            after = await self._orders(page)
            known.update(after)
            changed.update(order_id for order_id in page if before.get(order_id) != after.get(order_id))
        self._judge_told(findings, known, withdrawn)
        return {order_id: None if order_id in changed else found for order_id, found in findings.items()}

    def _judge_told(
        self,
        findings: dict[str, list[Finding]],
        orders: Mapping[str, Order],
        withdrawn: Mapping[str, set[str]],
    ) -> None:
        """Add what the client's journal says; it is read after the orders, as a cancel is noted before it is asked."""
        if self._acknowledged is None:
            return
        cancelled = self._acknowledged.cancelled()
        for note in self._acknowledged.notes():
            found = findings.get(note.order_id)
            if note.answer is None or found is None or note.order_id in self._report.unreadable:
                continue
            order_id = note.order_id
            for finding in judge_told(
                orders.get(order_id),
                order_id,
                note.answer,
                cancelled=order_id in cancelled,
                withdrawn=withdrawn.get(order_id, ()),
            ):
                if finding not in found:
                    found.append(finding)

    async def _shares(self, orders: list[Order]) -> "AsyncIterator[tuple[Order, dict[str, Ticket | None]]]":
        """Read the tickets of these orders, of every department that they concern; not those that cannot be read."""
        tickets: dict[str, dict[str, Ticket | TicketUnreadable]] = {}
        for name, database in self._departments.items():
            concerned = [order.order_id for order in orders if name in order.shares]
            tickets[name] = await self._tickets(database, concerned) if concerned else {}
        for order in orders:
            found = {name: tickets[name].get(order.order_id) for name in order.shares if name in tickets}
            yield order, {name: each for name, each in found.items() if not isinstance(each, TicketUnreadable)}

    async def _orders(self, order_ids: Iterable[str]) -> dict[str, Order]:
        """Read the orders that can be read; the journal reports the others."""
        with _told_clearly(self._journal_database):
            found = await self._journal.find_all(list(order_ids))
        return {order_id: row for order_id, row in found.items() if isinstance(row, Order)}

    def _note_unreadable(self, error: OrderUnreadable) -> None:
        self._report.unreadable[error.order_id] = error.reason

    async def _tickets(self, database: Database, order_ids: Iterable[str]) -> dict[str, Ticket | TicketUnreadable]:
        with _told_clearly(database):
            return await database.read(tables.read_tickets, list(order_ids))

    async def _page_of_tickets(self, database: Database, after: str) -> list[Ticket | TicketUnreadable]:
        with _told_clearly(database):
            return await database.read(tables.page_of_tickets, after, PAGE)

    async def _takings(self, database: Database) -> StockByTickets:
        with _told_clearly(database):
            return await database.read(stock_audit.stock_by_tickets)

    def _tell(self) -> None:
        if self._progress is not None:
            self._progress(self._report)


@contextmanager
def _told_clearly(database: Database) -> Iterator[None]:
    """Turn what keeps a database from being read into one line that names it."""
    try:
        yield
    except DatabaseError as error:
        raise StartError(f"{database}, {database.schema}, cannot be read: {error}") from error
    except ValueError as error:  # msgspec's errors are some too
        raise StartError(f"{database}, {database.schema}, holds a record that cannot be read: {error}") from error


def _departments(order: Order | None) -> "Iterable[str]":
    return order.shares if order is not None else ()


def _agree(figures: Iterable[int], by_tickets: Iterable[int], *, all_read: bool) -> bool:
    """Compare the stock's figures with what the tickets say, which is less where some could not be read."""
    pairs = zip(figures, by_tickets, strict=True)
    return all(figure == counted if all_read else figure >= counted for figure, counted in pairs)


def _compact(order_id: str) -> bytes:
    try:
        return UUID(order_id).bytes
    except ValueError:
        return order_id.encode()
