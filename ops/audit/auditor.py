"""Compares journal, orders, tickets and stock across all databases, while the programs are running or stopped.

The audit stops and locks nothing, so it reads the databases at different moments. Two rules prevent false findings. An
order is written before its tickets, so tickets are read first where a missing order would be wrong. And a suspect is
checked again after a moment: a finding counts only if the journal has the same record of the order before and after its
tickets are read.

Orders and tickets are read side by side in the order of their ids, a slice at a time, so memory holds one slice,
whatever the databases hold; what is kept is what was found. The tickets are read once more for the stock, as of one
moment, row by row.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from uuid import UUID

from departments.domain.errors import TicketUnreadable
from departments.domain.tickets import Ticket, TicketSource, TicketState
from gateway.domain.errors import OrderUnreadable
from gateway.domain.order import Order
from infra.db.database import Database
from ops.audit.client_log import ClientLog
from ops.audit.following import check_state
from ops.audit.records import PAGE, SLICE, Records
from ops.audit.report import Report
from ops.audit.rules import (
    Column,
    Finding,
    Taken,
    check_again,
    check_item,
    check_order,
    check_response,
    check_ticket,
    withdrawn_lines,
)
from ops.audit.slices import Slice

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
        slice_size: int = SLICE,
        on_progress: Callable[[Report], None] | None = None,
    ) -> None:
        """Read databases that were opened for reading; `pause`, in seconds, passes between two checks of a suspect.

        `slice_size`: how many orders, and how many tickets of each department, are read at once. `on_progress` is
        called with the report as it grows.
        """
        self._records = Records(journal, departments, self._note_unreadable, slice_size=slice_size)
        self._client_log = client_log
        self._pause = pause
        self._on_progress = on_progress
        self._report = Report()
        self._suspects: set[str] = set()

    async def audit(self) -> Report:
        """Check everything; raises StartError where a database or the client's log cannot be read."""
        if self._client_log is not None:
            await self._check_client_log(self._client_log)
        async for part in self._records.slices():
            self._check_orders(part)
            self._report.add(check_again(order_id, "the journal has an order") for order_id in part.again)
            for name in self._records.departments:
                await self._check_tickets(name, part)
            self._show_progress()
        for name in self._records.departments:
            await self._check_stock(name)
        await self._check_suspects()
        return self._report

    async def _check_client_log(self, client_log: ClientLog) -> None:
        """Find responses that do not hold any more."""
        seen: set[bytes] = set()
        cancelled = client_log.cancelled()
        responses = client_log.responses()
        while page := list(islice(responses, PAGE)):
            order_ids = {order_id for order_id, _ in page}
            orders = await self._records.orders(order_ids)
            archived = await self._records.archived(order_ids - orders.keys())
            for order_id, response in page:
                seen.add(_compact(order_id))
                if order_id in self._report.unreadable or order_id in archived:
                    continue
                if any(check_response(orders.get(order_id), order_id, response, cancelled=order_id in cancelled)):
                    self._suspects.add(order_id)
        self._report.acknowledged = len(seen)

    def _check_orders(self, part: Slice) -> None:
        """Compare orders with their tickets, which were read before them."""
        self._report.orders += part.plain_orders + len(part.orders) + part.unreadable
        self._report.tickets += part.plain_tickets
        if self._client_log is None:
            self._report.acknowledged += part.plain_orders
        for order in part.orders.values():
            if self._client_log is None:
                self._report.acknowledged += order.response_recorded
            for name in order.shares.keys() - part.tickets.keys():
                self._report.without_menu[name] += name in order.owed
            if any(check_order(order, part.share(order), part.followed.has_passed)):
                self._suspects.add(order.order_id)

    async def _check_tickets(self, department: str, part: Slice) -> None:
        """Find tickets that no order asked for: an order is in the journal before its departments are called.

        And compare those that the staff have moved with what the gateway knows of them.
        """
        without_order: list[Ticket] = []
        for ticket in part.tickets[department].values():
            self._report.tickets += 1
            if isinstance(ticket, TicketUnreadable):
                self._report.unreadable[f"{department} {ticket.order_id}"] = ticket.reason
            elif ticket.source is TicketSource.COUNTER:
                self._report.counter_sales += 1
            elif (order := part.orders.get(ticket.order_id)) is None:
                without_order.append(ticket)
            else:
                if department not in order.shares:
                    self._report.add(check_ticket(department, ticket, order))
                if ticket.moved_at_ms:
                    known = part.known_state(department, ticket.order_id)
                    self._report.add(check_state(part.followed, department, ticket, known))
        await self._check_without_order(department, without_order)

    async def _check_without_order(self, department: str, tickets: Sequence[Ticket]) -> None:
        """Check tickets whose orders were not found by their place; they are looked up by their ids."""
        order_ids = [ticket.order_id for ticket in tickets]
        orders = await self._records.orders(order_ids) if tickets else {}
        archived = await self._records.archived(order_ids) if tickets else set()
        again = await self._records.tickets_again(department, archived)
        for ticket in tickets:
            if ticket.order_id in again and ticket.state is not TicketState.CANCELLED:
                reason = f"{department} has a ticket, {ticket.state},"
                self._report.add([check_again(ticket.order_id, reason)])
            elif ticket.order_id not in self._report.unreadable and ticket.order_id not in archived:
                self._report.add(check_ticket(department, ticket, orders.get(ticket.order_id)))

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
                left_to_order = stock.received - found.discarded[item] - found.archived[item]
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
        withdrawn: dict[str, set[int]] = {}
        changed: set[str] = set()
        iterator = iter(suspects)
        while page := list(islice(iterator, PAGE)):
            followed = await self._records.followed()
            before = await self._records.orders(page)
            async for order, share in self._records.with_tickets(list(before.values())):
                findings[order.order_id] += check_order(order, share, followed.has_passed)
                withdrawn[order.order_id] = withdrawn_lines(order, share)
            after = await self._records.orders(page)
            known.update(after)
            changed.update(order_id for order_id in page if before.get(order_id) != after.get(order_id))
        archived = await self._records.archived(findings.keys() - known.keys())
        self._check_responses(
            {name: found for name, found in findings.items() if name not in archived}, known, withdrawn
        )
        return {order_id: None if order_id in changed else found for order_id, found in findings.items()}

    def _check_responses(
        self,
        findings: dict[str, list[Finding]],
        orders: Mapping[str, Order],
        withdrawn: Mapping[str, set[int]],
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
