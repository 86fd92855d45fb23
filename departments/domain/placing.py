"""How a department decides an order: line by line, from the stock at this moment."""

from collections.abc import Mapping
from dataclasses import dataclass

from departments.domain.menu import Menu
from departments.domain.stock import Stock
from departments.domain.tickets import Outcome, Ticket, TicketLine, TicketSource, TicketState


@dataclass(slots=True)
class RequestedLine:
    """One line of a request."""

    item: str
    quantity: int
    note: str = ""


@dataclass(slots=True)
class Placement:
    """A request of the gateway, or of a guest at the counter, to place one order's share."""

    order_id: str
    lines: list[RequestedLine]
    table: str = ""
    hold: bool = False
    source: TicketSource = TicketSource.GATEWAY

    def matches(self, ticket: Ticket) -> bool:
        """Return whether the ticket was written for the same lines. A tombstone matches every request."""
        return not ticket.lines or [(line.item, line.quantity, line.note) for line in self.lines] == [
            (line.item, line.quantity, line.note) for line in ticket.lines
        ]


def write_ticket(placement: Placement, menu: Menu, stock: Mapping[str, Stock], now_ms: int) -> Ticket:
    """Take stock for each line of which enough is on hand, and return the new ticket.

    `stock` has an entry for every item on the menu, and is changed.
    """
    lines = [_take_line(line, placement.hold, menu, stock) for line in placement.lines]
    if not any(line.outcome is Outcome.ACCEPTED for line in lines):
        state = TicketState.NONE
    else:
        state = TicketState.HELD if placement.hold else TicketState.QUEUED
    return Ticket(placement.order_id, placement.table, state, lines, now_ms, source=placement.source)


def tombstone(order_id: str, now_ms: int) -> Ticket:
    """Return the ticket of an order that was cancelled before it was placed: it refuses the order when it arrives."""
    return Ticket(order_id, "", TicketState.CANCELLED, [], now_ms)


def _take_line(line: RequestedLine, hold: bool, menu: Menu, stock: Mapping[str, Stock]) -> TicketLine:
    item = menu.items.get(line.item)
    if item is None:
        return TicketLine(line.item, line.quantity, line.note, Outcome.NOT_ON_MENU)
    item_stock = stock[line.item]
    if not item_stock.take(line.quantity, hold=hold):
        return TicketLine(line.item, line.quantity, line.note, Outcome.OUT_OF_STOCK, available=item_stock.on_hand)
    return TicketLine(line.item, line.quantity, line.note, Outcome.ACCEPTED, unit_price=item.price)
