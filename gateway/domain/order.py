"""An order and what becomes of it: outcomes by line, a status over all, and what each department is still owed.

`owed` is the heart of recovery. It names, for every department that has not acknowledged it yet, the one thing that has
to reach it next. An order that owes nothing is finished; after a crash, whoever reads the rest from the journal knows
what to do without knowing what had been done.

`epoch` counts the decisions about an order, and the gateways that looked after it. What was written, asked or answered
under an earlier one is out of date wherever it arrives: at the journal, at a department and here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from gateway.domain.currencies import Currency
from gateway.domain.errors import NotCancellable


class Outcome(StrEnum):
    """What became of a line."""

    ACCEPTED = "accepted"
    OUT_OF_STOCK = "out_of_stock"
    NOT_ON_MENU = "not_on_menu"
    PRICE_CHANGED = "price_changed"
    REJECTED = "rejected"
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
    SUSPEND = "suspend"
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


# Python 3.11 looks an enum's member up by calling a function, each time that one is named: here, once.
_ACCEPTED, _PENDING, _CANCELLED = Outcome.ACCEPTED, Outcome.PENDING, Outcome.CANCELLED
_PLACE, _HOLD, _CONFIRM, _SUSPEND, _CANCEL = Goal.PLACE, Goal.HOLD, Goal.CONFIRM, Goal.SUSPEND, Goal.CANCEL
_TICKET_CANCELLED = TicketState.CANCELLED

PLACING = frozenset({Goal.PLACE, Goal.HOLD})
"""What a department may refuse for good. The other goals are decisions, and owed until they are acknowledged."""

STARTED = frozenset({TicketState.PREPARING, TicketState.READY, TicketState.SERVED})
"""The states from which a department does not take an order back."""


class LineResult(NamedTuple):
    """A department's answer to one line; `unit_price` in minor units."""

    outcome: Outcome
    available: int
    unit_price: int


_NOTHING = LineResult(_CANCELLED, 0, 0)  # what a tombstone has for each line


class TicketResult(NamedTuple):
    """What a department has on record for an order; a tombstone has no lines."""

    state: TicketState
    lines: Sequence[LineResult]


class LineState(NamedTuple):
    """What became of a line, as its guest is told."""

    outcome: Outcome
    unit_price: int | None
    available: int | None
    reason: str | None


@dataclass(slots=True)
class Line:
    """Item x quantity for one department.

    Prices are of one, in minor units. `expected_price` is what the guest saw, None where the line states none;
    `unit_price` is set once the line is accepted, or, where its price has changed, to the price then.
    """

    department: str
    item: str
    quantity: int = 1
    note: str = ""
    expected_price: int | None = None
    outcome: Outcome = _PENDING
    unit_price: int | None = None
    available: int | None = None
    reason: str | None = None

    def asks_the_same(self, other: "Line") -> bool:
        """Tell whether two lines ask for the same, whatever became of them."""
        return (self.department, self.item, self.quantity, self.note, self.expected_price) == (
            other.department,
            other.item,
            other.quantity,
            other.note,
            other.expected_price,
        )


@dataclass(slots=True)
class Order:
    """What one table asks for, and what became of it.

    `answered`: what the guest was told is on record here. `owner`: the number of the gateway that looks after the
    order. `settling`: a decision is being written down, and nobody may hear of it yet. `currency`: that of its prices,
    which it keeps when the house takes up another one.
    """

    order_id: str
    policy: Policy
    table: str | None
    currency: Currency
    lines: list[Line]
    created_at_ms: int
    owed: dict[str, Goal]
    answered: bool = False
    owner: int = field(default=0, compare=False)
    epoch: int = field(default=0, compare=False)
    settling: bool = field(default=False, compare=False)
    shares: dict[str, list[Line]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Sort the lines by department."""
        self.shares = {}
        for line in self.lines:
            self.shares.setdefault(line.department, []).append(line)

    @classmethod
    def new(
        cls, order_id: str, policy: Policy, table: str | None, currency: Currency, lines: list[Line], now_ms: int
    ) -> "Order":
        """Start an order that owes every department its share."""
        goal = _PLACE if policy is Policy.BEST_EFFORT else _HOLD
        return cls(order_id, policy, table, currency, lines, now_ms, {line.department: goal for line in lines})

    @property
    def status(self) -> Status:
        """Derive the order's status from the outcomes of its lines.

        All or nothing that could not be had is refused, though its lines were taken back.
        """
        outcomes = {line.outcome for line in self.lines}
        if _PENDING in outcomes:
            return Status.PENDING
        if _ACCEPTED in outcomes:
            return Status.ACCEPTED if len(outcomes) == 1 else Status.PARTLY_ACCEPTED
        if outcomes == {_CANCELLED} or (_CANCELLED in outcomes and self.policy is Policy.BEST_EFFORT):
            return Status.CANCELLED
        return Status.REFUSED

    @property
    def total(self) -> int:
        """Add up what will be made, in minor units."""
        return sum([line.quantity * (line.unit_price or 0) for line in self.lines if line.outcome is _ACCEPTED])

    def results(self) -> list[LineState]:
        """Tell what became of each line so far."""
        return [LineState(line.outcome, line.unit_price, line.available, line.reason) for line in self.lines]

    def asks_the_same(self, other: "Order") -> bool:
        """Tell whether two orders ask for the same, whatever became of them; nobody asks for a currency."""
        return (
            self.policy is other.policy
            and self.table == other.table
            and len(self.lines) == len(other.lines)
            and all(mine.asks_the_same(theirs) for mine, theirs in zip(self.lines, other.lines, strict=True))
        )

    def hear(self, department: str, goal: Goal, answer: TicketResult) -> None:
        """Take in a department's answer to `goal`; an answer to what is no longer wanted changes nothing."""
        if self.owed.get(department) is not goal:
            return
        del self.owed[department]
        lines = self.shares[department]
        if goal is _CANCEL:
            _hear_of_cancelling(lines, answer)
        elif goal is _SUSPEND and answer.state in STARTED:
            _keep(lines, answer)
            self._confirm()
        elif goal is _CONFIRM and not answer.lines:
            _bury(lines)
        elif goal in (_PLACE, _HOLD) or answer.state is _TICKET_CANCELLED or _is_pending(lines):
            _write(lines, answer, hold=goal is _HOLD)

    def reject(self, department: str, reason: str, *, bury: bool = True) -> None:
        """Take in that a department will not place the order: what was asked of it will not be made.

        An earlier try may have been carried out and its response lost, so a tombstone is owed; unless `bury` is False:
        there the order id belongs to another order, which must not be cancelled. This has to be durable before the
        guest learns of it.
        """
        self._demand_placing(department)
        self.epoch += 1
        if bury:
            self.owed[department] = _CANCEL
        else:
            del self.owed[department]
        self._give_up(department, Outcome.REJECTED, reason)

    def unplace(self, department: str, reason: str) -> None:
        """Take in that a department is not configured any more: nothing new is placed there.

        Whether it has a ticket already cannot be asked now: a tombstone is owed, or, where the guest may have been told
        that the order is accepted, the question what the department has. This has to be durable before the guest learns
        of it.
        """
        self._demand_placing(department)
        self.epoch += 1
        if self._may_have_been_accepted():
            self.owed[department] = _CONFIRM
        else:
            self.owed[department] = _CANCEL
            self._give_up(department, Outcome.REJECTED, reason)

    def explain_pending(self, department: str, reason: str) -> None:
        """Say why the lines of a department are still pending."""
        for line in self.shares[department]:
            if line.outcome is _PENDING:
                line.reason = reason

    def decide(self, goal: Goal) -> bool:
        """Decide an all-or-nothing order once enough is known of its departments; tells whether there was a decision.

        `goal` is what they were asked. A department that rejected the order, and is owed a tombstone, has responded.
        The decision has to be durable before any department, or the guest, hears of it.
        """
        if goal is _HOLD and _HOLD not in self.owed.values():
            if all(line.outcome is _PENDING for line in self.lines):
                for line in self.lines:
                    line.outcome, line.reason = _ACCEPTED, None
                self._confirm()
            else:
                self._take_back_all("the order is all or nothing, and not everything could be served")
        elif goal is _SUSPEND and not self.owed:
            self._take_back_all("it was cancelled")
        elif goal is not _SUSPEND or _CONFIRM not in self.owed.values():
            return False
        self.epoch += bool(self.owed)
        return bool(self.owed)

    def expire(self) -> bool:
        """Give up what no department has answered; tells whether that changed anything.

        The departments concerned are owed a tombstone. But where it is not on record what the guest was told, the order
        may have been accepted before a crash: then its departments are asked for what they have, and place nothing new.
        """
        late = [department for department, goal in self.owed.items() if goal is _PLACE or goal is _HOLD]
        if not late:
            return False
        self.epoch += 1
        if self._may_have_been_accepted():
            self.owed |= dict.fromkeys(late, _CONFIRM)
            return True
        for department in late:
            self.owed[department] = _CANCEL
            self._give_up(department, Outcome.EXPIRED, _late(department))
        if self.policy is Policy.ALL_OR_NOTHING:
            self._take_back_all("the order is all or nothing, and a department did not answer in time")
        return True

    def take_back(self) -> None:
        """Ask every department concerned to cancel, as the guest wishes; raises NotCancellable.

        All or nothing that is confirmed is taken back whole or not at all, so it is suspended first.
        """
        concerned = [line.department for line in self.lines if line.outcome in (_ACCEPTED, _PENDING)]
        if not concerned:
            raise NotCancellable(self.order_id, f"it is {self.status}")
        is_confirmed = self.policy is Policy.ALL_OR_NOTHING and self.status is not Status.PENDING
        self.owed |= dict.fromkeys(concerned, _SUSPEND if is_confirmed else _CANCEL)
        self.epoch += 1

    def _demand_placing(self, department: str) -> None:
        """Raise ValueError where a decision is owed: that stays owed, whatever a department says."""
        if self.owed.get(department) not in PLACING:
            raise ValueError(f"{department} is owed {self.owed.get(department)}, which is not a placing to give up")

    def _may_have_been_accepted(self) -> bool:
        """Tell whether the guest may have been told that lines are accepted which are pending here, before a crash.

        All or nothing is accepted by a decision, which is on record before the guest learns of it.
        """
        return self.policy is Policy.BEST_EFFORT and not self.answered

    def _give_up(self, department: str, outcome: Outcome, reason: str) -> None:
        for line in self.shares[department]:
            line.outcome, line.unit_price, line.reason = outcome, None, reason

    def _confirm(self) -> None:
        self.owed = {line.department: _CONFIRM for line in self.lines if line.outcome is _ACCEPTED}

    def _take_back_all(self, reason: str) -> None:
        for line in self.lines:
            if line.outcome in (_ACCEPTED, _PENDING):
                _cancel(line, reason)
                self.owed[line.department] = _CANCEL


def _cancel(line: Line, reason: str = "it was cancelled") -> None:
    line.outcome, line.unit_price, line.reason = _CANCELLED, None, reason


def _lines_of(answer: TicketResult, lines: list[Line]) -> Sequence[LineResult]:
    return answer.lines or [_NOTHING] * len(lines)


def _late(department: str) -> str:
    return f"{department} did not answer in time; this will not be made"


def _is_pending(lines: list[Line]) -> bool:
    return any(line.outcome is _PENDING for line in lines)


def _bury(lines: list[Line]) -> None:
    """Write that a department never heard of an order, and now never will."""
    for line in lines:
        if line.outcome is _PENDING:
            line.outcome, line.reason = Outcome.EXPIRED, _late(line.department)
        else:
            _cancel(line)


def _write(lines: list[Line], answer: TicketResult, *, hold: bool) -> None:
    """Write a department's answer into an order's lines; what it holds is pending until everything is decided."""
    for line, said in zip(lines, _lines_of(answer, lines), strict=True):
        if said.outcome is not _ACCEPTED:
            _write_refusal(line, said)
        elif answer.state is _TICKET_CANCELLED:
            _cancel(line)
        elif hold:
            line.unit_price, line.reason = said.unit_price, f"{line.department} holds it until all is decided"
        else:
            line.outcome, line.unit_price, line.reason = _ACCEPTED, said.unit_price, None


def _write_refusal(line: Line, said: LineResult) -> None:
    if said.outcome is Outcome.OUT_OF_STOCK:
        line.outcome, line.available = said.outcome, said.available
        line.reason = f"{said.available} left" if said.available else "none left"
    elif said.outcome is Outcome.NOT_ON_MENU:
        line.outcome, line.reason = said.outcome, f"{line.department} does not sell this"
    elif said.outcome is Outcome.PRICE_CHANGED:
        line.outcome, line.unit_price = said.outcome, said.unit_price
        line.reason = f"its price is {said.unit_price} now, and {line.expected_price} was expected"
    else:
        _cancel(line)


def _hear_of_cancelling(lines: list[Line], answer: TicketResult) -> None:
    if answer.state in STARTED:
        _keep(lines, answer)
        return
    for line, said in zip(lines, _lines_of(answer, lines), strict=True):
        if line.outcome is _PENDING and said.outcome is not _ACCEPTED:
            _write_refusal(line, said)
        elif line.outcome in (_ACCEPTED, _PENDING):
            _cancel(line)


def _keep(lines: list[Line], answer: TicketResult) -> None:
    """Write that it is too late: what is being made is accepted, whatever was hoped or said."""
    for line, said in zip(lines, answer.lines, strict=True):
        if said.outcome is _ACCEPTED:
            line.outcome, line.unit_price = _ACCEPTED, said.unit_price
            line.reason = f"it cannot be cancelled any more: {line.department} has it {answer.state}"
        elif line.outcome is _PENDING:
            _write_refusal(line, said)
