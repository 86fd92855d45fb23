"""How far the gateway has followed the departments, and the rules for what it has made of it.

The gateway follows a department a moment later, or, where it was stopped, with its next start. So a step of the staff
that an order does not show is wrong only once the gateway has passed it: its position, which it writes together with
what it found there, is of the department's incarnation and not before the ticket's revision; and it has no cancel of
the ticket that it still means to record. Whoever compares reads this first, the orders after it: what was passed then
is in them.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from departments.domain.tickets import Ticket
from gateway.domain.tickets import Position
from gateway.orders.ticket_states import KnownState, Withdrawal
from ops.audit.rules import Column, Finding


class Followed(NamedTuple):
    """Positions in the departments, those of an incarnation that is gone left out; and cancels not recorded yet."""

    revisions: Mapping[str, int]
    unsettled: Collection[Withdrawal]

    def has_passed(self, department: str, ticket: Ticket) -> bool:
        """Return whether the gateway has had the ticket as it is, and has recorded all that follows from it."""
        is_passed = ticket.moved_at_ms > 0 and ticket.revision <= self.revisions.get(department, 0)
        return is_passed and Withdrawal(ticket.order_id, department) not in self.unsettled


def followed(
    positions: Mapping[str, Position], incarnations: Mapping[str, str | None], unsettled: Collection[Withdrawal]
) -> Followed:
    """Return how far departments have been followed, of which these are the incarnations."""
    current = {name: at.revision for name, at in positions.items() if at.incarnation == incarnations.get(name)}
    return Followed(current, frozenset(unsettled))


def check_state(followed: Followed, department: str, ticket: Ticket, known: KnownState | None) -> Iterator[Finding]:
    """Compare a ticket that the staff have moved with what the gateway knows of it.

    The ticket was read after `followed`, and `known` after the ticket, so it may be newer.
    """
    if not followed.has_passed(department, ticket) or (known is not None and known.revision > ticket.revision):
        return
    if known is None or (known.revision, known.state.value) != (ticket.revision, ticket.state.value):
        shown = "queued" if known is None else f"{known.state} of revision {known.revision}"
        reason = f"{department} has it {ticket.state} since revision {ticket.revision}, and the gateway shows {shown}"
        yield Finding(Column.UNFOLLOWED, ticket.order_id, reason)
