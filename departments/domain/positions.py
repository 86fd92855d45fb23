"""A reader's position in the tickets' changes, and the page of tickets that follows a position.

A reader begins with a snapshot: it reads every ticket once, in pages, ordered by the revision of the ticket's last
change. Then it polls for the changes after the snapshot's revision. Revisions of two incarnations of a database are
not comparable.
"""

from dataclasses import dataclass

from departments.domain.errors import TicketUnreadable
from departments.domain.tickets import Ticket


@dataclass(frozen=True, slots=True)
class Position:
    """A reader has read every change up to revision `after` of this incarnation; "" where it does not know it yet.

    `snapshot` is the revision of the snapshot that the reader has read in part, or 0 where it is reading changes.
    """

    after: int = 0
    incarnation: str = ""
    snapshot: int = 0

    @property
    def is_in_snapshot(self) -> bool:
        """True where the next page belongs to a snapshot. Only a snapshot may be filtered by state."""
        return not self.after or bool(self.snapshot)

    def is_void(self, incarnation: str, revision: int) -> bool:
        """Return whether the position is unusable in a database with this incarnation and revision."""
        if self.incarnation and self.incarnation != incarnation:
            return True
        return max(self.after, self.snapshot) > revision


@dataclass(frozen=True, slots=True)
class TicketPage:
    """Some tickets, and the reader's position after them.

    `reset`: the reader's position was void, so this is the first page of a snapshot. `snapshot`: the revision of the
    snapshot, where more of its pages follow, or else 0. `unreadable`: the tickets that are left out because their rows
    cannot be read.
    """

    tickets: list[Ticket]
    revision: int
    incarnation: str
    reset: bool = False
    snapshot: int = 0
    unreadable: tuple[TicketUnreadable, ...] = ()
