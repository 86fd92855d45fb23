"""Where a reader of the tickets stands, and the page that it gets from there.

A reader begins with a snapshot: every ticket as it is, in pages, by the revision of its last change. Then it asks again
and again for the changes after the snapshot's revision. Revisions of two incarnations of a database are not comparable.
"""

from dataclasses import dataclass

from departments.domain.errors import TicketUnreadable
from departments.domain.tickets import Ticket


@dataclass(frozen=True, slots=True)
class Position:
    """What a reader has read: every change up to `after`, in the database of this incarnation, where it knows it.

    `snapshot` is the revision of the snapshot that it is in the middle of, and 0 elsewhere.
    """

    after: int = 0
    incarnation: str = ""
    snapshot: int = 0

    @property
    def is_in_snapshot(self) -> bool:
        """Whether the next page belongs to a snapshot, which may be limited to some states."""
        return not self.after or bool(self.snapshot)

    def is_void(self, incarnation: str, revision: int) -> bool:
        """Tell whether the position means nothing in a database of this incarnation, at this revision."""
        if self.incarnation and self.incarnation != incarnation:
            return True
        return max(self.after, self.snapshot) > revision


@dataclass(frozen=True, slots=True)
class Page:
    """Tickets, and where the reader stands after them.

    `reset`: the reader's position was void, and this is the first page of a snapshot. `snapshot`: the revision of a
    snapshot of which more pages follow, or 0. `unreadable`: the tickets that had to be left out.
    """

    tickets: list[Ticket]
    revision: int
    incarnation: str
    reset: bool = False
    snapshot: int = 0
    unreadable: tuple[TicketUnreadable, ...] = ()
