"""Lists tickets and stock of the departments' pictures (store.py)."""

import heapq
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from gateway.domain.lines import TicketState
from gateway.domain.tickets import LiveStock, LiveTicket
from gateway.tickets.store import CLOSED, Picture


class TicketKey(NamedTuple):
    """The place of a ticket in a list, the oldest first."""

    placed_at_ms: int
    order_id: str
    department: str


@dataclass(frozen=True, slots=True)
class TicketFilter:
    """Which tickets a list has; what is None, or empty, is not looked at."""

    department: str | None = None
    states: Collection[TicketState] = ()
    table: str | None = None
    number: int | None = None

    def tickets(self, pictures: Iterable[Picture]) -> Iterator[LiveTicket]:
        """Yield the tickets, in no order."""
        for picture in pictures:
            if self.department is None or picture.department == self.department:
                for tickets in self._parts(picture):
                    yield from filter(self._includes, tickets.values())

    def _parts(self, picture: Picture) -> Iterator[dict[str, LiveTicket]]:
        if not self.states or not CLOSED.issuperset(self.states):
            yield picture.open
        if not self.states or not CLOSED.isdisjoint(self.states):
            yield picture.closed

    def _includes(self, ticket: LiveTicket) -> bool:
        return (
            (not self.states or ticket.state in self.states)
            and (self.table is None or ticket.table == self.table)
            and (self.number is None or ticket.number == self.number)
        )


def list_tickets(
    pictures: Iterable[Picture], wanted: TicketFilter, after: TicketKey | None, limit: int
) -> tuple[list[LiveTicket], TicketKey | None]:
    """Return a page of tickets, the oldest first, and the key of its last one where more follow."""
    found = wanted.tickets(pictures)
    rest = found if after is None else (ticket for ticket in found if ticket_key(ticket) > after)
    page = heapq.nsmallest(limit + 1, rest, key=ticket_key)
    if len(page) <= limit:
        return page, None
    return page[:limit], ticket_key(page[limit - 1])


def list_stock(pictures: Iterable[Picture], department: str | None) -> list[LiveStock]:
    """Return the stock of every item, department by department, in the order of the items' ids."""
    wanted = (picture for picture in pictures if department is None or picture.department == department)
    return [picture.stock[item] for picture in wanted for item in sorted(picture.stock)]


def ticket_key(ticket: LiveTicket) -> TicketKey:
    """Return the place of a ticket in a list."""
    return TicketKey(ticket.placed_at_ms, ticket.order_id, ticket.department)
