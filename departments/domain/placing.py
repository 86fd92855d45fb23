"""How a department answers an order: line by line, from the shelf as it is at this moment."""

from collections.abc import Mapping
from dataclasses import dataclass

from departments.domain.menu import Menu
from departments.domain.stock import Stock
from departments.domain.tickets import Outcome, Source, State, Ticket, TicketLine


@dataclass(slots=True)
class RequestedLine:
    """One line as it was asked for. `expected_price`, in minor units, is the price of one that its guest saw."""

    item: str
    quantity: int
    note: str = ""
    expected_price: int | None = None


@dataclass(slots=True)
class Placement:
    """An order's share as the gateway, or a guest at the counter, asks for it."""

    order_id: str
    wishes: list[RequestedLine]
    table: str = ""
    hold: bool = False
    source: Source = Source.GATEWAY

    def matches(self, ticket: Ticket) -> bool:
        """Tell whether the ticket answers this very order. A tombstone answers any."""
        return not ticket.lines or [(w.item, w.quantity, w.note, w.expected_price) for w in self.wishes] == [
            (line.item, line.quantity, line.note, line.expected_price) for line in ticket.lines
        ]


def answer(placement: Placement, menu: Menu, stock: Mapping[str, Stock], now_ms: int) -> Ticket:
    """Take from stock what is there, and write the ticket. `stock` is changed; it holds every item on the menu."""
    lines = [_serve(wish, placement.hold, menu, stock) for wish in placement.wishes]
    if not any(line.outcome is Outcome.ACCEPTED for line in lines):
        state = State.NONE
    else:
        state = State.HELD if placement.hold else State.QUEUED
    return Ticket(placement.order_id, placement.table, state, lines, now_ms, source=placement.source)


def tombstone(order_id: str, now_ms: int) -> Ticket:
    """Write the ticket that refuses an order which was cancelled before it arrived."""
    return Ticket(order_id, "", State.CANCELLED, [], now_ms)


def _serve(wish: RequestedLine, hold: bool, menu: Menu, stock: Mapping[str, Stock]) -> TicketLine:
    """Take one line from stock; a price that its guest did not see takes nothing, whatever is left."""
    outcome, price, available = Outcome.ACCEPTED, 0, 0
    item = menu.items.get(wish.item)
    if item is None:
        outcome = Outcome.NOT_ON_MENU
    elif wish.expected_price is not None and wish.expected_price != item.price:
        outcome, price = Outcome.PRICE_CHANGED, item.price
    elif stock[wish.item].take(wish.quantity, hold=hold):
        price = item.price
    else:
        outcome, available = Outcome.OUT_OF_STOCK, stock[wish.item].on_hand
    return TicketLine(wish.item, wish.quantity, wish.note, outcome, price, available, wish.expected_price)
