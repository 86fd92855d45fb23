"""The staff of a fake department, and its watch, on which the orders follow them."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any

from gateway.department_client.errors import Unreachable
from gateway.domain.lines import LineResult, Outcome, TicketState
from gateway.domain.tickets import ChangePage, LiveLine, LiveTicket, Position
from tests.support.fake_departments import FakeDepartment
from tests.support.orders import NOON_MS

PAGE = 2

TIMES = {
    TicketState.PREPARING: "started_at_ms",
    TicketState.READY: "ready_at_ms",
    TicketState.SERVED: "served_at_ms",
    TicketState.CANCELLED: "cancelled_at_ms",
}


class FakeStaff:
    """Has what `gateway.orders.watches.Watch` asks for, over the tickets of a fake department that its staff move.

    `is_up` False: open watches end, and none can be opened.
    """

    def __init__(self, department: FakeDepartment) -> None:
        self.department = department
        self.incarnation = "first"
        self.revision = 100
        self.tickets: dict[str, LiveTicket] = {}
        self.opened: list[Position | None] = []
        self.is_up = True
        self._changed = asyncio.Condition()

    async def move(self, order_id: str, state: TicketState, reason: str = "", *, source: str = "gateway") -> None:
        """Take a step with a ticket, as the staff do."""
        fake = self.department.tickets.get(order_id)
        if fake is not None:
            fake.state = state
        self.revision += 1
        ticket = self.tickets.get(order_id) or self._ticket(order_id, source)
        now = NOON_MS + self.revision
        ticket = replace(
            ticket, state=state, revision=self.revision, moved_at_ms=now, moved_by="Anna", cancel_reason=reason
        )
        times: dict[str, Any] = {TIMES[state]: now} if state in TIMES else {}
        self.tickets[order_id] = replace(ticket, **times)
        await self.wake()

    async def cancel_line(self, order_id: str, line: int, reason: str = "") -> None:
        """Cancel one line of a ticket, as the staff do; its item goes back where the ticket is queued."""
        fake = self.department.tickets[order_id]
        item, quantity = fake.wishes[line]
        fake.lines[line] = LineResult(Outcome.CANCELLED, 0, fake.lines[line].unit_price)
        self.department.stock[item] += quantity if fake.state is TicketState.QUEUED else 0
        ticket = self.tickets.get(order_id) or self._ticket(order_id, "gateway")
        lines = list(ticket.lines)
        lines[line] = replace(lines[line], outcome=Outcome.CANCELLED, cancel_reason=reason)
        self.revision += 1
        now = NOON_MS + self.revision
        self.tickets[order_id] = replace(
            ticket, state=fake.state, lines=lines, revision=self.revision, moved_at_ms=now, moved_by="Anna"
        )
        await self.wake()

    async def show_cancel_by_client(self, order_id: str) -> None:
        """Show that the gateway cancelled a ticket that the staff had moved: that is no step of theirs."""
        self.revision += 1
        self.tickets[order_id] = replace(
            self.tickets[order_id],
            state=TicketState.CANCELLED,
            revision=self.revision,
            cancelled_at_ms=NOON_MS + self.revision,
        )
        await self.wake()

    async def restore(self) -> None:
        """Forget what the staff did, as a department does whose copy is from before."""
        self.incarnation, self.revision = f"{self.incarnation}'", 50
        self.tickets.clear()
        await self.break_off()

    async def break_off(self) -> None:
        """End all open watches."""
        self.is_up = False
        await self.wake()
        self.is_up = True

    async def wake(self) -> None:
        async with self._changed:
            self._changed.notify_all()
        await asyncio.sleep(0)

    async def pages(self, position: Position | None, *, moved_only: bool = False) -> AsyncGenerator[ChangePage, None]:
        assert moved_only
        self.opened.append(position)
        await self._demand_way()
        if position is None or position.incarnation != self.incarnation or position.revision > self.revision:
            found, revision = self._after(0), self.revision
            parts = [found[start : start + PAGE] for start in range(0, len(found), PAGE)] or [[]]
            for number, part in enumerate(parts):
                is_last = number == len(parts) - 1
                yield self._page(part, revision if is_last else 0, reset=number == 0, more=not is_last)
            at = revision
        else:
            at = position.revision
        while True:
            await self._demand_way()
            if changed := self._after(at)[:PAGE]:
                at = changed[-1].revision
                yield self._page(changed, at)
            else:
                async with self._changed:
                    if self.is_up and not self._after(at):
                        await self._changed.wait()

    async def _demand_way(self) -> None:
        if not self.is_up:
            raise Unreachable(f"{self.department.name} is away")

    def _after(self, revision: int) -> list[LiveTicket]:
        return sorted((each for each in self.tickets.values() if each.revision > revision), key=lambda it: it.revision)

    def _page(self, tickets: list[LiveTicket], revision: int, *, reset: bool = False, more: bool = False) -> ChangePage:
        return ChangePage(self.department.name, self.incarnation, revision, NOON_MS, reset, more, tickets)

    def _ticket(self, order_id: str, source: str) -> LiveTicket:
        fake = self.department.tickets.get(order_id)
        pairs = zip(fake.wishes, fake.lines, strict=True) if fake is not None else ()
        lines = [
            LiveLine(item, quantity, "", False, False, result.outcome, result.unit_price)
            for (item, quantity), result in pairs
        ]
        return LiveTicket(
            self.department.name, order_id, 0, "", source, TicketState.QUEUED, 0, NOON_MS, 0, 0, 0, 0, "", 0, "", False,
            lines,
        )  # fmt: skip
