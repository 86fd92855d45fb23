"""What the staff ask of a department, steps with tickets and changes of the stock, and the results."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from gateway.domain.lines import TicketState
from gateway.domain.staff_errors import StaffError
from gateway.domain.tickets import LiveTicket


class Verb(StrEnum):
    """A step that the staff take with a ticket."""

    START = "start"
    FINISH = "finish"
    SERVE = "serve"
    RECALL = "recall"
    CANCEL = "cancel"


class ChangeReason(StrEnum):
    """Why the staff change an item's stock."""

    DELIVERY = "delivery"
    COUNT = "count"
    WASTE = "waste"
    CORRECTION = "correction"


class RecordedReason(StrEnum):
    """Why an item's stock was changed, as the department has it on record."""

    DELIVERY = "delivery"
    COUNT = "count"
    WASTE = "waste"
    CORRECTION = "correction"
    OFF_SALE = "off_sale"
    ON_SALE = "on_sale"


@dataclass(frozen=True, slots=True)
class Move:
    """One step with one ticket, from the state in which the staff believe it to be.

    The step is taken once, however often the same `step_id` is sent. Only a cancel has a `reason`, and may have a
    `line`, its place in the ticket from 0: then it cancels that line, and the rest of the ticket stands.
    """

    order_id: str
    verb: Verb
    expected: TicketState
    step_id: str
    moved_by: str = ""
    reason: str = ""
    line: int | None = None


@dataclass(frozen=True, slots=True)
class MoveResult:
    """What became of one step: the ticket after it, or why it was not taken."""

    ticket: LiveTicket | None = None
    error: StaffError | None = None


@dataclass(frozen=True, slots=True)
class StockOrder:
    """One change of an item's stock, made once however often the same `change_id` is sent.

    A count has `count`, how many are on hand, and `expected`, how many the staff believed; any other change has a
    `delta`, which is positive for a delivery and negative for waste.
    """

    item: str
    change_id: str
    reason: ChangeReason
    delta: int = 0
    count: int = 0
    expected: int = 0
    changed_by: str = ""


@dataclass(frozen=True, slots=True)
class StockChange:
    """A change on record: by how much the quantity on hand changed, and what it was after it."""

    department: str
    item: str
    change_id: str
    reason: RecordedReason
    delta: int
    on_hand: int
    changed_by: str
    changed_at_ms: int
    revision: int


@dataclass(frozen=True, slots=True)
class StockHistory:
    """A page of the changes, the newest first; `next` is the revision before which the next one begins, or 0."""

    changes: Sequence[StockChange]
    next: int
