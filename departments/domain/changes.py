"""Pages of a department's changes, as a watcher gets them: whole states, and the position after them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from departments.domain.errors import TicketUnreadable
from departments.domain.menu import Menu
from departments.domain.stock import Stock
from departments.domain.tickets import Ticket


@dataclass(frozen=True, slots=True)
class MenuOnSale:
    """A menu, and the stock of its items, by item."""

    menu: Menu
    stock: Mapping[str, Stock]


@dataclass(frozen=True, slots=True)
class ChangePage:
    """Some tickets and some stock, oldest change first.

    `revision` is a watcher's position after the page, or, where `more` pages of a snapshot follow, after the last of
    them. `reset`: the page is the first of a snapshot. `read_to`: every ticket up to this revision has been read.
    `is_cut`: later changes were left for the next page. `current`: the revision of the department when the page was
    read, 0 where it does not matter. `unreadable`: the tickets that are left out because their rows cannot be read.
    `waiting`: how many tickets are queued or preparing, None where they were not counted.
    """

    incarnation: str
    revision: int
    tickets: Sequence[Ticket] = ()
    stock: Sequence[Stock] = ()
    menu: MenuOnSale | None = None
    reset: bool = False
    more: bool = False
    read_to: int = 0
    is_cut: bool = False
    current: int = 0
    unreadable: Sequence[TicketUnreadable] = ()
    waiting: int | None = None

    @property
    def is_empty(self) -> bool:
        """True where nothing changed."""
        return not (self.tickets or self.stock or self.menu)
