"""How a department decides an order: line by line, from the stock at this moment."""

from collections.abc import Mapping
from dataclasses import dataclass

from departments.domain.menu import Menu
from departments.domain.stock import Stock
from departments.domain.tickets import Outcome, Ticket, TicketLine, TicketSource, TicketState

_ACCEPTED, _HELD, _QUEUED, _NONE = Outcome.ACCEPTED, TicketState.HELD, TicketState.QUEUED, TicketState.NONE
"""For what runs for every order: Python 3.11 takes 0.06 µs to find an enum's member by its class."""


@dataclass(slots=True)
class RequestedLine:
    """One line of a request. `expected_price`, in minor units, is the price of one item that the client saw.

    `allergy`: whoever eats it has an allergy, which the staff see.
    """

    item: str
    quantity: int
    note: str = ""
    expected_price: int | None = None
    allergy: bool = False


@dataclass(slots=True)
class Placement:
    """A request of the gateway, or of a client at the counter, to place one order's share.

    `number` is the order's short number, 0 where it has none. It is no part of what the order asks for.
    """

    order_id: str
    lines: list[RequestedLine]
    table: str = ""
    hold: bool = False
    source: TicketSource = TicketSource.GATEWAY
    number: int = 0

    def matches(self, ticket: Ticket) -> bool:
        """Return whether the ticket was written for the same lines. A tombstone matches every request."""
        return not ticket.lines or [
            (line.item, line.quantity, line.note, line.expected_price, line.allergy) for line in self.lines
        ] == [(line.item, line.quantity, line.note, line.expected_price, line.allergy) for line in ticket.lines]


def write_ticket(placement: Placement, menu: Menu, stock: Mapping[str, Stock], now_ms: int) -> Ticket:
    """Take stock for each line of which enough is on hand, and return the new ticket.

    `stock` has an entry for every item on the menu, and is changed.
    """
    lines = [_take_line(line, placement.hold, menu, stock) for line in placement.lines]
    state = _HELD if placement.hold else _QUEUED
    if _ACCEPTED not in [line.outcome for line in lines]:
        state = _NONE
    return Ticket(
        placement.order_id, placement.table, state, lines, now_ms, source=placement.source, number=placement.number
    )


def tombstone(order_id: str, now_ms: int) -> Ticket:
    """Return the ticket of an order that was cancelled before it was placed: it refuses the order when it arrives."""
    return Ticket(order_id, "", TicketState.CANCELLED, [], now_ms, cancelled_at_ms=now_ms)


def _take_line(line: RequestedLine, hold: bool, menu: Menu, stock: Mapping[str, Stock]) -> TicketLine:
    """Take one line from stock.

    A line whose item is off sale, or has another price than the line states, takes nothing, whatever is on hand.
    """
    outcome, price, available = _ACCEPTED, 0, 0
    item = menu.items.get(line.item)
    if item is None:
        outcome = Outcome.NOT_ON_MENU
    elif stock[line.item].off_sale:
        outcome = Outcome.OFF_SALE
    elif line.expected_price is not None and line.expected_price != item.price:
        outcome, price = Outcome.PRICE_CHANGED, item.price
    elif stock[line.item].take(line.quantity, hold=hold):
        price = item.price
    else:
        outcome, available = Outcome.OUT_OF_STOCK, stock[line.item].on_hand
    return TicketLine(line.item, line.quantity, line.note, outcome, price, available, line.expected_price, line.allergy)
