"""What a department's response does to an order: two tables, goals x responses, and goals x situations for decisions.

An order owes each department one *goal* at a time. The department responds with its ticket, which has one of six
shapes. For each pair, RESPONSES says what becomes of the department's lines and whether a decision follows at once;
DECISIONS says what is decided about the whole order in the situation that the response leaves. Both are complete, by
test, and docs/architecture.md shows them as `python -m ops.diagrams` draws them.
"""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import NamedTuple

from gateway.domain.lines import Line, LineResult, Outcome, TicketResult, TicketState


class Goal(StrEnum):
    """What has to reach a department next."""

    PLACE = "place"
    HOLD = "hold"
    CONFIRM = "confirm"
    SUSPEND = "suspend"
    CANCEL = "cancel"


PLACING = frozenset({Goal.PLACE, Goal.HOLD})
"""What a department may refuse for good. The other goals are decisions, and owed until they are acknowledged."""


class Response(StrEnum):
    """The shapes of a department's ticket. `TOMBSTONE`: the department has no order under this id, and takes none."""

    REFUSED = "refused"
    HELD = "held"
    QUEUED = "queued"
    STARTED = "started"
    CANCELLED = "cancelled"
    TOMBSTONE = "tombstone"


SHAPES = {
    TicketState.NONE: Response.REFUSED,
    TicketState.HELD: Response.HELD,
    TicketState.QUEUED: Response.QUEUED,
    TicketState.PREPARING: Response.STARTED,
    TicketState.READY: Response.STARTED,
    TicketState.SERVED: Response.STARTED,
    TicketState.CANCELLED: Response.CANCELLED,
}
"""The shape of a ticket that has lines."""


class OrderDecision(StrEnum):
    """What is decided about a whole order, and so what every department concerned is owed next."""

    CONFIRM_ALL = "confirm all"
    CANCEL_ALL = "cancel all"
    STAY_CONFIRMED = "all stays confirmed"


class Situation(StrEnum):
    """Where an order stands after a response to a goal.

    `WAITING`: a department that was asked has not responded yet. `STARTED`: a department had started, and its response
    has confirmed all. Otherwise all have responded: `HELD`, every line is held; `NOT_HELD`, a line is not.
    """

    WAITING = "waiting"
    STARTED = "started"
    HELD = "held"
    NOT_HELD = "not held"


class Transition(NamedTuple):
    """What a response does: `record` writes it into the department's lines, `decision` follows at once."""

    record: Callable[[Sequence[Line], TicketResult], None]
    decision: OrderDecision | None = None


_NO_RESULT = LineResult(Outcome.CANCELLED, 0, 0)
"""What a tombstone has for each line."""


def _results(ticket: TicketResult, lines: Sequence[Line]) -> Sequence[LineResult]:
    return ticket.lines or [_NO_RESULT] * len(lines)


def accept(lines: Sequence[Line], ticket: TicketResult) -> None:
    """Accept each line that the department accepted, and refuse the others."""
    accepted = Outcome.ACCEPTED
    for line, result in zip(lines, ticket.lines, strict=True):
        if result.outcome is accepted:
            line.outcome, line.unit_price, line.reason = accepted, result.unit_price, None
        else:
            line.refuse(result)


def hold(lines: Sequence[Line], ticket: TicketResult) -> None:
    """Leave pending each line that the department holds, with its price; refuse the others."""
    for line, result in zip(lines, ticket.lines, strict=True):
        if result.outcome is Outcome.ACCEPTED:
            line.unit_price, line.reason = result.unit_price, f"{line.department} holds it until all is decided"
        else:
            line.refuse(result)


def withdraw(lines: Sequence[Line], ticket: TicketResult) -> None:
    """Cancel each line that the department had accepted and has cancelled since; refuse the others."""
    for line, result in zip(lines, _results(ticket, lines), strict=True):
        if result.outcome is Outcome.ACCEPTED:
            line.cancel()
        else:
            line.refuse(result)


def accept_pending(lines: Sequence[Line], ticket: TicketResult) -> None:
    """Accept or refuse lines of which some are still pending; change nothing where none is."""
    if any(line.outcome is Outcome.PENDING for line in lines):
        accept(lines, ticket)


def expire_pending(lines: Sequence[Line], _: TicketResult) -> None:
    """Expire each line that is pending, and cancel the others: the department never had the order."""
    for line in lines:
        if line.outcome is Outcome.PENDING:
            line.expire()
        else:
            line.cancel()


def cancel(lines: Sequence[Line], ticket: TicketResult) -> None:
    """Refuse each pending line that the department had refused, and cancel what was accepted or pending."""
    for line, result in zip(lines, _results(ticket, lines), strict=True):
        if line.outcome is Outcome.PENDING and result.outcome is not Outcome.ACCEPTED:
            line.refuse(result)
        elif line.is_open:
            line.cancel()


def keep(lines: Sequence[Line], ticket: TicketResult) -> None:
    """Accept what is being made, or was and then recalled, whatever was decided: it is too late to cancel it."""
    for line, result in zip(lines, ticket.lines, strict=True):
        if result.outcome is Outcome.ACCEPTED:
            line.outcome, line.unit_price = result.outcome, result.unit_price
            line.reason = _not_cancelled(line.department, ticket.state)
        elif line.outcome is Outcome.PENDING:
            line.refuse(result)


def _not_cancelled(department: str, state: TicketState) -> str:
    if state is TicketState.QUEUED:
        return f"it was not cancelled: {department} had started it, and has queued it again"
    return f"it cannot be cancelled any more: {department} has it {state}"


RESPONSES: dict[Goal, dict[Response, Transition]] = {
    Goal.PLACE: {
        Response.REFUSED: Transition(accept),
        Response.HELD: Transition(accept),
        Response.QUEUED: Transition(accept),
        Response.STARTED: Transition(accept),
        Response.CANCELLED: Transition(withdraw),
        Response.TOMBSTONE: Transition(withdraw),
    },
    Goal.HOLD: {
        Response.REFUSED: Transition(hold),
        Response.HELD: Transition(hold),
        Response.QUEUED: Transition(hold),
        Response.STARTED: Transition(hold),
        Response.CANCELLED: Transition(withdraw),
        Response.TOMBSTONE: Transition(withdraw),
    },
    Goal.CONFIRM: {
        Response.REFUSED: Transition(accept_pending),
        Response.HELD: Transition(accept_pending),
        Response.QUEUED: Transition(accept_pending),
        Response.STARTED: Transition(accept_pending),
        Response.CANCELLED: Transition(withdraw),
        Response.TOMBSTONE: Transition(expire_pending),
    },
    Goal.SUSPEND: {
        Response.REFUSED: Transition(accept_pending),
        Response.HELD: Transition(accept_pending),
        Response.QUEUED: Transition(accept_pending),
        Response.STARTED: Transition(keep, OrderDecision.CONFIRM_ALL),
        Response.CANCELLED: Transition(withdraw),
        Response.TOMBSTONE: Transition(withdraw),
    },
    Goal.CANCEL: {
        Response.REFUSED: Transition(cancel),
        Response.HELD: Transition(cancel),
        Response.QUEUED: Transition(keep),
        Response.STARTED: Transition(keep),
        Response.CANCELLED: Transition(cancel),
        Response.TOMBSTONE: Transition(cancel),
    },
}

DECISIONS: dict[Goal, dict[Situation, OrderDecision | None]] = {
    Goal.PLACE: {},
    Goal.HOLD: {
        Situation.WAITING: None,
        Situation.STARTED: None,
        Situation.HELD: OrderDecision.CONFIRM_ALL,
        Situation.NOT_HELD: OrderDecision.CANCEL_ALL,
    },
    Goal.CONFIRM: {},
    Goal.SUSPEND: {
        Situation.WAITING: None,
        Situation.STARTED: OrderDecision.STAY_CONFIRMED,
        Situation.HELD: OrderDecision.CANCEL_ALL,
        Situation.NOT_HELD: OrderDecision.CANCEL_ALL,
    },
    Goal.CANCEL: {},
}
"""What is decided about the whole order; a row is empty where each department's share stands by itself.

Two situations do not occur, and are here so that the rows are whole: departments that hold have not started, and lines
that were confirmed are not pending when they are suspended.
"""


class Withdrawal(StrEnum):
    """What becomes of a department's lines when its staff cancel the ticket."""

    CANCEL = "accepted and pending lines: cancelled, with the staff's reason"
    AWAIT_RESPONSE = "nothing yet: the department's response tells that its ticket is cancelled"


WITHDRAWALS: dict[Goal | None, Withdrawal] = {
    None: Withdrawal.CANCEL,
    Goal.PLACE: Withdrawal.AWAIT_RESPONSE,
    Goal.HOLD: Withdrawal.AWAIT_RESPONSE,
    Goal.CONFIRM: Withdrawal.AWAIT_RESPONSE,
    Goal.SUSPEND: Withdrawal.AWAIT_RESPONSE,
    Goal.CANCEL: Withdrawal.AWAIT_RESPONSE,
}
"""By what the order owes the department; None: nothing. What is owed is asked for until it is acknowledged, and the
response that acknowledges it is that of a cancelled ticket, for which RESPONSES has an entry with each goal."""


_BY_STATE = {goal: {state: row[shape] for state, shape in SHAPES.items()} for goal, row in RESPONSES.items()}


def transition(goal: Goal, ticket: TicketResult) -> Transition:
    """Return what a department's response to a goal does."""
    return _BY_STATE[goal][ticket.state] if ticket.lines else RESPONSES[goal][Response.TOMBSTONE]
