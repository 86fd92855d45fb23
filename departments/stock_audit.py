"""Read-only transactions that compare the stock with its history and with what all tickets together took from it."""

from collections import Counter
from dataclasses import dataclass

from sqlalchemy import Connection

from departments import archiving, stock_tables, tables
from departments.domain.stock import Stock
from departments.domain.tickets import TAKEN, Ticket, TicketState


@dataclass(frozen=True, slots=True)
class StockByTickets:
    """The stock, and beside it the quantities that the tickets and the staff's waste add up to, by item.

    All is as of one moment. `received`: what the staff's changes add up to, for the items that were never unlimited.
    `discarded`: the part of `wasted` that the staff threw away. `unreadable`: how many tickets are not counted, because
    their rows cannot be read. `archived`: the part of `sold` and `wasted` that is of tickets that were archived.
    """

    stock: dict[str, Stock]
    held: Counter[str]
    sold: Counter[str]
    wasted: Counter[str]
    received: dict[str, int]
    discarded: Counter[str]
    unreadable: int
    archived: Counter[str]


def stock_by_tickets(connection: Connection) -> StockByTickets:
    """Add up the accepted lines of all tickets and the changes of the stock, and return the sums with the stock."""
    held, sold, wasted = Counter[str](), Counter[str](), Counter[str]()
    unreadable = 0
    for taken, count in tables.what_tickets_took(connection):
        if taken is None:
            unreadable += count
            continue
        for item, quantity in taken.wasted_lines:
            wasted[item] += quantity * count
        if _takes_stock(taken.state, is_wasted=taken.is_wasted):
            total = held if taken.state is TicketState.HELD else wasted if taken.is_wasted else sold
            for item, quantity in taken.accepted:
                total[item] += quantity * count
    stock, history = tables.read_stock(connection), stock_tables.history_sums(connection)
    has_figure = {item for item, each in stock.items() if not each.unlimited} - history.once_unlimited
    received = {item: history.received[item] for item in has_figure}
    gone = archiving.read_sums(connection)
    sold += gone.sold
    wasted += gone.wasted + history.discarded
    archived = gone.sold + gone.wasted
    return StockByTickets(stock, held, sold, wasted, received, history.discarded, unreadable, archived)


def orders_beyond_stock(connection: Connection, item: str, received: int) -> list[str]:
    """Return the ids of the orders that took more of an item than was ever received, oldest first."""
    beyond = []
    for ticket in tables.every_ticket(connection, by_age=True):
        if isinstance(ticket, Ticket):
            lines = ticket.accepted() if _takes_stock(ticket.state, is_wasted=ticket.wasted) else []
            quantity = sum(line.quantity for line in [*lines, *ticket.wasted_lines()] if line.item == item)
            received -= quantity
            if quantity and received < 0:
                beyond.append(ticket.order_id)
    return beyond


def _takes_stock(state: TicketState, *, is_wasted: bool) -> bool:
    return state is TicketState.HELD or state in TAKEN or is_wasted
