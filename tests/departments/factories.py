"""A bar, its orders, and tickets that reach their states by walking the workflow."""

import uuid
from collections.abc import Iterable

from departments.domain.menu import Menu, MenuItem
from departments.domain.placing import Placement, RequestedLine, answer
from departments.domain.stock import Stock
from departments.domain.tickets import State, Ticket, Verb
from departments.menu_file import SHIPPED, read_menu

BAR = read_menu(SHIPPED / "bar.toml")

NEXT: dict[State, dict[Verb, State]] = {
    State.NONE: {},
    State.HELD: {Verb.CONFIRM: State.QUEUED, Verb.CANCEL: State.CANCELLED},
    State.QUEUED: {Verb.START: State.PREPARING, Verb.CANCEL: State.CANCELLED, Verb.SUSPEND: State.HELD},
    State.PREPARING: {Verb.FINISH: State.READY, Verb.RECALL: State.QUEUED, Verb.CANCEL: State.CANCELLED},
    State.READY: {Verb.SERVE: State.SERVED, Verb.RECALL: State.PREPARING},
    State.SERVED: {Verb.RECALL: State.READY},
    State.CANCELLED: {},
}
"""The workflow as docs/architecture.md draws it, written down a second time."""

WALKS: dict[State, list[Verb]] = {
    State.HELD: [],
    State.QUEUED: [Verb.CONFIRM],
    State.PREPARING: [Verb.CONFIRM, Verb.START],
    State.READY: [Verb.CONFIRM, Verb.START, Verb.FINISH],
    State.SERVED: [Verb.CONFIRM, Verb.START, Verb.FINISH, Verb.SERVE],
    State.CANCELLED: [Verb.CONFIRM, Verb.CANCEL],
}
"""How a ticket that was held gets to each state."""


def new_id() -> str:
    return str(uuid.uuid4())


def order(*lines: tuple[str, int], order_id: str = "", table: str = "", hold: bool = False) -> Placement:
    """An order of (item, quantity) lines."""
    return Placement(order_id or new_id(), [RequestedLine(item, quantity) for item, quantity in lines], table, hold)


def coffees(quantity: int, *, order_id: str = "", hold: bool = False) -> Placement:
    return order(("coffee", quantity), order_id=order_id, hold=hold)


def full_shelves(menu: Menu = BAR) -> dict[str, Stock]:
    return {item.id: Stock(item.id, item.stock, item.stock, 0, 0) for item in menu.items.values()}


def small_menu(**stock: int) -> Menu:
    """A menu of these items, each with its opening stock."""
    items = {item: MenuItem(item, {"en": item.title(), "ko": item}, 100, count) for item, count in stock.items()}
    return Menu("bar", {"en": "Bar", "ko": "바"}, "Drink", items)


def ticket_in(state: State) -> Ticket:
    """Walk a ticket to a state."""
    if state is State.NONE:
        return answer(order(("beer", 1)), BAR, full_shelves(), 1)
    ticket = answer(coffees(1, hold=True), BAR, full_shelves(), 1)
    for verb in WALKS[state]:
        ticket.step(verb)
    return ticket


def obeys_the_law(stock: Iterable[Stock]) -> bool:
    return all(
        s.received == s.on_hand + s.held + s.sold + s.wasted and min(s.on_hand, s.held, s.sold, s.wasted) >= 0
        for s in stock
    )
