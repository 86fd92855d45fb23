"""Bugs of a department: its decisions, its stock, its transactions."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import Any

import sqlalchemy as sa

from departments import staff_transactions, step_tables, tables, transactions
from departments.app import DepartmentApp
from departments.domain import placing
from departments.domain.menu import Menu
from departments.domain.placing import Placement, RequestedLine, tombstone
from departments.domain.positions import Position
from departments.domain.steps import Move, Step
from departments.domain.stock import Stock
from departments.domain.tickets import Decision, Outcome, Ticket, TicketLine
from departments.rows import TicketOrUnreadable
from departments.transactions import TicketOrError
from infra.db.database import statements_only
from tests.simulation.seams import and_with_it, plant

Batch = tuple[int, dict[str, TicketOrUnreadable], dict[str, Stock], set[str]]


@plant("price-not-compared", placing, "_take_line")
def take_at_any_price(
    original: Callable[..., TicketLine], line: RequestedLine, hold: bool, menu: Menu, stock: Mapping[str, Stock]
) -> TicketLine:
    """A line is accepted at another price than the client saw."""
    taken = original(replace(line, expected_price=None), hold, menu, stock)
    taken.expected_price = line.expected_price
    return taken


@plant("stock-taken-although-the-price-differs", placing, "_take_line")
def take_before_the_price_is_compared(
    original: Callable[..., TicketLine], line: RequestedLine, hold: bool, menu: Menu, stock: Mapping[str, Stock]
) -> TicketLine:
    """A line that is refused for its price takes stock."""
    taken = original(line, hold, menu, stock)
    if taken.outcome is Outcome.PRICE_CHANGED:
        stock[line.item].take(line.quantity, hold=hold)
    return taken


@and_with_it("stock-taken-although-the-price-differs", Ticket, "accepted")
def accepted_or_refused_for_its_price(original: object, self: Ticket) -> list[TicketLine]:
    """The stock that it took is written."""
    return [line for line in self.lines if line.outcome in (Outcome.ACCEPTED, Outcome.PRICE_CHANGED)]


@plant("no-tombstone", transactions, "_insert_tombstones")
def respond_with_tombstones(
    original: object,
    connection: sa.Connection,
    order_ids: Sequence[str],
    tickets: dict[str, TicketOrUnreadable],
    revision: int,
    now_ms: int,
) -> None:
    """A department responds with a tombstone that it does not write."""
    for order_id in order_ids:
        tickets.setdefault(order_id, tombstone(order_id, now_ms))


@plant("stock-read-outside-the-transaction", DepartmentApp, "_place", "draw", 2)
async def read_then_place(
    original: object, self: DepartmentApp, calls: list[Sequence[Placement]]
) -> list[list[TicketOrError]]:
    """A department reads its stock in one transaction and takes from what it has read in another."""
    stock = (await self._database.read(transactions.stock_levels)).stock
    placements = list(chain.from_iterable(calls))
    tickets = iter(await self._database.write(_place_from, self.menu, placements, self._now_ms(), stock))
    return [list(islice(tickets, len(call))) for call in calls]


@statements_only
def _place_from(
    connection: sa.Connection, menu: Menu, placements: Sequence[Placement], now_ms: int, stock: dict[str, Stock]
) -> list[TicketOrError]:
    connection.info["stock"] = stock
    return transactions.place(connection, menu, placements, now_ms)


@and_with_it("stock-read-outside-the-transaction", tables, "open_batch")
def open_batch_without_stock(
    original: Callable[..., Batch], connection: sa.Connection, order_ids: Collection[str], changes: int
) -> Batch:
    """What was read outside takes the place of what is read inside."""
    revision, tickets, stock, archived = original(connection, order_ids, changes)
    return revision, tickets, connection.info.pop("stock", stock), archived


@plant("stock-not-checked", Stock, "take", "echo")
def take_what_is_not_there(original: object, self: Stock, quantity: int, *, hold: bool) -> bool:
    """A line is accepted although too few are on hand."""
    self.on_hand -= quantity
    if hold:
        self.held += quantity
    else:
        self.sold += quantity
    return True


@plant("department-responds-before-its-commit", DepartmentApp, "_place", "draw", 8)
async def respond_then_commit(
    original: Callable[..., Any], self: DepartmentApp, calls: list[Sequence[Placement]]
) -> list[list[TicketOrError]]:
    """A department responds with tickets whose transaction has not begun."""
    placements = list(chain.from_iterable(calls))

    def rehearse(connection: sa.Connection) -> list[TicketOrError]:
        trial = connection.begin_nested()
        tickets = transactions.place(connection, self.menu, placements, self._now_ms())
        trial.rollback()
        return tickets

    tickets = iter(await self._database.write(rehearse))
    asyncio.get_running_loop().create_task(original(self, calls))  # nothing waits for it: the bug
    return [list(islice(tickets, len(call))) for call in calls]


@plant("no-epoch-at-the-department", Ticket, "record_epoch", "echo", 15)
def record_any_epoch(original: Callable[..., bool], self: Ticket, decision: Decision) -> bool:
    """An earlier decision that arrives late takes the place of a later one."""
    self.epoch = min(self.epoch, decision.epoch)
    return original(self, decision)


@plant("refused-cancel-not-recorded", Ticket, "record_refused_cancel", "recalled", 147)
def forget_the_refused_cancel(original: object, self: Ticket, decision: Decision) -> bool:
    """A late copy of a cancel that was refused cancels the ticket once the staff have recalled it."""
    return False


@plant("replay-not-answered-from-the-store", tables, "open_batch")
def open_batch_of_unknown_orders(
    original: Callable[..., Batch], connection: sa.Connection, order_ids: Collection[str], changes: int
) -> Batch:
    """An order that is sent again is placed again."""
    revision, _, stock, archived = original(connection, order_ids, changes)
    return revision, {}, stock, archived


@plant("cancel-does-not-restock", Stock, "put_back")
def put_nothing_back(original: object, self: Stock, quantity: int, *, held: bool) -> None:
    """What is cancelled is not put back on hand."""


@plant("confirm-does-not-sell", Stock, "confirm")
def leave_held(original: object, self: Stock, quantity: int) -> None:
    """What is confirmed stays held."""


@plant("suspend-does-not-hold", Stock, "suspend", "echo")
def leave_sold(original: object, self: Stock, quantity: int) -> None:
    """What is suspended stays sold."""


class _Unchanging(dict[str, TicketOrUnreadable]):
    """Tickets, to which none can be added."""

    def __setitem__(self, order_id: str, ticket: TicketOrUnreadable) -> None:
        pass


@plant("duplicates-in-a-batch-taken-twice", tables, "open_batch", "draw", 1)
def open_batch_of_single_orders(
    original: Callable[..., Batch], connection: sa.Connection, order_ids: Collection[str], changes: int
) -> Batch:
    """An order that stands twice in one batch is placed twice."""
    revision, tickets, stock, archived = original(connection, order_ids, changes)
    return revision, _Unchanging(tickets), stock, archived


@plant("waste-is-put-back-on-hand", Stock, "waste", "echo")
def put_waste_back(original: object, self: Stock, quantity: int) -> None:
    """What the staff had started and then cancelled is on hand again."""
    self.put_back(quantity, held=False)


@plant("a-step-id-is-ignored", step_tables, "read_step", "echo")
def read_no_step(original: object, connection: sa.Connection, order_id: str, step_id: str) -> Step | None:
    """A step that the staff send again is taken again."""
    return None


@plant("a-step-is-not-compared-with-the-expected-state", staff_transactions, "move", "echo", 3)
def move_from_any_state(original: Callable[..., Ticket], connection: sa.Connection, move: Move, now_ms: int) -> Ticket:
    """A step is taken although the ticket is not in the state that the staff saw."""
    ticket = tables.read_tickets(connection, [move.order_id]).get(move.order_id)
    if isinstance(ticket, Ticket) and step_tables.read_step(connection, move.order_id, move.step_id) is None:
        move = replace(move, expected=ticket.state)
    return original(connection, move, now_ms)


@plant("batch-stock-with-the-first-revision", tables, "open_batch", "echo")
def open_batch_and_note_the_first_revision(
    original: Callable[..., Batch], connection: sa.Connection, order_ids: Collection[str], changes: int
) -> Batch:
    """The stock that a batch changed has the revision of its first ticket, which a reader may have seen already."""
    revision, tickets, stock, archived = original(connection, order_ids, changes)
    connection.info["first revisions"] = {revision + changes - 1: revision}
    return revision, tickets, stock, archived


@and_with_it("batch-stock-with-the-first-revision", tables, "update_stock")
def update_stock_with_the_first_revision(
    original: Callable[..., None], connection: sa.Connection, changed: Sequence[Stock], revision: int
) -> None:
    """The last revision of the batch is replaced by its first."""
    original(connection, changed, connection.info.get("first revisions", {}).get(revision, revision))


@plant("position-without-incarnation", Position, "is_void", "restored", 8)
def is_void_by_revision_alone(original: object, self: Position, incarnation: str, revision: int) -> bool:
    """A position from before a restore counts as one of the restored database."""
    return max(self.after, self.snapshot) > revision
