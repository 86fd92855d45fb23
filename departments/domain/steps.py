"""The staff's steps: what is asked for, what is recorded of it, and what a request that is repeated returns."""

from dataclasses import dataclass, replace

from departments.domain.tickets import NOT_STARTED, Ticket, TicketState, Verb


@dataclass(frozen=True, slots=True)
class Move:
    """A step that the staff ask for, from the state in which they believe the ticket to be.

    `step_id` names the step among those of its ticket. `reason` belongs to a cancel.
    """

    order_id: str
    verb: Verb
    expected: TicketState
    step_id: str
    moved_by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """A step that was taken, as it is kept: its ticket's states before and after it, and the revision of the change."""

    order_id: str
    step_id: str
    verb: Verb
    before: TicketState
    after: TicketState
    moved_by: str
    reason: str
    moved_at_ms: int
    revision: int

    def repeats(self, move: Move) -> bool:
        """Tell whether the step is what the request asks for."""
        return (self.verb, self.before) == (move.verb, move.expected)

    @property
    def wastes(self) -> bool:
        """Whether the step cancels what was started, so that nothing goes back into stock."""
        return self.verb is Verb.CANCEL and self.before not in NOT_STARTED


def take(ticket: Ticket, move: Move, now_ms: int, revision: int) -> Step:
    """Take a step with a ticket that is in the expected state; raises StepNotAllowed."""
    ticket.leave_to_staff(move.verb)
    before = ticket.state
    ticket.step(move.verb)
    step = Step(
        move.order_id, move.step_id, move.verb, before, ticket.state, move.moved_by, move.reason, now_ms, revision
    )
    _write(ticket, step)
    return step


def as_after(ticket: Ticket, step: Step) -> Ticket:
    """Return the ticket as it was after a step, whatever happened to it since: the response to a repeated request."""
    then = replace(ticket)
    _write(then, step)
    return then


def _write(ticket: Ticket, step: Step) -> None:
    ticket.state = step.after
    ticket.revision = step.revision
    ticket.moved_by = step.moved_by
    ticket.moved_at_ms = step.moved_at_ms
    ticket.cancel_reason = step.reason
    ticket.withdrawn = step.verb is Verb.CANCEL
    ticket.wasted = step.wastes
