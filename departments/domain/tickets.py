"""Tickets: one order's share at a department, and the one table of the steps a ticket can take."""

from dataclasses import dataclass
from enum import StrEnum

from departments.domain.errors import StepNotAllowed


class Outcome(StrEnum):
    """What became of a line."""

    ACCEPTED = "accepted"
    OUT_OF_STOCK = "out_of_stock"
    NOT_ON_MENU = "not_on_menu"
    CANCELLED = "cancelled"
    PRICE_CHANGED = "price_changed"


class TicketState(StrEnum):
    """Where a ticket is on its way. `NONE`: every line was refused, so there is nothing to make."""

    NONE = "none"
    HELD = "held"
    QUEUED = "queued"
    PREPARING = "preparing"
    READY = "ready"
    SERVED = "served"
    CANCELLED = "cancelled"


class TicketSource(StrEnum):
    """How a ticket's order reached the department: only the gateway's orders stand in its journal."""

    GATEWAY = "gateway"
    COUNTER = "counter"


class Verb(StrEnum):
    """A step. confirm, suspend and cancel are the gateway's; the others, and cancel, are the staff's."""

    CONFIRM = "confirm"
    SUSPEND = "suspend"
    CANCEL = "cancel"
    START = "start"
    FINISH = "finish"
    SERVE = "serve"
    RECALL = "recall"


TRANSITIONS: dict[tuple[TicketState, Verb], TicketState] = {
    (TicketState.HELD, Verb.CONFIRM): TicketState.QUEUED,
    (TicketState.HELD, Verb.CANCEL): TicketState.CANCELLED,
    (TicketState.QUEUED, Verb.START): TicketState.PREPARING,
    (TicketState.QUEUED, Verb.CANCEL): TicketState.CANCELLED,
    (TicketState.QUEUED, Verb.SUSPEND): TicketState.HELD,
    (TicketState.PREPARING, Verb.FINISH): TicketState.READY,
    (TicketState.PREPARING, Verb.RECALL): TicketState.QUEUED,
    (TicketState.PREPARING, Verb.CANCEL): TicketState.CANCELLED,
    (TicketState.READY, Verb.SERVE): TicketState.SERVED,
    (TicketState.READY, Verb.RECALL): TicketState.PREPARING,
    (TicketState.SERVED, Verb.RECALL): TicketState.READY,
}

NOT_FOR_STAFF = frozenset({Verb.CONFIRM, Verb.SUSPEND})
"""The steps that only the gateway takes: it alone knows what the other departments say."""

NOT_STARTED = frozenset({TicketState.HELD, TicketState.QUEUED})
"""The states in which a guest may still take the order back."""

TAKEN = frozenset({TicketState.QUEUED, TicketState.PREPARING, TicketState.READY, TicketState.SERVED})
"""The states in which what was accepted counts as sold."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What the gateway decided about an order; `epoch` grows with each of its decisions about the same order."""

    order_id: str
    epoch: int


@dataclass(slots=True)
class TicketLine:
    """One line with its answer. `unit_price` is in minor units, fixed when the line was accepted."""

    item: str
    quantity: int
    note: str
    outcome: Outcome
    unit_price: int = 0
    available: int = 0


@dataclass(slots=True)
class Ticket:
    """What the department has on record for an order. A tombstone is cancelled and has no lines.

    `epoch` is the latest decision's that was heard: messages may be doubled, and overtake each other. `moved_by` and
    `moved_at_ms` belong to the last step of the staff, and are empty where they have taken none. `withdrawn`: the staff
    cancelled it, for the reason in `cancel_reason`; `wasted`: it had been started by then.
    """

    order_id: str
    table: str
    state: TicketState
    lines: list[TicketLine]
    placed_at_ms: int
    revision: int = 0
    epoch: int = 0
    source: TicketSource = TicketSource.GATEWAY
    moved_by: str = ""
    moved_at_ms: int = 0
    cancel_reason: str = ""
    withdrawn: bool = False
    wasted: bool = False

    def hear(self, decision: Decision) -> bool:
        """Remember a decision, whether it leads to a step or not; answers False where it comes too late."""
        if decision.epoch < self.epoch or self.state is TicketState.CANCELLED:
            return False
        self.epoch = decision.epoch
        return True

    def allows(self, verb: Verb) -> bool:
        """Tell whether the step can be taken."""
        return (self.state, verb) in TRANSITIONS

    def step(self, verb: Verb) -> None:
        """Take a step; raises StepNotAllowed."""
        after = TRANSITIONS.get((self.state, verb))
        if after is None:
            raise self._not_allowed(verb)
        self.state = after

    def leave_to_staff(self, verb: Verb) -> None:
        """See that the staff may take a step; raises StepNotAllowed: what is held waits for the gateway's decision."""
        if self.state is TicketState.HELD or verb in NOT_FOR_STAFF:
            raise self._not_allowed(verb)

    def _not_allowed(self, verb: Verb) -> StepNotAllowed:
        known = [verb for state, verb in TRANSITIONS if state is self.state and verb not in NOT_FOR_STAFF]
        allowed = [] if self.state is TicketState.HELD else known
        return StepNotAllowed(self.order_id, self.state, verb, ", ".join(allowed))

    def accepted(self) -> list[TicketLine]:
        """List the lines that take stock."""
        return [line for line in self.lines if line.outcome is Outcome.ACCEPTED]
