"""What the departments' watches tell: tickets, stock and menus as the staff see them, in whole states.

None of them changes once it is made. Those that come in thousands are not frozen: Python makes a frozen dataclass by a
call for each field, which takes a ticket 2.4 µs and not 0.7.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from gateway.domain.lines import Outcome, TicketState


@dataclass(slots=True)
class LiveLine:
    """One line of a ticket. `unit_price` is in minor units; `made`: the staff have ticked it off.

    `cancel_reason`: why the staff cancelled the line alone, where they said so; its outcome is cancelled then.
    """

    item: str
    quantity: int
    note: str
    allergy: bool
    made: bool
    outcome: Outcome
    unit_price: int
    cancel_reason: str = ""


@dataclass(slots=True)
class LiveTicket:
    """One order's share at one department. Times are milliseconds since 1970, 0 where the step was not taken.

    `number` is the order's short number, 0 where it has none; `source` is `gateway` or `counter`.
    """

    department: str
    order_id: str
    number: int
    table: str
    source: str
    state: TicketState
    revision: int
    placed_at_ms: int
    started_at_ms: int
    ready_at_ms: int
    served_at_ms: int
    cancelled_at_ms: int
    moved_by: str
    moved_at_ms: int
    cancel_reason: str
    wasted: bool
    lines: Sequence[LiveLine]

    @property
    def withdrawn(self) -> bool:
        """Whether the staff cancelled it: their last step is the cancel. A guest's cancel is no step of the staff's."""
        return self.state is TicketState.CANCELLED and 0 < self.moved_at_ms == self.cancelled_at_ms

    @property
    def cancelled_lines(self) -> dict[int, str]:
        """The single lines that the staff cancelled, by their places from 0, with the reasons."""
        cancelled = Outcome.CANCELLED
        return {place: line.cancel_reason for place, line in enumerate(self.lines) if line.outcome is cancelled}


@dataclass(slots=True)
class LiveStock:
    """The stock of one item: received = on_hand + held + sold + wasted."""

    department: str
    item: str
    received: int
    on_hand: int
    held: int
    sold: int
    wasted: int
    on_sale: bool
    unlimited: bool
    revision: int


@dataclass(frozen=True, slots=True)
class Availability:
    """What guests see of an item's stock: how many can be had, None for any number, and whether it is on sale."""

    department: str
    item: str
    available: int | None
    on_sale: bool


def availability(stock: LiveStock) -> Availability:
    """Return what guests see of an item's stock."""
    return Availability(stock.department, stock.item, None if stock.unlimited else stock.on_hand, stock.on_sale)


@dataclass(frozen=True, slots=True)
class CalledNumber:
    """What a board for guests shows of a ticket: the number, and how far it is; no id, no table, no note, no name.

    Times are milliseconds since 1970, 0 where the step was not taken; `number` is 0 where the ticket has none.
    """

    department: str
    number: int
    state: TicketState
    placed_at_ms: int
    ready_at_ms: int


def called_number(ticket: LiveTicket) -> CalledNumber:
    """Return what a board for guests shows of a ticket."""
    return CalledNumber(ticket.department, ticket.number, ticket.state, ticket.placed_at_ms, ticket.ready_at_ms)


@dataclass(frozen=True, slots=True)
class LiveItem:
    """An item on a menu. `price` is in minor units; `prep_seconds` is 0 where the menu file does not say."""

    id: str
    titles: Mapping[str, str]
    price: int
    category: str
    prep_seconds: int


@dataclass(frozen=True, slots=True)
class LiveMenu:
    """A department's menu. A ticket is late `late_seconds` after it was placed; 0 where the menu file does not say."""

    department: str
    titles: Mapping[str, str]
    items: Sequence[LiveItem]
    late_seconds: int
    very_late_seconds: int


class Position(NamedTuple):
    """A place among a department's changes. Revisions of two incarnations are not comparable."""

    incarnation: str
    revision: int


@dataclass(frozen=True, slots=True)
class ChangePage:
    """A page of a department's changes, or of a snapshot, or, without either, a sign of life.

    `revision` in `incarnation` is the position after the page, unless `more` pages of the snapshot follow. `reset`:
    the page is the first of a snapshot, and what was known before is void. `now_ms` is the department's clock.
    `waiting` is how many tickets are queued or preparing, None where the page does not say.
    """

    department: str
    incarnation: str
    revision: int
    now_ms: int
    reset: bool = False
    more: bool = False
    tickets: Sequence[LiveTicket] = field(default=())
    stock: Sequence[LiveStock] = field(default=())
    menu: LiveMenu | None = None
    waiting: int | None = None


@dataclass(frozen=True, slots=True)
class DepartmentState:
    """Whether a department's changes arrive, and since when, in milliseconds since 1970.

    Where they do not, it is since the department was last known to be there.
    """

    name: str
    is_open: bool
    since_ms: int


@dataclass(frozen=True, slots=True)
class Tick:
    """The gateway's clock, in milliseconds since 1970, and each department's revision."""

    now_ms: int
    revisions: Mapping[str, int]
