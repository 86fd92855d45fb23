"""Settles tickets whose orders the journal does not know, as a restored backup may leave them.

A copy of a department is younger than that of the journal, so it may have tickets of orders that came in between. No
gateway looks after them: they are made, or held, for guests whose orders are not on record. What has not been started
can be cancelled by the department's own transaction, which puts the stock back. What has been is for people to decide.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from departments import tables, transactions
from departments.domain.errors import TicketUnreadable
from departments.domain.tickets import NOT_STARTED, Ticket, TicketSource, TicketState
from gateway.orders.journal import Journal
from gateway.orders.leases import LEASE_SECONDS
from infra.db.database import Database
from infra.errors import StartError

PAGE = 500
MOMENT_SECONDS = 60.0
"""How old a ticket has to be, as a margin: an order is in the journal before a department has its ticket, and tickets
are read first."""

LOOKS_IN_A_LEASE = 6


@dataclass(frozen=True, slots=True)
class Stray:
    """A ticket whose order the journal does not know."""

    department: str
    ticket: Ticket

    @property
    def is_started(self) -> bool:
        """Tell whether staff have begun it."""
        return self.ticket.state not in NOT_STARTED

    def __str__(self) -> str:
        """Show it as the department's staff know it."""
        ticket = self.ticket
        lines = ", ".join(f"{line.quantity} {line.item}" for line in ticket.accepted()) or "nothing"
        table = f", table {ticket.table}" if ticket.table else ""
        return f"{self.department} {ticket.order_id}: {ticket.state}{table}: {lines}"


@dataclass(slots=True)
class Settlement:
    """What became of the strays."""

    cancelled: list[Stray] = field(default_factory=list)
    left: list[Stray] = field(default_factory=list)


class Settler:
    """Looks for strays in one house, and cancels them."""

    def __init__(
        self,
        journal: Database,
        departments: Mapping[str, Database],
        *,
        clock: Callable[[], float],
        older_than: float = MOMENT_SECONDS,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`clock` answers seconds since 1970; tickets that are not `older_than`, in seconds, are left alone."""
        self._journal = Journal(journal)
        self._departments = departments
        self._clock = clock
        self._older_than = older_than
        self._sleep = sleep

    async def strays(self) -> AsyncIterator[Stray]:
        """Find tickets that are not cancelled, and whose orders the journal does not know. Changes nothing."""
        for name, database in self._departments.items():
            after = ""
            while tickets := await database.read(tables.page_of_tickets, after, PAGE):
                after = tickets[-1].order_id
                for ticket in await self._unknown(tickets):
                    yield Stray(name, ticket)

    async def settle(self) -> Settlement:
        """Cancel the strays that have not been started; raises StartError while a gateway is at work.

        A guest's client may send the order of a stray again, and a gateway would take the ticket for that order's.
        """
        settlement = Settlement()
        open_strays: dict[str, list[Stray]] = {}
        async for stray in self.strays():
            if stray.is_started:
                settlement.left.append(stray)
            else:
                open_strays.setdefault(stray.department, []).append(stray)
        for name, strays in open_strays.items():
            for start in range(0, len(strays), PAGE):
                await self._cancel(name, strays[start : start + PAGE], settlement)
        return settlement

    async def _cancel(self, name: str, strays: Sequence[Stray], settlement: Settlement) -> None:
        if self._journal.is_shared and await self._is_gateway_at_work():  # a file serves one process
            raise StartError("a gateway is at work on the journal; stop them all, and settle then")
        order_ids = [stray.ticket.order_id for stray in strays]
        answers = await self._departments[name].write(transactions.cancel, order_ids, int(self._clock() * 1000))
        for before, answer in zip(strays, answers, strict=True):
            if isinstance(answer, Ticket) and answer.state is not TicketState.CANCELLED:
                settlement.left.append(Stray(name, answer))
            else:
                settlement.cancelled.append(before)

    async def _is_gateway_at_work(self) -> bool:
        """Watch the gateways' leases, for as long as one lasts: one that is renewed meanwhile is at work.

        Gateways that stopped in order have none, so this waits only for those that died.
        """
        before = await self._journal.renewals()
        for _ in range(LOOKS_IN_A_LEASE):
            if not before:
                return False
            await self._sleep(LEASE_SECONDS / LOOKS_IN_A_LEASE)
            now = await self._journal.renewals()
            if any(before.get(number) != count for number, count in now.items()):
                return True
            before = now
        return False

    async def _unknown(self, tickets: Sequence[Ticket | TicketUnreadable]) -> list[Ticket]:
        now = self._clock()
        candidates = [
            ticket
            for ticket in tickets
            if isinstance(ticket, Ticket)  # the audit tells of those that cannot be read
            and ticket.source is TicketSource.GATEWAY
            and ticket.state is not TicketState.CANCELLED
            # One from the future is as old: the clock has gone back since.
            and abs(now - ticket.placed_at_ms / 1000) >= self._older_than
        ]
        known = await self._journal.known([ticket.order_id for ticket in candidates])
        return [ticket for ticket in candidates if ticket.order_id not in known]
