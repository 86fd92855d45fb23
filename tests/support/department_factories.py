"""A bar, its orders, and tickets that reach their states by walking the workflow."""

import uuid
from collections.abc import Iterable

from departments.domain.menu import Menu, MenuItem
from departments.domain.placing import Placement, RequestedLine, write_ticket
from departments.domain.stock import Stock
from departments.domain.tickets import Ticket, TicketState, Verb
from departments.menu_file import SHIPPED, read_menu

BAR = read_menu(SHIPPED / "bar.toml")

NEXT: dict[TicketState, dict[Verb, TicketState]] = {
    TicketState.NONE: {},
    TicketState.HELD: {Verb.CONFIRM: TicketState.QUEUED, Verb.CANCEL: TicketState.CANCELLED},
    TicketState.QUEUED: {
        Verb.START: TicketState.PREPARING,
        Verb.CANCEL: TicketState.CANCELLED,
        Verb.CANCEL_LINE: TicketState.QUEUED,
        Verb.SUSPEND: TicketState.HELD,
    },
    TicketState.PREPARING: {
        Verb.FINISH: TicketState.READY,
        Verb.RECALL: TicketState.QUEUED,
        Verb.CANCEL: TicketState.CANCELLED,
        Verb.CANCEL_LINE: TicketState.PREPARING,
    },
    TicketState.READY: {Verb.SERVE: TicketState.SERVED, Verb.RECALL: TicketState.PREPARING},
    TicketState.SERVED: {Verb.RECALL: TicketState.READY},
    TicketState.CANCELLED: {},
}
"""The workflow as docs/architecture.md draws it, written down a second time."""

WALKS: dict[TicketState, list[Verb]] = {
    TicketState.HELD: [],
    TicketState.QUEUED: [Verb.CONFIRM],
    TicketState.PREPARING: [Verb.CONFIRM, Verb.START],
    TicketState.READY: [Verb.CONFIRM, Verb.START, Verb.FINISH],
    TicketState.SERVED: [Verb.CONFIRM, Verb.START, Verb.FINISH, Verb.SERVE],
    TicketState.CANCELLED: [Verb.CONFIRM, Verb.CANCEL],
}
"""How a ticket that was held gets to each state."""


def new_id() -> str:
    return str(uuid.uuid4())


def order(*lines: tuple[str, int], order_id: str = "", table: str = "", hold: bool = False) -> Placement:
    """An order of (item, quantity) lines."""
    return Placement(order_id or new_id(), [RequestedLine(item, quantity) for item, quantity in lines], table, hold)


def coffees(quantity: int, *, order_id: str = "", hold: bool = False) -> Placement:
    return order(("coffee", quantity), order_id=order_id, hold=hold)


def full_stock(menu: Menu = BAR) -> dict[str, Stock]:
    return {item.id: Stock(item.id, item.stock, item.stock, 0, 0) for item in menu.items.values()}


def small_menu(**stock: int) -> Menu:
    """A menu of these items, each with its opening stock."""
    items = {item: MenuItem(item, {"en": item.title(), "ko": item}, 100, count) for item, count in stock.items()}
    return Menu("bar", {"en": "Bar", "ko": "바"}, "Drink", items)


def ticket_in(state: TicketState) -> Ticket:
    """Walk a ticket to a state."""
    if state is TicketState.NONE:
        return write_ticket(order(("beer", 1)), BAR, full_stock(), 1)
    ticket = write_ticket(coffees(1, hold=True), BAR, full_stock(), 1)
    for at_ms, verb in enumerate(WALKS[state], start=2):
        ticket.step(verb, at_ms)
    return ticket


def obeys_the_law(stock: Iterable[Stock]) -> bool:
    return all(
        s.received == s.on_hand + s.held + s.sold + s.wasted and min(s.on_hand, s.held, s.sold, s.wasted) >= 0
        for s in stock
    )
