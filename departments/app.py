"""One department at work: its menu, its desk, its database, and the group commit that joins them.

Orders that arrive while a transaction runs, from the floor and from the counter, gather for the next one.
"""

import asyncio
import time
from collections.abc import Collection, Iterable, Sequence
from itertools import chain, islice

import structlog

from departments import transactions
from departments.domain.errors import TicketUnreadable
from departments.domain.menu import Menu
from departments.domain.placing import Placement
from departments.domain.positions import Page, Position
from departments.domain.steps import Move
from departments.domain.tickets import Decision, Ticket, TicketState
from departments.transactions import StockLevels, TicketOrUnreadable
from infra.db.database import Database
from infra.errors import DatabaseError
from infra.group_commit import GroupCommit

CALLS_PER_TRANSACTION = 16
LOG_SECONDS = 0.1

log = structlog.get_logger("department")


class DepartmentApp:
    """What the services call."""

    def __init__(self, menu: Menu, database: Database) -> None:
        """Work with a database whose tables are in place."""
        self.menu = menu
        self._database = database
        self._placed: list[str] = []
        self._transactions = 0
        self._unreadable: set[tuple[str, int]] = set()
        self._placing: GroupCommit[Sequence[Placement], list[TicketOrUnreadable]] = GroupCommit(
            self._place, limit=CALLS_PER_TRANSACTION
        )

    async def open(self) -> None:
        """Lay in the opening stock."""
        await self._database.write(transactions.open_department, self.menu)

    async def take_up(self, menu: Menu) -> None:
        """Go on with another menu; items that are new to the department get their opening stock first."""
        await self._database.write(transactions.open_department, menu)
        self.menu = menu

    async def place(self, placements: Sequence[Placement]) -> list[TicketOrUnreadable]:
        """Answer orders, together with whatever else arrives meanwhile."""
        return await self._placing.submit(placements)

    async def confirm(self, decisions: Sequence[Decision]) -> list[TicketOrUnreadable]:
        """Queue what was held."""
        answers = await self._database.write(transactions.confirm, decisions, _now_ms())
        self._log_states("confirm", answers)
        return answers

    async def suspend(self, decisions: Sequence[Decision]) -> list[TicketOrUnreadable]:
        """Hold what was queued."""
        answers = await self._database.write(transactions.suspend, decisions, _now_ms())
        self._log_states("suspend", answers)
        return answers

    async def cancel(self, order_ids: Sequence[str]) -> list[TicketOrUnreadable]:
        """Take orders back, or leave tombstones."""
        answers = await self._database.write(transactions.cancel, order_ids, _now_ms())
        self._log_states("cancel", answers)
        return answers

    async def move(self, move: Move) -> Ticket:
        """Take a step with a ticket."""
        ticket = await self._database.write(transactions.move, move, _now_ms())
        log.info("moved", order_id=move.order_id, verb=move.verb.value, state=ticket.state.value, by=move.moved_by)
        return ticket

    async def changes(self, position: Position, states: Collection[TicketState], limit: int) -> Page:
        """List tickets by their revision."""
        page = await self._database.read(transactions.changes, position, states, limit)
        self._log_unreadable(page.unreadable)
        return page

    async def shelves(self) -> StockLevels:
        """Read the stock."""
        return await self._database.read(transactions.shelves)

    async def is_writable(self) -> bool:
        """Tell whether the database takes writes."""
        try:
            await self._database.write(transactions.touch)
        except DatabaseError as error:
            log.debug("the database cannot be written", reason=str(error))
            return False
        return True

    def close(self) -> None:
        """Log what was placed and is not yet logged."""
        self._tell()

    async def _place(self, calls: list[Sequence[Placement]]) -> list[list[TicketOrUnreadable]]:
        placements = list(chain.from_iterable(calls))
        answers = await self._database.write(transactions.place, self.menu, placements, _now_ms())
        self._note(placements)
        self._log_unreadable(answer for answer in answers if isinstance(answer, TicketUnreadable))
        iterator = iter(answers)
        return [list(islice(iterator, len(call))) for call in calls]

    def _note(self, placements: Sequence[Placement]) -> None:
        """Log what was placed once its guests have their answers, together with what else is placed until then."""
        if not self._placed:
            asyncio.get_running_loop().call_later(LOG_SECONDS, self._tell)
        self._placed += [placement.order_id for placement in placements]
        self._transactions += 1

    def _log_states(self, request: str, answers: Sequence[TicketOrUnreadable]) -> None:
        """Log in which state each order's ticket is after a request of the gateway's, which may have come too late."""
        states: dict[str, list[str]] = {}
        for answer in answers:
            if isinstance(answer, Ticket):
                states.setdefault(answer.state.value, []).append(answer.order_id)
        log.info(f"{request} requested", **states)
        self._log_unreadable(answer for answer in answers if isinstance(answer, TicketUnreadable))

    def _log_unreadable(self, found: Iterable[TicketUnreadable]) -> None:
        """Log each ticket that cannot be read once for each of its revisions, and how many there are by now."""
        for ticket in found:
            if (ticket.order_id, ticket.revision) not in self._unreadable:
                self._unreadable.add((ticket.order_id, ticket.revision))
                log.error(
                    "a ticket cannot be read and is left out",
                    order_id=ticket.order_id,
                    reason=ticket.reason,
                    unreadable=len(self._unreadable),
                )

    def _tell(self) -> None:
        if not self._placed:
            return
        order_ids, transactions = self._placed, self._transactions
        self._placed, self._transactions = [], 0
        log.info("placed", orders=len(order_ids), transactions=transactions, order_ids=order_ids)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
