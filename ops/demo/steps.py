"""What happens in an evening: one type for each kind of step."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """What a guest asks for."""

    department: str
    item: str
    quantity: int
    note: str = ""
    allergy: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Guests of a table place an order."""

    order_id: str
    table: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Move:
    """Somebody of the staff takes a step with a ticket, which is believed to be in the state `expected`."""

    department: str
    order_id: str
    verb: str
    expected: str
    step_id: str
    by: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Tick:
    """A cook has made a line of a ticket; `place` counts from 0."""

    department: str
    order_id: str
    place: int
    by: str


@dataclass(frozen=True, slots=True)
class Sell:
    """An item is taken off sale, or put back."""

    department: str
    item: str
    on_sale: bool
    by: str


@dataclass(frozen=True, slots=True)
class Deliver:
    """More of an item comes in."""

    department: str
    item: str
    quantity: int
    change_id: str
    by: str


@dataclass(frozen=True, slots=True)
class Leave:
    """A department's program stops."""

    department: str


@dataclass(frozen=True, slots=True)
class Return:
    """A department's program starts again."""

    department: str


Step = Place | Move | Tick | Sell | Deliver | Leave | Return


@dataclass(frozen=True, slots=True)
class Timed:
    """A step, and how many seconds after the start of the evening it is taken."""

    at: float
    step: Step
