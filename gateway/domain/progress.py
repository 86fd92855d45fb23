"""How far the departments are with an order: derived from its lines and from the tickets that the staff have moved.

A ticket that the staff have not moved is queued, and nothing is kept of it. One that they cancelled is *withdrawn*: its
lines are cancelled, also in the order's record. They may withdraw a single line, too.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from gateway.domain.lines import Line, Outcome, TicketState


class Progress(StrEnum):
    """How far a line is that was accepted."""

    QUEUED = "queued"
    PREPARING = "preparing"
    READY = "ready"
    SERVED = "served"
    WITHDRAWN = "withdrawn"


class OrderProgress(StrEnum):
    """How far an order is, over all lines that were accepted and not withdrawn."""

    QUEUED = "queued"
    """Nothing is started."""
    PREPARING = "preparing"
    """Something is started or served, and nothing can be fetched now."""
    PARTLY_READY = "partly_ready"
    """Something can be fetched, and something else is not ready yet."""
    READY = "ready"
    """All that is not served can be fetched."""
    SERVED = "served"
    """All is served."""
    WITHDRAWN = "withdrawn"
    """All that had been accepted was withdrawn."""


@dataclass(frozen=True, slots=True)
class TicketProgress:
    """A ticket that the staff have moved, as it was last. Times are milliseconds since 1970, 0 for steps not taken.

    `withdrawn`: the staff cancelled it, for the reason in `cancel_reason`. `cancelled_lines`: the single lines that
    they cancelled, by their places in the ticket from 0, with the reasons.
    """

    state: TicketState
    started_at_ms: int
    ready_at_ms: int
    served_at_ms: int
    cancelled_at_ms: int
    withdrawn: bool
    cancel_reason: str
    cancelled_lines: Mapping[int, str] = field(default_factory=dict)


Tickets = Mapping[str, TicketProgress]
"""The tickets of an order that the staff have moved, by department."""

_OF_STATES = {
    TicketState.QUEUED: Progress.QUEUED,
    TicketState.PREPARING: Progress.PREPARING,
    TicketState.READY: Progress.READY,
    TicketState.SERVED: Progress.SERVED,
}


def share_progress(lines: Sequence[Line], ticket: TicketProgress | None) -> list[Progress | None]:
    """Return how far each line of a department's share is; None where it is not, or not any more, to be made.

    `ticket` is None where the staff have not moved it.
    """
    accepted, cancelled = Outcome.ACCEPTED, Outcome.CANCELLED
    if ticket is None:
        return [Progress.QUEUED if line.outcome is accepted else None for line in lines]
    step = _OF_STATES.get(ticket.state, Progress.QUEUED)
    return [
        step
        if line.outcome is accepted
        else Progress.WITHDRAWN
        if line.outcome is cancelled and (ticket.withdrawn or place in ticket.cancelled_lines)
        else None
        for place, line in enumerate(lines)
    ]


def order_progress(lines: Iterable[Progress | None]) -> OrderProgress | None:
    """Return how far an order is whose lines are so far; None where none of them was accepted."""
    steps = {*lines} - {None}
    made = steps - {Progress.WITHDRAWN}
    if not made:
        return OrderProgress.WITHDRAWN if steps else None
    to_serve = made - {Progress.SERVED}
    if not to_serve:
        return OrderProgress.SERVED
    if Progress.READY in to_serve:
        return OrderProgress.READY if len(to_serve) == 1 else OrderProgress.PARTLY_READY
    return OrderProgress.QUEUED if made == {Progress.QUEUED} else OrderProgress.PREPARING
