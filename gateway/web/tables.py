"""The tables that have something open, as the waiter's page and the pass show them before their modules run."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from gateway.domain.lines import TicketState
from gateway.domain.tickets import LiveTicket
from gateway.tickets.listing import ticket_key
from gateway.tickets.store import Picture

SHOWN = frozenset({TicketState.QUEUED, TicketState.PREPARING, TicketState.READY})

_digits = re.compile(r"(\d+)").split


@dataclass(slots=True)
class OpenTable:
    """A table, or an order without one, with its open tickets, the oldest first."""

    name: str
    """The table's; empty for an order without one."""
    number: int
    """Of the order without a table, else 0."""
    tickets: list[LiveTicket] = field(default_factory=list)

    @property
    def ready(self) -> int:
        """How many tickets are ready."""
        return sum(ticket.state is TicketState.READY for ticket in self.tickets)

    @property
    def making(self) -> int:
        """How many are not ready yet."""
        return len(self.tickets) - self.ready


def open_tables(pictures: Iterable[Picture]) -> list[OpenTable]:
    """Return the tables that have something open, the one that has waited longest first."""
    found: dict[tuple[str, str], OpenTable] = {}
    tickets = (ticket for picture in pictures for ticket in picture.open.values() if ticket.state in SHOWN)
    for ticket in sorted(tickets, key=ticket_key):
        key = (ticket.table, "" if ticket.table else ticket.order_id)
        table = found.setdefault(key, OpenTable(ticket.table, 0 if ticket.table else ticket.number))
        table.tickets.append(ticket)
    return list(found.values())


def by_name(tables: Iterable[OpenTable]) -> Sequence[OpenTable]:
    """Return tables as people count them, `2` before `10`; orders without a table come last."""
    return sorted(tables, key=lambda table: (not table.name, _natural(table.name), table.number))


def _natural(name: str) -> list[tuple[int, int, str]]:
    """Return a key that compares the numbers in a name as numbers."""
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part.casefold()) for part in _digits(name) if part]
