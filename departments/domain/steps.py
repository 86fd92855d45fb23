"""The staff's steps: the request (`Move`), the record (`Step`), and the response to a repeated request."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from departments.domain.errors import OrderError
from departments.domain.tickets import NOT_STARTED, Outcome, Ticket, TicketLine, TicketState, Verb


@dataclass(frozen=True, slots=True)
class Move:
    """A request of the staff to take a step, with the state in which they expect the ticket to be.

    `step_id` is unique among the steps of one ticket, so that a repeated request is recognised. Only a cancel has a
    `reason`, and only the cancel of a line has a `line`: its place, from 0.
    """

    order_id: str
    verb: Verb
    expected: TicketState
    step_id: str
    moved_by: str = ""
    reason: str = ""
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """The record of a step: the ticket's states before and after it, and the revision of the change.

    The cancel of the last line that was accepted cancels the ticket, as a cancel of the ticket does.
    """

    order_id: str
    step_id: str
    verb: Verb
    before: TicketState
    after: TicketState
    moved_by: str
    reason: str
    moved_at_ms: int
    revision: int
    line: int | None = None

    def repeats(self, move: Move) -> bool:
        """Return whether the request asks for this step again."""
        return (self.verb, self.before, self.line) == (move.verb, move.expected, move.line)

    @property
    def cancels_ticket(self) -> bool:
        """True where nothing is left of the ticket."""
        return self.after is TicketState.CANCELLED

    @property
    def cancels_line(self) -> bool:
        """True where one line is cancelled, and the rest of the ticket stands."""
        return self.verb is Verb.CANCEL_LINE and not self.cancels_ticket

    @property
    def wastes(self) -> bool:
        """True where the step cancels what was started: then its items do not return to the stock on hand."""
        return (self.cancels_ticket or self.cancels_line) and self.before not in NOT_STARTED

    def cancelled(self, ticket: Ticket) -> list[TicketLine]:
        """Return the lines of the ticket after the step that the step has cancelled."""
        if self.cancels_ticket:
            return ticket.accepted()
        return [ticket.lines[self.line]] if self.line is not None else []


@dataclass(frozen=True, slots=True)
class Tick:
    """A request of the staff to mark one line of a ticket, by its place from 0, as made or not made."""

    order_id: str
    line: int
    made: bool
    ticked_by: str = ""


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of one step: the ticket after it, or why it was refused and the ticket as it is.

    There is no ticket where the order is not known or its row cannot be read.
    """

    ticket: Ticket | None
    error: OrderError | None = None


def take_step(ticket: Ticket, move: Move, now_ms: int, revision: int) -> Step:
    """Change a ticket that is in the expected state, and return the record of the step.

    Raises StepNotAllowed, LineNotFound, LineNotCancellable.
    """
    ticket.check_staff_may(move.verb)
    before, is_last = ticket.state, move.line is not None and ticket.is_last_accepted(move.line)
    ticket.step(Verb.CANCEL if is_last else move.verb, now_ms)
    step = Step(
        move.order_id, move.step_id, move.verb, before, ticket.state, move.moved_by, move.reason, now_ms, revision,
        move.line,
    )  # fmt: skip
    _note(ticket, step)
    return step


def ticket_after(ticket: Ticket, history: Sequence[Step]) -> Ticket:
    """Return a copy of the ticket as it was right after a step, which is the response to a repeated request.

    `history`: the step, which is the last, and all steps of the staff before it.
    """
    past = replace(ticket, started_at_ms=0, ready_at_ms=0, served_at_ms=0, cancelled_at_ms=0, cancelled_lines=())
    past.lines = list(ticket.lines)
    for each in ticket.cancelled_lines:
        past.lines[each.line] = replace(ticket.lines[each.line], outcome=Outcome.ACCEPTED)
    for step in history:
        past.state = step.before
        past.step(Verb.CANCEL if step.cancels_ticket else step.verb, step.moved_at_ms)
        _note(past, step)
    return past


def _note(ticket: Ticket, step: Step) -> None:
    """Write in the ticket who took its last step, when and why, and which line it cancelled."""
    ticket.revision = step.revision
    ticket.moved_by = step.moved_by
    ticket.moved_at_ms = step.moved_at_ms
    ticket.cancel_reason = step.reason if step.cancels_ticket else ""
    ticket.withdrawn = step.cancels_ticket
    ticket.wasted = step.cancels_ticket and step.wastes
    if step.cancels_line and step.line is not None:
        ticket.cancel_line(step.line, step.reason, wasted=step.wastes)
