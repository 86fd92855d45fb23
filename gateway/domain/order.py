"""An order and what becomes of it: outcomes by line, a status over all, and what each department is still owed.

`owed` is the heart of recovery. It names, for every department that has not acknowledged it yet, the one thing that has
to reach it next. An order that owes nothing is finished; after a crash, whoever reads the rest from the journal knows
what to do without knowing what had been done.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from gateway.domain.errors import NotCancellable


class Outcome(StrEnum):
    """What became of a line."""

    ACCEPTED = "accepted"
    OUT_OF_STOCK = "out_of_stock"
    NOT_ON_MENU = "not_on_menu"
    PENDING = "pending"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class Policy(StrEnum):
    """Whether a guest takes what can be served, or only everything."""

    BEST_EFFORT = "best_effort"
    ALL_OR_NOTHING = "all_or_nothing"


class Status(StrEnum):
    """What became of an order, over all its lines."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    PARTLY_ACCEPTED = "partly_accepted"
    REFUSED = "refused"
    CANCELLED = "cancelled"


class Goal(StrEnum):
    """What has to reach a department next."""

    PLACE = "place"
    HOLD = "hold"
    CONFIRM = "confirm"
    CANCEL = "cancel"


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
"""The states from which a department does not take an order back."""


class LineAnswer(NamedTuple):
    """A department's answer to one line; `unit_price` in minor units."""

    outcome: Outcome
    available: int
    unit_price: int


class Answer(NamedTuple):
    """What a department has on record for an order; a tombstone has no lines."""

    state: TicketState
    lines: Sequence[LineAnswer]


@dataclass(slots=True)
class Line:
    """Item x quantity for one department. `unit_price` is in minor units, set once the line is accepted."""

    department: str
    item: str
    quantity: int = 1
    note: str = ""
    outcome: Outcome = Outcome.PENDING
    unit_price: int | None = None
    available: int | None = None
    reason: str | None = None

    def asks_the_same(self, other: "Line") -> bool:
        """Tell whether two lines ask for the same, whatever became of them."""
        return (self.department, self.item, self.quantity, self.note) == (
            other.department,
            other.item,
            other.quantity,
            other.note,
        )


@dataclass(slots=True)
class Order:
    """What one table asks for, and what became of it.

    `answered`: what the guest was told is on record here. `settling`: a decision is being written down, and no
    department may hear of it yet. `owner`: the number of the gateway that looks after the order.
    """

    order_id: str
    policy: Policy
    table: str | None
    lines: list[Line]
    created_at_ms: int
    owed: dict[str, Goal]
    answered: bool = False
    settling: bool = field(default=False, compare=False)
    owner: int = field(default=0, compare=False)
    shares: dict[str, list[Line]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Sort the lines by department."""
        self.shares = {}
        for line in self.lines:
            self.shares.setdefault(line.department, []).append(line)

    @classmethod
    def new(cls, order_id: str, policy: Policy, table: str | None, lines: list[Line], now_ms: int) -> "Order":
        """Start an order that owes every department its share."""
        goal = Goal.PLACE if policy is Policy.BEST_EFFORT else Goal.HOLD
        return cls(order_id, policy, table, lines, now_ms, {line.department: goal for line in lines})

    @property
    def status(self) -> Status:
        """Derive the order's status from the outcomes of its lines.

        All or nothing that could not be had is refused, though its lines were taken back.
        """
        outcomes = {line.outcome for line in self.lines}
        if Outcome.PENDING in outcomes:
            return Status.PENDING
        if Outcome.ACCEPTED in outcomes:
            return Status.ACCEPTED if len(outcomes) == 1 else Status.PARTLY_ACCEPTED
        if outcomes == {Outcome.CANCELLED} or (Outcome.CANCELLED in outcomes and self.policy is Policy.BEST_EFFORT):
            return Status.CANCELLED
        return Status.REFUSED

    @property
    def total(self) -> int:
        """Add up what will be made, in minor units."""
        return sum(line.quantity * (line.unit_price or 0) for line in self.lines if line.outcome is Outcome.ACCEPTED)

    def asks_the_same(self, other: "Order") -> bool:
        """Tell whether two orders ask for the same, whatever became of them."""
        return (
            self.policy is other.policy
            and self.table == other.table
            and len(self.lines) == len(other.lines)
            and all(mine.asks_the_same(theirs) for mine, theirs in zip(self.lines, other.lines, strict=True))
        )

    def hear(self, department: str, goal: Goal, answer: Answer) -> None:
        """Take in a department's answer to `goal`; an answer to what is no longer wanted changes nothing."""
        if self.owed.get(department) is not goal:
            return
        del self.owed[department]
        lines = self.shares[department]
        if goal is Goal.CANCEL:
            self._hear_of_cancelling(lines, answer)
        elif goal is not Goal.CONFIRM or answer.state is TicketState.CANCELLED:
            _write(lines, answer)

    def refuse(self, department: str, reason: str) -> None:
        """Give up what a department will not do, however often it is asked: what is pending will not be made."""
        self.owed.pop(department, None)
        for line in self.shares[department]:
            if line.outcome is Outcome.PENDING:
                line.outcome = Outcome.EXPIRED
            if line.outcome in (Outcome.EXPIRED, Outcome.ACCEPTED):
                line.reason = reason

    def explain_pending(self, department: str, reason: str) -> None:
        """Say why the lines of a department are still pending."""
        for line in self.shares[department]:
            if line.outcome is Outcome.PENDING:
                line.reason = reason

    def decide(self) -> bool:
        """Decide an all-or-nothing order once every department has answered; tells whether there was a decision.

        The decision has to be durable before any department hears of it.
        """
        if self.policy is Policy.BEST_EFFORT or self.owed:
            return False
        if all(line.outcome is Outcome.ACCEPTED for line in self.lines):
            self.owed = dict.fromkeys(self.shares, Goal.CONFIRM)
        else:
            self._take_back_all("the order is all or nothing, and not everything could be served")
        return bool(self.owed)

    def expire(self) -> bool:
        """Give up what no department has answered; tells whether that changed anything.

        The departments concerned are owed a tombstone.
        """
        late = [department for department, goal in self.owed.items() if goal is Goal.PLACE or goal is Goal.HOLD]
        for department in late:
            self.owed[department] = Goal.CANCEL
            for line in self.shares[department]:
                line.outcome = Outcome.EXPIRED
                line.reason = f"{department} did not answer in time; this will not be made"
        if late and self.policy is Policy.ALL_OR_NOTHING:
            self._take_back_all("the order is all or nothing, and a department did not answer in time")
        return bool(late)

    def take_back(self) -> None:
        """Ask every department concerned to cancel, as the guest wishes; raises NotCancellable."""
        concerned = [line.department for line in self.lines if line.outcome in (Outcome.ACCEPTED, Outcome.PENDING)]
        if not concerned:
            raise NotCancellable(self.order_id, f"it is {self.status}")
        for department in concerned:
            self.owed[department] = Goal.CANCEL

    def _take_back_all(self, reason: str) -> None:
        for line in self.lines:
            if line.outcome is Outcome.ACCEPTED:
                line.outcome, line.unit_price, line.reason = Outcome.CANCELLED, None, reason
                self.owed[line.department] = Goal.CANCEL

    def _hear_of_cancelling(self, lines: list[Line], answer: Answer) -> None:
        if answer.state in STARTED:
            # Too late: it is being made, whatever was hoped or said. The department's word stands.
            _write(lines, answer)
            for line in lines:
                if line.outcome is Outcome.ACCEPTED:
                    line.reason = f"it cannot be cancelled any more: {line.department} has it {answer.state}"
            return
        for line in lines:
            if line.outcome in (Outcome.ACCEPTED, Outcome.PENDING):
                line.outcome, line.unit_price, line.reason = Outcome.CANCELLED, None, "it was cancelled"


def _write(lines: list[Line], answer: Answer) -> None:
    """Write a department's answer into an order's lines."""
    if not answer.lines:
        for line in lines:
            line.outcome, line.reason = Outcome.CANCELLED, "it was cancelled"
        return
    cancelled = answer.state is TicketState.CANCELLED
    for line, (outcome, available, unit_price) in zip(lines, answer.lines, strict=True):
        if outcome is Outcome.ACCEPTED and not cancelled:
            line.outcome, line.unit_price, line.reason = outcome, unit_price, None
        elif outcome is Outcome.OUT_OF_STOCK:
            line.outcome, line.available = outcome, available
            line.reason = f"{available} left" if available else "none left"
        elif outcome is Outcome.NOT_ON_MENU:
            line.outcome, line.reason = outcome, f"{line.department} does not sell this"
        else:
            line.outcome, line.unit_price, line.reason = Outcome.CANCELLED, None, "it was cancelled"
