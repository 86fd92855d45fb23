"""The auditor: compares journal, orders, tickets and stock across all databases, of a house that may be at work.

Nothing is stopped and nothing is locked, so databases are read at different moments. Two rules keep that from raising
false alarms. A ticket follows its order's record, so tickets are read first where a missing order would be wrong. And
what looks wrong is looked at again after a moment: a verdict stands only if the journal says the same of an order
before and after its tickets are read, and owes nobody anything. Everything is read in pages.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from uuid import UUID

import msgspec

from departments import desk, store
from departments.domain.tickets import Ticket
from gateway.domain.order import Order
from gateway.journal import Journal
from house.verdicts import HARMLESS, Column, Finding, Note, judge, judge_told
from plumbing.database import Database
from plumbing.errors import StartError

PAGE = 1000
MOMENT_SECONDS = 0.5
LOOKS = 6
"""How often a suspect is looked at again; one that still changes then is at work, not wrong."""

SHOWN = 20

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


@dataclass(slots=True)
class Report:
    """What was found. `acknowledged`: by the client's journal, or else what the gateway's says was answered."""

    acknowledged: int = 0
    orders: int = 0
    tickets: int = 0
    counter_sales: int = 0
    not_looked_at: set[str] = field(default_factory=set)
    findings: dict[Column, list[Finding]] = field(default_factory=_no_findings)

    @property
    def counts(self) -> dict[Column, int]:
        """Count the orders, or items, in each column."""
        return {column: len({finding.subject for finding in found}) for column, found in self.findings.items()}

    @property
    def is_right(self) -> bool:
        """Tell whether every promise was kept."""
        return not any(found for column, found in self.findings.items() if column not in HARMLESS)

    def add(self, findings: "Iterator[Finding] | list[Finding]") -> None:
        """Take findings in."""
        for finding in findings:
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
        for column, found in self.findings.items():
            rows += [f"{column}: {subject}: {reason}" for _, subject, reason in found[:SHOWN]]
            if len(found) > SHOWN:
                rows.append(f"{column}: and {len(found) - SHOWN} more")
        return "\n".join(rows)


class Auditor:
    """Looks at one house."""

    def __init__(
        self,
        journal: Database,
        departments: Mapping[str, Database],
        acknowledged: Acknowledged | None = None,
        *,
        moment: float = MOMENT_SECONDS,
    ) -> None:
        """Read databases that were opened for reading; `moment`, in seconds, passes between two looks at a suspect."""
        self._journal = Journal(journal)
        self._departments = departments
        self._acknowledged = acknowledged
        self._moment = moment
        self._report = Report()
        self._suspects: set[str] = set()

    async def audit(self) -> Report:
        """Look at everything; raises DatabaseError, StartError."""
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
            orders = await self._journal.find_all(list({order_id for order_id, _ in page}))
            for order_id, told in page:
                seen.add(_compact(order_id))
                wrong = judge_told(orders.get(order_id), order_id, told, cancelled=order_id in cancelled)
                if any(wrong):
                    self._suspects.add(order_id)
        self._report.acknowledged = len(seen)

    async def _look_at_orders(self) -> None:
        """Compare orders with their tickets, newest first; what comes in meanwhile is for another audit."""
        cursor: int | None = None
        while True:
            page = await self._journal.page(PAGE, cursor, None, None)
            self._report.orders += len(page.orders)
            if self._acknowledged is None:
                self._report.acknowledged += sum(order.answered for order in page.orders)
            async for order, share in self._shares(page.orders):
                self._report.not_looked_at |= order.shares.keys() - self._departments.keys()
                if any(judge(order, share)):
                    self._suspects.add(order.order_id)
            cursor = page.cursor
            if cursor is None:
                return

    async def _look_at_tickets(self, name: str, database: Database) -> None:
        """Look for tickets that no order asked for: an order is in the journal before a department hears of it."""
        after = ""
        while tickets := await database.read(store.page_of_tickets, after, PAGE):
            after = tickets[-1].order_id
            orders = await self._journal.find_all([ticket.order_id for ticket in tickets])
            self._report.tickets += len(tickets)
            for ticket in tickets:
                order = orders.get(ticket.order_id)
                if order is not None and name in order.shares:
                    continue
                if order is None and _is_counter_sale(ticket):
                    self._report.counter_sales += 1
                else:
                    reason = f"{name} has a ticket, {ticket.state}, that no order in the journal asks for"
                    self._report.add([Finding(Column.DOUBLED, ticket.order_id, reason)])

    async def _look_at_shelves(self, name: str, database: Database) -> None:
        """Prove the stock law, and compare the shelves with the tickets, as of one moment."""
        takings = await database.read(desk.takings)
        stock, held, sold = takings.stock, takings.held, takings.sold
        for item in sorted(stock.keys() | held.keys() | sold.keys()):
            subject = f"{name} {item}"
            shelf = stock.get(item)
            if shelf is None:
                self._report.add([Finding(Column.STOCK_LAW, subject, "there are tickets for it, and no stock")])
                continue
            law = shelf.received == shelf.on_hand + shelf.held + shelf.sold
            if not law or min(shelf.on_hand, shelf.held, shelf.sold) < 0:
                self._report.add([Finding(Column.STOCK_LAW, subject, f"{shelf}")])
            if (shelf.held, shelf.sold) != (held[item], sold[item]):
                reason = f"held {shelf.held} and sold {shelf.sold}; by its tickets {held[item]} and {sold[item]}"
                self._report.add([Finding(Column.STOCK_LAW, subject, reason)])
            if held[item] + sold[item] > shelf.received:
                reason = f"{subject}: {held[item] + sold[item]} were taken, and {shelf.received} were there"
                beyond = await database.read(desk.beyond_stock, item, shelf.received)
                self._report.add([Finding(Column.OVERSOLD, order_id, reason) for order_id in beyond])

    async def _look_again(self) -> None:
        """Look at the suspects again, until what is said of them stands."""
        for look in range(LOOKS):
            if not self._suspects:
                return
            await asyncio.sleep(self._moment)
            verdicts = await self._verdicts()
            for order_id, findings in verdicts.items():
                if findings is None and look == LOOKS - 1:
                    findings = [Finding(Column.UNDECIDED, order_id, "it changes as it is looked at")]
                if findings is not None:
                    self._report.add(findings)
                    self._suspects.discard(order_id)

    async def _verdicts(self) -> dict[str, list[Finding] | None]:
        """Judge every suspect; None for one whose record changed meanwhile."""
        findings: dict[str, list[Finding]] = {order_id: [] for order_id in self._suspects}
        known: dict[str, Order] = {}
        changed: set[str] = set()
        suspects = iter(sorted(self._suspects))
        while page := list(islice(suspects, PAGE)):
            before = await self._journal.find_all(page)
            async for order, share in self._shares(list(before.values())):
                findings[order.order_id] += judge(order, share)
            after = await self._journal.find_all(page)
            known.update(after)
            changed.update(order_id for order_id in page if before.get(order_id) != after.get(order_id))
        self._judge_told(findings, known)
        return {order_id: None if order_id in changed else found for order_id, found in findings.items()}

    def _judge_told(self, findings: dict[str, list[Finding]], orders: Mapping[str, Order]) -> None:
        """Add what the client's journal says; it is read after the orders, as a cancel is noted before it is asked."""
        if self._acknowledged is None:
            return
        cancelled = self._acknowledged.cancelled()
        for note in self._acknowledged.notes():
            found = findings.get(note.order_id)
            if note.answer is None or found is None:
                continue
            order, is_cancelled = orders.get(note.order_id), note.order_id in cancelled
            for finding in judge_told(order, note.order_id, note.answer, cancelled=is_cancelled):
                if finding not in found:
                    found.append(finding)

    async def _shares(self, orders: list[Order]) -> "AsyncIterator[tuple[Order, dict[str, Ticket | None]]]":
        """Read the tickets of these orders, of every department that they concern."""
        tickets: dict[str, dict[str, Ticket]] = {}
        for name, database in self._departments.items():
            concerned = [order.order_id for order in orders if name in order.shares]
            tickets[name] = await database.read(store.read_tickets, concerned) if concerned else {}
        for order in orders:
            looked_at = [name for name in order.shares if name in tickets]
            yield order, {name: tickets[name].get(order.order_id) for name in looked_at}


def _is_counter_sale(ticket: Ticket) -> bool:
    """Tell whether a ticket looks like one that a department writes for its counter: one of one item, for no table."""
    return not ticket.table and [line.quantity for line in ticket.lines] == [1] and not ticket.lines[0].note


def _compact(order_id: str) -> bytes:
    try:
        return UUID(order_id).bytes
    except ValueError:
        return order_id.encode()
