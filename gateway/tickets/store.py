"""A department's tickets, stock and menu as its watch last told them, bounded in number.

A snapshot replaces the whole picture when its last page has arrived; until then the picture is the one before.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

from gateway.domain.lines import TicketState
from gateway.domain.tickets import ChangePage, LiveMenu, LiveStock, LiveTicket, Position

MOST_OPEN = 10_000
"""Open tickets that are kept of a department; the oldest are dropped."""

MOST_CLOSED = 200
"""Served and cancelled tickets that are kept of a department."""

CLOSED = frozenset({TicketState.SERVED, TicketState.CANCELLED})


@dataclass(slots=True)
class Changes:
    """What a page changed: new states, and tickets that are kept no longer. `is_reset`: what was known is void."""

    is_reset: bool = False
    tickets: Sequence[LiveTicket] = ()
    stock: Sequence[LiveStock] = ()
    menu: LiveMenu | None = None
    dropped: list[str] = field(default_factory=list)


class Picture:
    """What is known of one department.

    `position` is the department's position that the picture shows, None before the first snapshot. Every change after
    the revision `complete_since` is in the picture: of older ones some tickets may have been dropped.
    """

    def __init__(self, department: str) -> None:
        self.department = department
        self.position: Position | None = None
        self.complete_since = 0
        self.open: dict[str, LiveTicket] = {}
        self.closed: dict[str, LiveTicket] = {}
        self.stock: dict[str, LiveStock] = {}
        self.menu: LiveMenu | None = None
        self._snapshot: list[ChangePage] = []

    def ticket(self, order_id: str) -> LiveTicket | None:
        """Return an order's ticket, or None where it is not known here."""
        return self.open.get(order_id) or self.closed.get(order_id)

    def forget_incomplete(self) -> None:
        """Forget the pages of a snapshot whose end did not arrive."""
        self._snapshot = []

    def apply(self, page: ChangePage) -> Changes:
        """Take in a page and return what it changed; a snapshot changes nothing before its last page."""
        if page.reset:
            self._snapshot = [page]
        elif self._snapshot:
            self._snapshot.append(page)
        if page.more:
            return Changes()
        if self._snapshot:
            return self._replace(page)
        changes = Changes(
            tickets=[ticket for ticket in page.tickets if self._is_news(ticket)],
            stock=page.stock,
            menu=None if page.menu == self.menu else page.menu,  # every watch begins with the menu
        )
        self._keep(changes)
        self.position = Position(page.incarnation, page.revision)
        return changes

    def apply_steps(self, page: ChangePage) -> Changes:
        """Take in tickets that the staff have moved, before the changes to there: the position stays as it is."""
        if self.position is None or self.position.incarnation != page.incarnation:
            return Changes()
        changes = Changes(tickets=[ticket for ticket in page.tickets if self._is_news(ticket)])
        self._keep(changes)
        return changes

    def _replace(self, last: ChangePage) -> Changes:
        pages, self._snapshot = self._snapshot, []
        self.open, self.closed, self.stock, self.menu = {}, {}, {}, None
        tickets = {ticket.order_id: ticket for page in pages for ticket in page.tickets if _is_shown(ticket)}
        stock = {stock.item: stock for page in pages for stock in page.stock}
        changes = Changes(
            is_reset=True,
            tickets=sorted(tickets.values(), key=lambda ticket: ticket.revision),
            stock=list(stock.values()),
            menu=next((page.menu for page in reversed(pages) if page.menu is not None), None),
        )
        self.complete_since = _first_revision([ticket for page in pages for ticket in page.tickets], last.revision)
        self._keep(changes)
        self.position = Position(last.incarnation, last.revision)
        return changes

    def _is_news(self, ticket: LiveTicket) -> bool:
        known = self.ticket(ticket.order_id)
        return _is_shown(ticket) if known is None else ticket.revision > known.revision

    def _keep(self, changes: Changes) -> None:
        for ticket in changes.tickets:
            if ticket.state in CLOSED:
                self.open.pop(ticket.order_id, None)
                self.closed.pop(ticket.order_id, None)
                self.closed[ticket.order_id] = ticket
            else:
                self.closed.pop(ticket.order_id, None)
                self.open[ticket.order_id] = ticket
        for stock in changes.stock:
            self.stock[stock.item] = stock
        if changes.menu is not None:
            self.menu = changes.menu
        self._drop(self.closed, MOST_CLOSED, changes)
        self._drop(self.open, MOST_OPEN, changes)

    def _drop(self, tickets: dict[str, LiveTicket], most: int, changes: Changes) -> None:
        # All at once: to find the first of a dictionary passes over all that were removed before it.
        for ticket in list(islice(tickets.values(), max(0, len(tickets) - most))):
            del tickets[ticket.order_id]
            self.complete_since = max(self.complete_since, ticket.revision)
            changes.dropped.append(ticket.order_id)


def _is_shown(ticket: LiveTicket) -> bool:
    """Return whether there is something to make, or was: not for a tombstone, nor where every line was refused."""
    return ticket.state is not TicketState.NONE and bool(ticket.lines)


def _first_revision(tickets: Sequence[LiveTicket], revision: int) -> int:
    """Return the revision after which a snapshot has every change: it leaves out tickets that closed long ago."""
    closed = [ticket.revision for ticket in tickets if ticket.state in CLOSED]
    return revision if len(tickets) - len(closed) >= MOST_OPEN else min(closed, default=0)
