"""Read-only transactions that compare the stock with its history and with what all tickets together took from it."""

from collections import Counter
from dataclasses import dataclass

from sqlalchemy import Connection

from departments import stock_tables, tables
from departments.domain.errors import TicketUnreadable
from departments.domain.stock import Stock
from departments.domain.tickets import TAKEN, Ticket, TicketState


@dataclass(frozen=True, slots=True)
class StockByTickets:
    """The stock, and beside it the quantities that the tickets and the staff's waste add up to, by item.

    All is as of one moment. `received`: what the staff's changes add up to, for the items that were never unlimited.
    `discarded`: the part of `wasted` that the staff threw away. `unreadable`: the tickets that are not counted, because
    their rows cannot be read.
    """

    stock: dict[str, Stock]
    held: Counter[str]
    sold: Counter[str]
    wasted: Counter[str]
    received: dict[str, int]
    discarded: Counter[str]
    unreadable: list[TicketUnreadable]


def stock_by_tickets(connection: Connection) -> StockByTickets:
    """Add up the accepted lines of all tickets and the changes of the stock, and return the sums with the stock."""
    held, sold, wasted = Counter[str](), Counter[str](), Counter[str]()
    unreadable = []
    for ticket in tables.every_ticket(connection):
        if isinstance(ticket, TicketUnreadable):
            unreadable.append(ticket)
        elif _takes_stock(ticket):
            total = held if ticket.state is TicketState.HELD else wasted if ticket.wasted else sold
            for line in ticket.accepted():
                total[line.item] += line.quantity
    stock, history = tables.read_stock(connection), stock_tables.history_sums(connection)
    has_figure = {item for item, each in stock.items() if not each.unlimited} - history.once_unlimited
    received = {item: history.received[item] for item in has_figure}
    return StockByTickets(stock, held, sold, wasted + history.discarded, received, history.discarded, unreadable)


def orders_beyond_stock(connection: Connection, item: str, received: int) -> list[str]:
    """Return the ids of the orders that took more of an item than was ever received, oldest first."""
    beyond = []
    for ticket in tables.every_ticket(connection, by_age=True):
        if isinstance(ticket, Ticket) and _takes_stock(ticket):
            quantity = sum(line.quantity for line in ticket.accepted() if line.item == item)
            received -= quantity
            if quantity and received < 0:
                beyond.append(ticket.order_id)
    return beyond


def _takes_stock(ticket: Ticket) -> bool:
    return ticket.state is TicketState.HELD or ticket.state in TAKEN or ticket.wasted
