"""One department: its menu, and its use cases, each in a transaction on its database.

Orders and what else writes that arrive while a transaction runs, from the gateway, the counter and the staff, share the
next one (group commit).
"""

import asyncio
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import chain, islice
from typing import Any, TypeVar

import structlog

from departments import batch, staff_transactions, summary_tables, transactions
from departments.batch import Work
from departments.change_reader import ChangeReader
from departments.commits import Commits
from departments.domain.errors import TicketUnreadable
from departments.domain.menu import Menu
from departments.domain.placing import Placement
from departments.domain.positions import Position, TicketPage
from departments.domain.steps import Move, Moved, Tick
from departments.domain.stock import Stock
from departments.domain.stock_changes import StockHistory, StockOrder
from departments.domain.tickets import Decision, Ticket, TicketState
from departments.traces import Decide, deciding, sampled_fields, span_of
from departments.transactions import StockLevels, TicketOrError
from infra.db.database import Database
from infra.errors import DatabaseError
from infra.group_commit import GroupCommit
from infra.tracing.spans import Tracer

R = TypeVar("R")

CALLS_PER_TRANSACTION = 16
LOG_SECONDS = 0.1

log = structlog.get_logger("department")


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


class DepartmentApp:
    """A department's use cases, which its gRPC services call."""

    def __init__(
        self,
        menu: Menu,
        database: Database,
        tracer: Tracer | None = None,
        *,
        now_ms: Callable[[], int] = _now_ms,
    ) -> None:
        """`database`: its tables exist already. `tracer` records the transactions of batches that have a span.

        `now_ms` returns the time of day, in milliseconds since 1970.
        """
        self.menu = menu
        self.commits = Commits()
        self.change_reader = ChangeReader(database, lambda: self.menu, self._log_unreadable)
        self._database = database
        self._now_ms = now_ms
        self._is_traced = tracer is not None
        self._placed: list[str] = []
        self._sampled: list[dict[str, str]] = []
        self._transactions = 0
        self._unreadable: set[tuple[str, int]] = set()
        self.writing: GroupCommit[Sequence[Placement] | Work[Any], Any] = GroupCommit(
            self._write if tracer is None else tracer.traced("transaction", span_of, self._write),
            limit=CALLS_PER_TRANSACTION,
        )

    async def open(self) -> None:
        """Write the opening stock of items that are new to the database."""
        await self._database.write(transactions.open_department, self.menu, self._now_ms())

    async def replace_menu(self, menu: Menu) -> None:
        """Write the opening stock of items that are new to the database, and use the other menu from then on."""
        await self._database.write(transactions.open_department, menu, self._now_ms())
        self.menu = menu
        self.commits.announce(moved=False)

    async def place(self, placements: Sequence[Placement]) -> list[TicketOrError]:
        """Place orders, in one transaction with others that arrive meanwhile, and return their tickets."""
        tickets: list[TicketOrError] = await self.writing.submit(placements)
        return tickets

    async def confirm(self, decisions: Sequence[Decision]) -> list[TicketOrError]:
        """Queue the tickets that are held, and return all tickets."""
        return await self._decide("confirm", transactions.confirm, decisions)

    async def suspend(self, decisions: Sequence[Decision]) -> list[TicketOrError]:
        """Hold the tickets that are queued, and return all tickets."""
        return await self._decide("suspend", transactions.suspend, decisions)

    async def cancel(self, decisions: Sequence[Decision]) -> list[TicketOrError]:
        """Cancel the tickets that are not started, write tombstones for unknown orders, and return all tickets."""
        return await self._decide("cancel", transactions.cancel, decisions)

    async def move(self, move: Move) -> Ticket:
        """Take one step with one ticket for the staff, and return the ticket; raises an OrderError."""
        ticket = await self._work(lambda connection, now_ms: staff_transactions.move(connection, move, now_ms))
        self.commits.announce(moved=True)
        _log_move(move, ticket)
        return ticket

    async def move_all(self, moves: Sequence[Move]) -> list[Moved]:
        """Take one step with each of several tickets for the staff, and return what became of each step."""
        results = await self._work(lambda connection, now_ms: staff_transactions.move_all(connection, moves, now_ms))
        self.commits.announce(moved=True)
        for move, result in zip(moves, results, strict=True):
            if result.ticket is not None and result.error is None:
                _log_move(move, result.ticket)
            elif isinstance(result.error, TicketUnreadable):
                self._log_unreadable([result.error])
        return results

    async def tick(self, tick: Tick) -> Ticket:
        """Mark a line of a ticket as made or not made, and return the ticket; raises an OrderError."""
        ticket = await self._work(lambda connection, _: staff_transactions.tick(connection, tick))
        self.commits.announce(moved=ticket.moved_at_ms > 0)
        log.info("ticked", order_id=tick.order_id, line=tick.line, made=tick.made, by=tick.ticked_by)
        return ticket

    async def tickets_of(self, order_ids: Sequence[str]) -> tuple[list[Ticket], str]:
        """Return the tickets of these orders and the incarnation; what is unknown or unreadable is left out."""
        tickets, incarnation = await self._database.read(staff_transactions.tickets_of, order_ids)
        self._log_unreadable(ticket for ticket in tickets if isinstance(ticket, TicketUnreadable))
        return [ticket for ticket in tickets if isinstance(ticket, Ticket)], incarnation

    async def change_stock(self, order: StockOrder) -> Stock:
        """Change an item's stock for the staff, and return it; raises an ItemError."""
        stock = await self._work(lambda connection, now_ms: staff_transactions.change_stock(connection, order, now_ms))
        self.commits.announce(moved=False)
        change = {"reason": order.reason.value, "delta": order.change, "by": order.changed_by}
        log.info("stock changed", item=order.item, **change, change_id=order.change_id, on_hand=stock.on_hand)
        return stock

    async def set_on_sale(self, item: str, changed_by: str, *, on_sale: bool) -> Stock:
        """Take an item off sale or put it back for the staff, and return its stock; raises ItemNotFound."""
        stock = await self._work(
            lambda connection, now_ms: staff_transactions.set_on_sale(connection, item, changed_by, now_ms, on_sale)
        )
        self.commits.announce(moved=False)
        log.info("put on sale" if on_sale else "taken off sale", item=item, by=changed_by)
        return stock

    async def stock_history(self, item: str, before: int, limit: int) -> StockHistory:
        """Return a page of the stock's changes below a revision; of all items where `item` is ""."""
        return await self._database.read(staff_transactions.stock_history, item, before, limit)

    async def changes(self, position: Position, states: Collection[TicketState], limit: int) -> TicketPage:
        """Return the page of at most `limit` tickets that follows a position; `states` filters a snapshot."""
        page = await self._database.read(transactions.changes, position, states, limit)
        self._log_unreadable(page.unreadable)
        return page

    async def stock_levels(self) -> StockLevels:
        """Return the stock of every item."""
        return await self._database.read(transactions.stock_levels)

    async def summary(self) -> summary_tables.Summary:
        """Return what the metrics show of tickets and stock; raises DatabaseError."""
        return await self._database.read(summary_tables.read_summary)

    async def is_writable(self) -> bool:
        """Return whether a write to the database succeeds."""
        try:
            await self._database.write(transactions.probe_writable)
        except DatabaseError as error:
            log.debug("the database cannot be written", reason=str(error))
            return False
        return True

    def close(self) -> None:
        """Log the placed orders that are not logged yet."""
        self._log_placed()

    async def _decide(self, request: str, decide: Decide, decisions: Sequence[Decision]) -> list[TicketOrError]:
        """Carry out the gateway's decisions about orders, and log them."""
        tickets = await self._work(deciding(decide, decisions))
        self._report(request, tickets, decisions)
        return tickets

    async def _work(self, work: Work[R]) -> R:
        """Do what writes, in one transaction with what else arrives meanwhile; raises its DepartmentError."""
        result: R = await self.writing.submit(work)
        return result

    async def _write(self, calls: list[Sequence[Placement] | Work[Any]]) -> list[Any]:
        """Do what came together, in one transaction; return for each call its tickets, its result or its error."""
        orders = [call for call in calls if not callable(call)]
        works = [call for call in calls if callable(call)]
        if not works:
            return await self._place(orders)
        try:
            tickets, results = await self._place_and_work(orders, works)
        except DatabaseError:
            raise
        except Exception:
            if len(calls) == 1:
                raise
            log.exception("a batch failed, and each of its calls is tried alone", calls=len(calls))
            return [await self._alone(call) for call in calls]
        iterators = iter(results), iter(tickets)
        return [next(iterators[not callable(call)]) for call in calls]

    async def _alone(self, call: Sequence[Placement] | Work[Any]) -> Any:
        """Do one call in a transaction of its own; return what it raises: what fails in a batch fails alone."""
        try:
            (result,) = await self._write([call])
        except Exception as error:  # noqa: BLE001 - not swallowed: it is raised to the caller
            return error
        return result

    async def _place_and_work(
        self, calls: list[Sequence[Placement]], works: list[Work[Any]]
    ) -> tuple[list[list[TicketOrError]], list[Any]]:
        placements = list(chain.from_iterable(calls))
        tickets, results = await self._database.write(batch.run, self.menu, placements, works, self._now_ms())
        return self._announce_placed(calls, placements, tickets), results

    async def _place(self, calls: list[Sequence[Placement]]) -> list[list[TicketOrError]]:
        """Place orders that came alone, as most do: by statements only, which the database runs in less time."""
        placements = list(chain.from_iterable(calls))
        tickets = await self._database.write(transactions.place, self.menu, placements, self._now_ms())
        return self._announce_placed(calls, placements, tickets)

    def _announce_placed(
        self, calls: list[Sequence[Placement]], placements: Sequence[Placement], tickets: Sequence[TicketOrError]
    ) -> list[list[TicketOrError]]:
        """Wake the watchers of what was placed, and log it; return the tickets of each call."""
        if placements:
            self.commits.announce(moved=False)
            if self._is_traced:
                self._sampled += sampled_fields(*calls).get("sampled", ())
            self._log_placed_later(placements)
            self._log_unreadable(ticket for ticket in tickets if isinstance(ticket, TicketUnreadable))
        iterator = iter(tickets)
        return [list(islice(iterator, len(call))) for call in calls]

    def _log_placed_later(self, placements: Sequence[Placement]) -> None:
        """Log the orders after LOG_SECONDS, in one line with others placed until then: no caller waits for the log."""
        if not self._placed:
            asyncio.get_running_loop().call_later(LOG_SECONDS, self._log_placed)
        self._placed += [placement.order_id for placement in placements]
        self._transactions += 1

    def _log_placed(self) -> None:
        if not self._placed:
            return
        order_ids, transactions = self._placed, self._transactions
        sampled = {"sampled": self._sampled} if self._sampled else {}
        self._placed, self._transactions, self._sampled = [], 0, []
        log.info("placed", orders=len(order_ids), transactions=transactions, order_ids=order_ids, **sampled)

    def _report(self, request: str, tickets: Sequence[TicketOrError], decisions: Sequence[Decision]) -> None:
        """Wake those who watch, and log each ticket's state: a request that came too late has changed nothing."""
        self.commits.announce(moved=any(isinstance(ticket, Ticket) and ticket.moved_at_ms for ticket in tickets))
        states: dict[str, list[str]] = {}
        for ticket in tickets:
            if isinstance(ticket, Ticket):
                states.setdefault(ticket.state.value, []).append(ticket.order_id)
        log.info(f"{request} requested", **states, **sampled_fields(decisions))
        self._log_unreadable(ticket for ticket in tickets if isinstance(ticket, TicketUnreadable))

    def _log_unreadable(self, tickets: Iterable[TicketUnreadable]) -> None:
        """Log each unreadable ticket once for each of its revisions, with the number of those logged so far."""
        for ticket in tickets:
            if (ticket.order_id, ticket.revision) not in self._unreadable:
                self._unreadable.add((ticket.order_id, ticket.revision))
                log.error(
                    "a ticket cannot be read and is left out",
                    order_id=ticket.order_id,
                    reason=ticket.reason,
                    unreadable=len(self._unreadable),
                )


def _log_move(move: Move, ticket: Ticket) -> None:
    log.info("moved", order_id=move.order_id, verb=move.verb.value, state=ticket.state.value, by=move.moved_by)
