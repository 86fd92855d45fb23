"""Compares journal, orders, tickets and stock across all databases, while the programs are running or stopped.

The audit stops and locks nothing, so it reads the databases at different moments. Two rules prevent false findings. An
order is written before its tickets, so tickets are read first where a missing order would be wrong. And a suspect is
checked again after a moment: a finding counts only if the journal has the same record of the order before and after its
tickets are read. Everything is read in pages.
"""

import asyncio
from collections.abc import Callable, Mapping
from itertools import islice
from uuid import UUID

from departments.domain.errors import TicketUnreadable
from departments.domain.tickets import Ticket, TicketSource
from gateway.domain.errors import OrderUnreadable
from gateway.domain.order import Order
from infra.db.database import Database
from ops.audit.client_log import ClientLog
from ops.audit.following import check_state
from ops.audit.records import PAGE, Records
from ops.audit.report import Report
from ops.audit.rules import Column, Finding, Taken, check_item, check_order, check_response, check_ticket

PAUSE_SECONDS = 0.5
CHECKS = 6
"""How often a suspect is checked again; an order that still changes then is undecided, not wrong."""

SUSPECTS = 10_000
"""How many suspects are checked again at once: while a department is down, every order may be one."""


class Auditor:
    """One audit of one restaurant's databases."""

    def __init__(
        self,
        journal: Database,
        departments: Mapping[str, Database],
        client_log: ClientLog | None = None,
        *,
        pause: float = PAUSE_SECONDS,
        on_progress: Callable[[Report], None] | None = None,
    ) -> None:
        """Read databases that were opened for reading; `pause`, in seconds, passes between two checks of a suspect.

        `on_progress` is called with the report as it grows.
        """
        self._records = Records(journal, departments, self._note_unreadable)
        self._client_log = client_log
        self._pause = pause
        self._on_progress = on_progress
        self._report = Report()
        self._suspects: set[str] = set()

    async def audit(self) -> Report:
        """Check everything; raises StartError where a database or the client's log cannot be read."""
        if self._client_log is not None:
            await self._check_client_log(self._client_log)
        await self._check_orders()
        for name in self._records.departments:
            await self._check_tickets(name)
            await self._check_stock(name)
        await self._check_suspects()
        return self._report

    async def _check_client_log(self, client_log: ClientLog) -> None:
        """Find responses that do not hold any more."""
        seen: set[bytes] = set()
        cancelled = client_log.cancelled()
        responses = client_log.responses()
        while page := list(islice(responses, PAGE)):
            orders = await self._records.orders({order_id for order_id, _ in page})
            for order_id, response in page:
                seen.add(_compact(order_id))
                if order_id in self._report.unreadable:
                    continue
                if any(check_response(orders.get(order_id), order_id, response, cancelled=order_id in cancelled)):
                    self._suspects.add(order_id)
        self._report.acknowledged = len(seen)

    async def _check_orders(self) -> None:
        """Compare orders with their tickets, the newest first; orders that arrive meanwhile are left out."""
        cursor: int | None = None
        while True:
            followed = await self._records.followed()
            page = await self._records.page_of_orders(cursor)
            self._report.orders += len(page.orders) + len(page.unreadable)
            if self._client_log is None:
                self._report.acknowledged += sum(order.response_recorded for order in page.orders)
            async for order, share in self._records.with_tickets(page.orders):
                for name in order.shares.keys() - set(self._records.departments):
                    self._report.without_menu[name] += name in order.owed
                if any(check_order(order, share, followed.has_passed)):
                    self._suspects.add(order.order_id)
            self._show_progress()
            cursor = page.cursor
            if cursor is None:
                return

    async def _check_tickets(self, department: str) -> None:
        """Find tickets that no order asked for: an order is in the journal before its departments are called.

        And compare those that the staff have moved with what the gateway knows of them.
        """
        followed = await self._records.followed()
        async for page in self._records.pages_of_tickets(department):
            self._report.tickets += len(page)
            for unreadable in page:
                if isinstance(unreadable, TicketUnreadable):
                    self._report.unreadable[f"{department} {unreadable.order_id}"] = unreadable.reason
            read = [ticket for ticket in page if isinstance(ticket, Ticket)]
            self._report.counter_sales += sum(ticket.source is TicketSource.COUNTER for ticket in read)
            placed = [ticket for ticket in read if ticket.source is TicketSource.GATEWAY]
            orders = await self._records.orders(ticket.order_id for ticket in placed)
            for ticket in placed:
                if ticket.order_id not in self._report.unreadable:
                    self._report.add(check_ticket(department, ticket, orders.get(ticket.order_id)))
            moved = [ticket for ticket in placed if ticket.order_id in orders and ticket.moved_at_ms]
            known = await self._records.known_states(department, [ticket.order_id for ticket in moved])
            for ticket in moved:
                self._report.add(check_state(followed, department, ticket, known.get(ticket.order_id)))
            self._show_progress()

    async def _check_stock(self, department: str) -> None:
        """Compare a department's stock with its tickets, as of one moment."""
        found = await self._records.stock(department)
        for item in sorted(found.stock.keys() | found.held.keys() | found.sold.keys() | found.wasted.keys()):
            subject = f"{department} {item}"
            taken = Taken(found.held[item], found.sold[item], found.wasted[item])
            stock, received = found.stock.get(item), found.received.get(item)
            self._report.add(check_item(subject, stock, taken, received, all_read=not found.unreadable))
            if stock is not None and sum(taken) > stock.received:
                reason = f"{subject}: {sum(taken)} were taken, and {stock.received} were there"
                left_to_order = stock.received - found.discarded[item]
                beyond = await self._records.orders_beyond_stock(department, item, left_to_order)
                self._report.add(Finding(Column.OVERSOLD, order_id, reason) for order_id in beyond)

    async def _check_suspects(self) -> None:
        """Check the suspects again, until the findings about each are certain."""
        for check in range(CHECKS):
            if not self._suspects:
                return
            await asyncio.sleep(self._pause)
            suspects = iter(sorted(self._suspects))
            while some := list(islice(suspects, SUSPECTS)):
                for order_id, findings in (await self._findings(some)).items():
                    if findings is None and check == CHECKS - 1:
                        findings = [Finding(Column.UNDECIDED, order_id, "its record changes while it is read")]
                    if findings is not None:
                        self._report.add(findings)
                        self._suspects.discard(order_id)
                self._show_progress()

    async def _findings(self, suspects: list[str]) -> dict[str, list[Finding] | None]:
        """Check some suspects; None for an order whose record changed meanwhile."""
        findings: dict[str, list[Finding]] = {order_id: [] for order_id in suspects}
        known: dict[str, Order] = {}
        withdrawn: dict[str, set[str]] = {}
        changed: set[str] = set()
        iterator = iter(suspects)
        while page := list(islice(iterator, PAGE)):
            followed = await self._records.followed()
            before = await self._records.orders(page)
            async for order, share in self._records.with_tickets(list(before.values())):
                findings[order.order_id] += check_order(order, share, followed.has_passed)
                withdrawn[order.order_id] = {name for name, ticket in share.items() if ticket and ticket.withdrawn}
            after = await self._records.orders(page)
            known.update(after)
            changed.update(order_id for order_id in page if before.get(order_id) != after.get(order_id))
        self._check_responses(findings, known, withdrawn)
        return {order_id: None if order_id in changed else found for order_id, found in findings.items()}

    def _check_responses(
        self,
        findings: dict[str, list[Finding]],
        orders: Mapping[str, Order],
        withdrawn: Mapping[str, set[str]],
    ) -> None:
        """Add findings from the client's log.

        It is read after the orders, because a client writes a cancel into its log before it requests the cancel.
        """
        if self._client_log is None:
            return
        cancelled = self._client_log.cancelled()
        for order_id, response in self._client_log.responses():
            found = findings.get(order_id)
            if found is None or order_id in self._report.unreadable:
                continue
            for finding in check_response(
                orders.get(order_id),
                order_id,
                response,
                cancelled=order_id in cancelled,
                withdrawn=withdrawn.get(order_id, ()),
            ):
                if finding not in found:
                    found.append(finding)

    def _note_unreadable(self, error: OrderUnreadable) -> None:
        self._report.unreadable[error.order_id] = error.reason

    def _show_progress(self) -> None:
        if self._on_progress is not None:
            self._on_progress(self._report)


def _compact(order_id: str) -> bytes:
    """Return an id in 16 bytes where it is a UUID: millions of them are kept."""
    try:
        return UUID(order_id).bytes
    except ValueError:
        return order_id.encode()
