"""Reads the pages of a watch from the department's database, in a thread that no order waits for."""

from collections.abc import Callable, Iterable
from dataclasses import replace

import structlog

from departments import changes, transactions
from departments.domain.changes import ChangePage, MenuOnSale
from departments.domain.errors import TicketUnreadable
from departments.domain.menu import Menu
from infra.db.database import Database

log = structlog.get_logger("department")


class ChangeReader:
    """The reads of a watch. All of them raise DatabaseError."""

    def __init__(
        self,
        database: Database,
        menu: Callable[[], Menu],
        log_unreadable: Callable[[Iterable[TicketUnreadable]], None],
    ) -> None:
        """`menu` returns the department's menu of this moment."""
        self._database = database
        self._menu = menu
        self._log_unreadable = log_unreadable

    @property
    def menu(self) -> Menu:
        """The department's menu of this moment."""
        return self._menu()

    @property
    def is_shared(self) -> bool:
        """True where other processes, too, may write to the database."""
        return self._database.file is None

    async def position(self) -> tuple[int, str]:
        """Return the department's revision and incarnation."""
        return await self._database.look_up(changes.position)

    async def count_waiting(self) -> int:
        """Return how many tickets are queued or preparing, among the open ones that changed last."""
        return await self._database.look_up(changes.count_waiting)

    async def changes_after(self, after: int, incarnation: str, until: int = 0, *, moved_only: bool) -> ChangePage:
        """Return the page of changes after a revision, up to `until` if it is given."""
        return self._readable(
            await self._database.look_up(changes.changes_after, after, incarnation, until, moved_only=moved_only)
        )

    async def begin_snapshot(self, *, moved_only: bool) -> ChangePage:
        """Return the first page of a snapshot, with the menu unless `moved_only`."""
        page = self._readable(await self._database.look_up(changes.begin_snapshot, moved_only=moved_only))
        if page.read_to:
            log.warning(
                "a snapshot leaves out the open tickets that changed longest ago",
                tickets=changes.OPEN_IN_SNAPSHOT,
                after_revision=page.read_to,
            )
        return page if moved_only else replace(page, menu=await self.menu_on_sale())

    async def continue_snapshot(self, last: ChangePage, *, moved_only: bool) -> ChangePage:
        """Return the page of a snapshot that follows its page `last`."""
        return self._readable(await self._database.look_up(changes.continue_snapshot, last, moved_only=moved_only))

    async def menu_on_sale(self) -> MenuOnSale:
        """Return the menu with the stock of its items."""
        menu = self.menu
        levels = await self._database.look_up(transactions.stock_levels)
        return MenuOnSale(menu, levels.stock)

    def _readable(self, page: ChangePage) -> ChangePage:
        self._log_unreadable(page.unreadable)
        return page
