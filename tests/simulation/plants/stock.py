"""Bugs of what the staff do besides steps: ticks, changes of the stock, items off sale."""

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

import sqlalchemy as sa

from departments import staff_transactions, step_tables, stock_tables, tables
from departments.domain import placing, stock_changes
from departments.domain.menu import Menu
from departments.domain.placing import RequestedLine
from departments.domain.steps import Step, Tick
from departments.domain.stock import Stock
from departments.domain.stock_changes import StockChange, StockOrder
from departments.domain.tickets import Ticket, TicketLine, Verb
from tests.simulation.seams import and_with_it, plant


@plant("a-change-id-is-ignored", stock_tables, "read_change", "watched")
def read_no_change(original: object, connection: sa.Connection, change_id: str) -> StockChange | None:
    """A delivery that the staff send again is booked again."""
    return None


@and_with_it("a-change-id-is-ignored", stock_tables, "insert_changes")
def insert_under_another_id(
    original: Callable[..., None], connection: sa.Connection, changes: Iterable[StockChange]
) -> None:
    """The second record gets an id of its own."""
    query = sa.text("SELECT 1 FROM stock_changes WHERE change_id = :change_id")
    for change in changes:
        is_known = connection.execute(query, {"change_id": change.change_id}).one_or_none() is not None
        original(connection, [replace(change, change_id=uuid.uuid4().hex) if is_known else change])


@plant("a-count-is-not-compared-with-the-expected-figure", stock_changes, "change_stock", "watched")
def count_whatever_was_there(
    original: Callable[..., StockChange], stock: Stock, order: StockOrder, now_ms: int, revision: int
) -> StockChange:
    """A count counts from the figure that it expects, also where another one is there."""
    if order.count or order.expected:
        delta = max(order.change, -stock.on_hand)
        order = replace(order, count=stock.on_hand + delta, expected=stock.on_hand)
    return original(stock, order, now_ms, revision)


@plant("discarded-goods-stay-on-hand", Stock, "discard", "watched")
def discard_nothing(original: object, self: Stock, quantity: int) -> None:
    """What was thrown away can be sold."""


@plant("a-cancel-gives-an-unlimited-item-a-figure", Stock, "put_back", "watched")
def put_back_on_hand(original: Callable[..., None], self: Stock, quantity: int, *, held: bool) -> None:
    """What is cancelled of an item without a figure is on hand afterwards."""
    unlimited, self.unlimited = self.unlimited, False
    original(self, quantity, held=held)
    self.unlimited = unlimited


@plant("an-unlimited-item-is-sold-without-being-received", Stock, "take", "watched", 3)
def take_without_receiving(original: Callable[..., bool], self: Stock, quantity: int, *, hold: bool) -> bool:
    """More of an unlimited item is sold than was ever received."""
    taken = original(self, quantity, hold=hold)
    self.received -= quantity if self.unlimited else 0
    return taken


@plant("off-sale-is-ignored", placing, "_take_line", "watched", 7)
def take_what_is_off_sale(
    original: Callable[..., TicketLine],
    line: RequestedLine,
    hold: bool,
    menu: Menu,
    stock: Mapping[str, Stock],
) -> TicketLine:
    """A line is accepted although the staff have taken its item off sale."""
    there = stock.get(line.item)
    if there is None:
        return original(line, hold, menu, stock)
    off_sale, there.off_sale = there.off_sale, False
    taken = original(line, hold, menu, stock)
    there.off_sale = off_sale
    return taken


@plant("an-allergy-is-forgotten", placing, "_take_line", "watched")
def take_without_allergy(
    original: Callable[..., TicketLine],
    line: RequestedLine,
    hold: bool,
    menu: Menu,
    stock: Mapping[str, Stock],
) -> TicketLine:
    """A ticket does not tell that a guest has an allergy."""
    taken = original(line, hold, menu, stock)
    taken.allergy = False
    return taken


@plant("a-recall-takes-the-ticks-back", step_tables, "record_step", "watched", 7)
def record_step_and_untick(
    original: Callable[..., None], connection: sa.Connection, ticket: Ticket, step: Step
) -> None:
    """A ticket that is recalled has lost its ticks."""
    original(connection, ticket, step)
    if step.verb is Verb.RECALL:
        for line in ticket.lines:
            line.made = False
        step_tables.write_lines(connection, ticket)


@plant("a-tick-keeps-the-revision", step_tables, "write_lines", "watched")
def write_lines_only(original: Callable[..., None], connection: sa.Connection, ticket: Ticket) -> None:
    """A tick is written without a new revision, so nobody who watches sees it."""
    query = "SELECT revision FROM tickets WHERE order_id = :order_id"
    ticket.revision = connection.execute(sa.text(query), {"order_id": ticket.order_id}).scalar_one()
    original(connection, ticket)


@plant("a-tick-is-responded-and-not-written", staff_transactions, "tick", "watched")
def tick_in_memory(original: object, connection: sa.Connection, tick: Tick) -> Ticket:
    """A line is reported as made, and the database does not know."""
    ticket = tables.read_tickets(connection, [tick.order_id])[tick.order_id]
    assert isinstance(ticket, Ticket)
    ticket.tick(tick.line, made=tick.made)
    return ticket
