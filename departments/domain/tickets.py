"""Tickets: one order's share at a department, and the table of the steps that a ticket can take."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from departments.domain.errors import LineNotCancellable, LineNotFound, StepNotAllowed, TickNotAllowed


class Outcome(StrEnum):
    """The outcome of a line."""

    ACCEPTED = "accepted"
    OUT_OF_STOCK = "out_of_stock"
    NOT_ON_MENU = "not_on_menu"
    CANCELLED = "cancelled"
    PRICE_CHANGED = "price_changed"
    OFF_SALE = "off_sale"


class TicketState(StrEnum):
    """The state of a ticket. `NONE`: no line was accepted, so there is nothing to prepare."""

    NONE = "none"
    HELD = "held"
    QUEUED = "queued"
    PREPARING = "preparing"
    READY = "ready"
    SERVED = "served"
    CANCELLED = "cancelled"


class TicketSource(StrEnum):
    """Who placed a ticket's order. Only an order of the gateway has a record in the gateway's journal."""

    GATEWAY = "gateway"
    COUNTER = "counter"


class Verb(StrEnum):
    """A step. The gateway confirms, suspends and cancels; the staff start, finish, serve, recall and cancel.

    `CANCEL_LINE`, which is the staff's, too, cancels one line and leaves the ticket's state as it is.
    """

    CONFIRM = "confirm"
    SUSPEND = "suspend"
    CANCEL = "cancel"
    START = "start"
    FINISH = "finish"
    SERVE = "serve"
    RECALL = "recall"
    CANCEL_LINE = "cancel_line"


TRANSITIONS: dict[tuple[TicketState, Verb], TicketState] = {
    (TicketState.HELD, Verb.CONFIRM): TicketState.QUEUED,
    (TicketState.HELD, Verb.CANCEL): TicketState.CANCELLED,
    (TicketState.QUEUED, Verb.START): TicketState.PREPARING,
    (TicketState.QUEUED, Verb.CANCEL): TicketState.CANCELLED,
    (TicketState.QUEUED, Verb.CANCEL_LINE): TicketState.QUEUED,
    (TicketState.QUEUED, Verb.SUSPEND): TicketState.HELD,
    (TicketState.PREPARING, Verb.FINISH): TicketState.READY,
    (TicketState.PREPARING, Verb.RECALL): TicketState.QUEUED,
    (TicketState.PREPARING, Verb.CANCEL): TicketState.CANCELLED,
    (TicketState.PREPARING, Verb.CANCEL_LINE): TicketState.PREPARING,
    (TicketState.READY, Verb.SERVE): TicketState.SERVED,
    (TicketState.READY, Verb.RECALL): TicketState.PREPARING,
    (TicketState.SERVED, Verb.RECALL): TicketState.READY,
}

NOT_FOR_STAFF = frozenset({Verb.CONFIRM, Verb.SUSPEND})
"""The steps that only the gateway takes, because it alone knows the other departments' responses."""

NOT_STARTED = frozenset({TicketState.HELD, TicketState.QUEUED})
"""The states in which a client may still cancel the order."""

STARTED = frozenset({TicketState.PREPARING, TicketState.READY, TicketState.SERVED})
"""The states that only the staff's steps lead to."""

TICKABLE = frozenset({TicketState.QUEUED, TicketState.PREPARING, TicketState.READY})
"""The states in which the staff tick a ticket's lines off."""

OPEN = frozenset({TicketState.HELD, TicketState.QUEUED, TicketState.PREPARING, TicketState.READY})
"""The states from which the staff have still to take a ticket further, or may have to."""

TAKEN = frozenset({TicketState.QUEUED, TicketState.PREPARING, TicketState.READY, TicketState.SERVED})
"""The states in which the accepted lines count as sold."""

_TIMES = {
    TicketState.PREPARING: "started_at_ms",
    TicketState.READY: "ready_at_ms",
    TicketState.SERVED: "served_at_ms",
    TicketState.CANCELLED: "cancelled_at_ms",
}
"""The field with the time at which a ticket reached a state."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision of the gateway about an order; `epoch` grows with each decision about the same order.

    Only a cancel may be without an epoch, which is 0: it counts whatever was decided before.
    """

    order_id: str
    epoch: int = 0


@dataclass(slots=True)
class TicketLine:
    """One line with its outcome. A price is that of one item, in minor units.

    `unit_price` is the item's price when the line was accepted, or when it was refused because the price had changed.
    `expected_price` is the price that the request stated, or None where it stated none. `allergy`: the line's guest has
    an allergy. `made`: the staff have ticked the line off.
    """

    item: str
    quantity: int
    note: str
    outcome: Outcome
    unit_price: int = 0
    available: int = 0
    expected_price: int | None = None
    allergy: bool = False
    made: bool = False


@dataclass(frozen=True, slots=True)
class CancelledLine:
    """A line that the staff cancelled while the rest of its ticket stands.

    `line` is its place, from 0. `wasted`: the ticket was being prepared, so the line's quantity is wasted.
    """

    line: int
    reason: str
    wasted: bool


@dataclass(slots=True)
class Ticket:
    """A department's record of an order. A tombstone is cancelled and has no lines.

    `epoch` is that of the latest decision that arrived: messages may arrive twice, and may overtake each other.
    `moved_by` and `moved_at_ms` are those of the staff's last step, and are empty before their first. `withdrawn`: the
    staff cancelled the ticket, for the reason in `cancel_reason`. `wasted`: it had been started before that cancel.
    `cancelled_lines`: the single lines that the staff cancelled before, in the order in which they did.

    `started_at_ms`, `ready_at_ms`, `served_at_ms` and `cancelled_at_ms` are the times of the steps that the ticket has
    taken, in milliseconds since 1970, and 0 for those that it has not, or that were recalled.
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
    started_at_ms: int = 0
    ready_at_ms: int = 0
    served_at_ms: int = 0
    cancelled_at_ms: int = 0
    number: int = 0
    cancelled_lines: Sequence[CancelledLine] = ()

    def record_epoch(self, decision: Decision) -> bool:
        """Record a decision's epoch; return False where a later decision is recorded or the ticket is cancelled.

        The epoch is recorded also where the decision leads to no step.
        """
        if decision.epoch < self.epoch or self.state is TicketState.CANCELLED:
            return False
        self.epoch = decision.epoch
        return True

    def allows_cancel(self, decision: Decision) -> bool:
        """Return whether a cancel may be carried out: nothing is started, and no later decision is known."""
        is_late = 0 < decision.epoch < self.epoch
        return self.state in NOT_STARTED and not is_late

    def record_refused_cancel(self, decision: Decision) -> bool:
        """Record that a cancel came too late for a ticket that is started; return whether that is new.

        The epoch after the cancel's is recorded, so that a copy of it that arrives once the ticket was recalled is
        older than what the ticket has seen: its client has got to know that the order stands.
        """
        is_new = self.state in STARTED and 0 < decision.epoch >= self.epoch
        if is_new:
            self.epoch = decision.epoch + 1
        return is_new

    def allows(self, verb: Verb) -> bool:
        """Return whether the step can be taken from the present state."""
        return (self.state, verb) in TRANSITIONS

    def step(self, verb: Verb, at_ms: int) -> None:
        """Change the state by one step, and keep its time; a recall clears the time of the step that it undoes.

        Raises StepNotAllowed.
        """
        before, after = self.state, TRANSITIONS.get((self.state, verb))
        if after is None:
            raise self._not_allowed(verb)
        self.state = after
        if verb is Verb.RECALL:
            setattr(self, _TIMES[before], 0)
        elif after is not before and after in _TIMES:
            setattr(self, _TIMES[after], at_ms)

    def check_staff_may(self, verb: Verb) -> None:
        """Raise StepNotAllowed unless the staff may take the step: a held ticket waits for the gateway's decision."""
        if self.state is TicketState.HELD or verb in NOT_FOR_STAFF or not self.allows(verb):
            raise self._not_allowed(verb)

    def tick(self, line: int, *, made: bool) -> bool:
        """Mark a line as made or not made, and return whether that changed it; the ticket's state stays as it is.

        `line` is its place, from 0. Raises LineNotFound, TickNotAllowed.
        """
        ticked = self._line(line)
        if self.state not in TICKABLE or ticked.outcome is not Outcome.ACCEPTED:
            raise TickNotAllowed(self.order_id, self.state, line, ticked.outcome)
        is_new = ticked.made is not made
        ticked.made = made
        return is_new

    def is_last_accepted(self, line: int) -> bool:
        """Return whether a line is accepted, and no other one is; raises LineNotFound, LineNotCancellable."""
        outcome = self._line(line).outcome
        if outcome is not Outcome.ACCEPTED:
            raise LineNotCancellable(self.order_id, self.state, line, outcome)
        return len(self.accepted()) == 1

    def cancel_line(self, line: int, reason: str, *, wasted: bool) -> None:
        """Record that the staff cancelled a line that is accepted."""
        self.lines[line].outcome = Outcome.CANCELLED
        self.cancelled_lines = [*self.cancelled_lines, CancelledLine(line, reason, wasted)]

    def _line(self, line: int) -> TicketLine:
        if line >= len(self.lines):
            raise LineNotFound(self.order_id, line, len(self.lines))
        return self.lines[line]

    def _not_allowed(self, verb: Verb) -> StepNotAllowed:
        known = [verb for state, verb in TRANSITIONS if state is self.state and verb not in NOT_FOR_STAFF]
        allowed = [] if self.state is TicketState.HELD else known
        return StepNotAllowed(self.order_id, self.state, verb, " or ".join(allowed))

    def wasted_lines(self) -> list[TicketLine]:
        """Return the lines that were cancelled when they were being prepared, while the rest of the ticket stood."""
        return [self.lines[each.line] for each in self.cancelled_lines if each.wasted]

    def accepted(self) -> list[TicketLine]:
        """Return the accepted lines, which are those that take stock."""
        accepted = Outcome.ACCEPTED
        return [line for line in self.lines if line.outcome is accepted]
