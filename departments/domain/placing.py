"""How a department answers an order: line by line, from the shelf as it is at this moment."""

from collections.abc import Mapping
from dataclasses import dataclass

from departments.domain.menu import Menu
from departments.domain.stock import Stock
from departments.domain.tickets import Outcome, Ticket, TicketLine, TicketSource, TicketState


@dataclass(slots=True)
class RequestedLine:
    """One line as it was asked for."""

    item: str
    quantity: int
    note: str = ""


@dataclass(slots=True)
class Placement:
    """An order's share as the gateway, or a guest at the counter, asks for it."""

    order_id: str
    wishes: list[RequestedLine]
    table: str = ""
    hold: bool = False
    source: TicketSource = TicketSource.GATEWAY

    def matches(self, ticket: Ticket) -> bool:
        """Tell whether the ticket answers this very order. A tombstone answers any."""
        return not ticket.lines or [(w.item, w.quantity, w.note) for w in self.wishes] == [
            (line.item, line.quantity, line.note) for line in ticket.lines
        ]


def answer(placement: Placement, menu: Menu, stock: Mapping[str, Stock], now_ms: int) -> Ticket:
    """Take from stock what is there, and write the ticket. `stock` is changed; it holds every item on the menu."""
    lines = [_serve(wish, placement.hold, menu, stock) for wish in placement.wishes]
    if not any(line.outcome is Outcome.ACCEPTED for line in lines):
        state = TicketState.NONE
    else:
        state = TicketState.HELD if placement.hold else TicketState.QUEUED
    return Ticket(placement.order_id, placement.table, state, lines, now_ms, source=placement.source)


def tombstone(order_id: str, now_ms: int) -> Ticket:
    """Write the ticket that refuses an order which was cancelled before it arrived."""
    return Ticket(order_id, "", TicketState.CANCELLED, [], now_ms)


def _serve(wish: RequestedLine, hold: bool, menu: Menu, stock: Mapping[str, Stock]) -> TicketLine:
    item = menu.items.get(wish.item)
    if item is None:
        return TicketLine(wish.item, wish.quantity, wish.note, Outcome.NOT_ON_MENU)
    shelf = stock[wish.item]
    if not shelf.take(wish.quantity, hold=hold):
        return TicketLine(wish.item, wish.quantity, wish.note, Outcome.OUT_OF_STOCK, available=shelf.on_hand)
    return TicketLine(wish.item, wish.quantity, wish.note, Outcome.ACCEPTED, unit_price=item.price)
