"""An order's lines: what each asks of one department, what became of it, and what the department's ticket says."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Outcome(StrEnum):
    """What became of a line."""

    ACCEPTED = "accepted"
    OUT_OF_STOCK = "out_of_stock"
    NOT_ON_MENU = "not_on_menu"
    PRICE_CHANGED = "price_changed"
    OFF_SALE = "off_sale"
    REJECTED = "rejected"
    PENDING = "pending"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class TicketState(StrEnum):
    """Where a department's ticket is; `NONE` where it refused every line."""

    NONE = "none"
    HELD = "held"
    QUEUED = "queued"
    PREPARING = "preparing"
    READY = "ready"
    SERVED = "served"
    CANCELLED = "cancelled"


STARTED = frozenset({TicketState.PREPARING, TicketState.READY, TicketState.SERVED})
"""The states from which a department does not cancel for a client."""


class LineResult(NamedTuple):
    """A department's result for one line; `unit_price` in minor units."""

    outcome: Outcome
    available: int
    unit_price: int


class TicketResult(NamedTuple):
    """What a department has on record for an order; a tombstone has no lines."""

    state: TicketState
    lines: Sequence[LineResult]


class LineState(NamedTuple):
    """What became of a line, as responses show it."""

    outcome: Outcome
    unit_price: int | None
    available: int | None
    reason: str | None


@dataclass(slots=True)
class Line:
    """Item x quantity for one department.

    Prices are of one, in minor units. `expected_price` is what the client saw, None where the line states none;
    `unit_price` is set once the line is accepted, or, where its price has changed, to the price then. `allergy`: the
    line's guest has an allergy, which the department's staff see.
    """

    department: str
    item: str
    quantity: int = 1
    note: str = ""
    expected_price: int | None = None
    allergy: bool = False
    outcome: Outcome = Outcome.PENDING
    unit_price: int | None = None
    available: int | None = None
    reason: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether the line is accepted or may still be."""
        return self.outcome is Outcome.ACCEPTED or self.outcome is Outcome.PENDING

    def asks_the_same(self, other: "Line") -> bool:
        """Return whether two lines ask for the same, whatever became of them."""
        return (self.department, self.item, self.quantity, self.note, self.expected_price, self.allergy) == (
            other.department,
            other.item,
            other.quantity,
            other.note,
            other.expected_price,
            other.allergy,
        )

    def end(self, outcome: Outcome, reason: str) -> None:
        """Record that the line will not be made."""
        self.outcome, self.unit_price, self.reason = outcome, None, reason

    def cancel(self, reason: str = "it was cancelled") -> None:
        """Record that the line was cancelled."""
        self.end(Outcome.CANCELLED, reason)

    def withdraw(self, staff_reason: str) -> None:
        """Record that the department's staff cancelled the line, alone or with their ticket."""
        self.cancel(f"{self.department} has withdrawn it" + (f": {staff_reason}" if staff_reason else ""))

    def expire(self) -> None:
        """Record that no response came in time."""
        self.end(Outcome.EXPIRED, f"{self.department} did not answer in time; this will not be made")

    def refuse(self, result: LineResult) -> None:
        """Record why a department did not accept the line; any outcome that is no refusal counts as cancelled.

        A line that is cancelled already keeps its reason, which may be the staff's.
        """
        if result.outcome is Outcome.OUT_OF_STOCK:
            self.outcome, self.available = result.outcome, result.available
            self.reason = f"{result.available} left" if result.available else "none left"
        elif result.outcome is Outcome.NOT_ON_MENU:
            self.outcome, self.reason = result.outcome, f"{self.department} does not sell this"
        elif result.outcome is Outcome.OFF_SALE:
            self.outcome, self.reason = result.outcome, f"{self.department} has taken it off sale"
        elif result.outcome is Outcome.PRICE_CHANGED:
            self.outcome, self.unit_price = result.outcome, result.unit_price
            self.reason = f"its price is {result.unit_price} now, and {self.expected_price} was expected"
        elif self.outcome is not Outcome.CANCELLED:
            self.cancel()
