"""The command `settle`: finds tickets whose orders the journal does not have, as a restored backup may leave them.

A department's copy is younger than the journal's, so it may have tickets of orders that arrived in between. No gateway
calls the department about them again: they are made, or held, for orders that are not on record. Those that have not
been started can be cancelled by the department's own transaction, which puts the stock back. What has been started is
for people to decide.
"""

import argparse
import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from departments import tables, transactions
from departments.domain.errors import TicketUnreadable
from departments.domain.tickets import NOT_STARTED, Decision, Ticket, TicketSource, TicketState
from gateway.orders.journal import Journal
from gateway.orders.leases import LEASE_SECONDS
from infra.db.database import Database
from infra.errors import StartError
from ops.databases import opened_databases, prepare
from ops.printing import show

PAGE = 500
MIN_AGE_SECONDS = 60.0
"""How old a ticket has to be, as a margin: an order is in the journal before a department has its ticket, and tickets
are read first."""

CHECKS_IN_A_LEASE = 6

EPILOG = """
Without --yes nothing is changed, and the programs may be running. exit code: 0 nothing is left that could be cancelled,
1 something is, 2 it could not be done
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = EPILOG
    parser.add_argument(
        "--yes", action="store_true", help="cancel what has not been started; all programs have to be stopped"
    )
    parser.add_argument(
        "--older-than", type=float, metavar="SECONDS", default=MIN_AGE_SECONDS, help=f"default: {MIN_AGE_SECONDS:g}"
    )


def run(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """List or cancel orphan tickets; returns 0 or 1, as the help says."""
    with opened_databases(environ, read_only=not arguments.yes) as (journal, departments):
        if arguments.yes:
            for database in (journal, *departments.values()):
                prepare(database)
        settler = Settler(journal, departments, clock=time.time, older_than=arguments.older_than)
        if arguments.yes:
            settlement = asyncio.run(settler.settle())
            left = settlement.left
            _show("cancelled, and the stock is put back", settlement.cancelled)
        else:
            left = asyncio.run(_gather(settler))
            _show("not started; `settle --yes` cancels them", [orphan for orphan in left if not orphan.is_started])
        _show("started: people have to decide", [orphan for orphan in left if orphan.is_started])
    return 1 if any(not orphan.is_started for orphan in left) else 0


@dataclass(frozen=True, slots=True)
class OrphanTicket:
    """A ticket whose order the journal does not have."""

    department: str
    ticket: Ticket

    @property
    def is_started(self) -> bool:
        """Return whether staff have started it."""
        return self.ticket.state not in NOT_STARTED

    def __str__(self) -> str:
        """Show it as the department's staff know it."""
        ticket = self.ticket
        lines = ", ".join(f"{line.quantity} {line.item}" for line in ticket.accepted()) or "nothing"
        table = f", table {ticket.table}" if ticket.table else ""
        return f"{self.department} {ticket.order_id}: {ticket.state}{table}: {lines}"


@dataclass(slots=True)
class Settlement:
    """What became of the orphan tickets."""

    cancelled: list[OrphanTicket] = field(default_factory=list)
    left: list[OrphanTicket] = field(default_factory=list)


class Settler:
    """Finds orphan tickets in one restaurant's databases, and cancels them."""

    def __init__(
        self,
        journal: Database,
        departments: Mapping[str, Database],
        *,
        clock: Callable[[], float],
        older_than: float = MIN_AGE_SECONDS,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`clock` returns seconds since 1970; tickets younger than `older_than`, in seconds, are left alone."""
        self._journal = Journal(journal)
        self._departments = departments
        self._clock = clock
        self._older_than = older_than
        self._sleep = sleep

    async def orphans(self) -> AsyncIterator[OrphanTicket]:
        """Find tickets that are not cancelled, and whose orders the journal does not have. Changes nothing."""
        for name, database in self._departments.items():
            after = ""
            while tickets := await database.read(tables.page_of_tickets, after, PAGE):
                after = tickets[-1].order_id
                for ticket in await self._without_order(tickets):
                    yield OrphanTicket(name, ticket)

    async def settle(self) -> Settlement:
        """Cancel the orphan tickets that have not been started; raises StartError while a gateway is running.

        A client may send the order of an orphan ticket again, and a gateway would take the ticket for that order's.
        """
        settlement = Settlement()
        not_started: dict[str, list[OrphanTicket]] = {}
        async for orphan in self.orphans():
            if orphan.is_started:
                settlement.left.append(orphan)
            else:
                not_started.setdefault(orphan.department, []).append(orphan)
        for name, orphans in not_started.items():
            for start in range(0, len(orphans), PAGE):
                await self._cancel(name, orphans[start : start + PAGE], settlement)
        return settlement

    async def _cancel(self, name: str, orphans: Sequence[OrphanTicket], settlement: Settlement) -> None:
        if self._journal.is_shared and await self._is_gateway_running():  # a file serves one process
            raise StartError("a gateway is running on the journal; stop all gateways, and settle then")
        cancels = [Decision(orphan.ticket.order_id) for orphan in orphans]
        results = await self._departments[name].write(transactions.cancel, cancels, int(self._clock() * 1000))
        for before, after in zip(orphans, results, strict=True):
            if isinstance(after, Ticket) and after.state is not TicketState.CANCELLED:
                settlement.left.append(OrphanTicket(name, after))
            else:
                settlement.cancelled.append(before)

    async def _is_gateway_running(self) -> bool:
        """Watch the gateways' leases for as long as one lasts, and return whether any is renewed meanwhile.

        Gateways that stopped in order have no lease, so this waits only for those that died.
        """
        before = await self._journal.renewals()
        for _ in range(CHECKS_IN_A_LEASE):
            if not before:
                return False
            await self._sleep(LEASE_SECONDS / CHECKS_IN_A_LEASE)
            now = await self._journal.renewals()
            if any(before.get(number) != count for number, count in now.items()):
                return True
            before = now
        return False

    async def _without_order(self, tickets: Sequence[Ticket | TicketUnreadable]) -> list[Ticket]:
        now = self._clock()
        candidates = [
            ticket
            for ticket in tickets
            if isinstance(ticket, Ticket)  # the audit reports those that cannot be read
            and ticket.source is TicketSource.GATEWAY
            and ticket.state is not TicketState.CANCELLED
            # A ticket from the future counts as old: the clock has been set back since.
            and abs(now - ticket.placed_at_ms / 1000) >= self._older_than
        ]
        known = await self._journal.known([ticket.order_id for ticket in candidates])
        return [ticket for ticket in candidates if ticket.order_id not in known]


async def _gather(settler: Settler) -> list[OrphanTicket]:
    return [orphan async for orphan in settler.orphans()]


def _show(what: str, orphans: Sequence[OrphanTicket]) -> None:
    show(f"{len(orphans)} tickets without an order are {what}")
    for orphan in orphans:
        show(f"  {orphan}")
