"""Passes over the orders that are right beyond doubt: only the others are read in full and compared by the rules.

Nearly every order of a restaurant was accepted whole, and each of its departments has the ticket that it asks for. To
see that takes two fifths of what it takes to compare them by the rules, which find what is wrong with all the others.
Whatever is passed over here, the rules would have found nothing about: a test holds them against each other.
"""

from collections.abc import Mapping
from operator import attrgetter

from departments.slices import MadeTicket, TicketRow, read_made
from gateway.orders.slices import OrderRow, read_accepted
from gateway.orders.ticket_states import KnownState

_what = attrgetter("item", "quantity", "note", "expected_price", "allergy", "unit_price")
"""What an order and its ticket have to agree about, of a line that both say was accepted."""


def is_plainly_right(
    order_id: str,
    order: OrderRow,
    tickets: Mapping[str, Mapping[str, TicketRow]],
    known: Mapping[str, Mapping[str, KnownState]],
) -> bool:
    """Return whether an order and its tickets say the same, and the gateway knows the last step of each.

    `tickets` and `known` are by department and order id.
    """
    accepted = read_accepted(order)
    if accepted is None:
        return False
    asked: dict[str, list[object]] = {}
    for line in accepted.lines:
        if line.expected_price not in (None, line.unit_price):
            return False
        asked.setdefault(line.department, []).append(_what(line))
    left = len(asked)
    for department, rows in tickets.items():
        row, lines = rows.get(order_id), asked.get(department)
        if row is None and lines is None:
            continue
        ticket = read_made(row) if row is not None else None
        if ticket is None or ticket.table != accepted.table or list(map(_what, ticket.lines)) != lines:
            return False
        if ticket.moved_at_ms and not _is_followed(ticket, known.get(department, {}).get(order_id)):
            return False
        left -= 1
    return left == 0 and bool(asked)


def _is_followed(ticket: MadeTicket, known: KnownState | None) -> bool:
    """Return whether the gateway knows a ticket as it is, or has read a later step."""
    return known is not None and (known == (ticket.revision, ticket.state) or known.revision > ticket.revision)
