"""Reads a department's menu file again while the department runs: on SIGHUP, and, if wanted, when the file changes."""

import asyncio
from pathlib import Path

import structlog

from departments.app import DepartmentApp
from departments.domain.menu import Menu
from departments.menu_file import read_menu
from infra.errors import DatabaseError, StartError
from infra.file_stamps import Stamp, file_stamp

log = structlog.get_logger("department")


class MenuReload:
    """Reads one department's menu file on request, or on a change. A file with an error leaves the menu as it is."""

    def __init__(self, department: DepartmentApp, path: Path, check_seconds: float = 0.0) -> None:
        """`path` is the file that the department started with; it is checked for changes every `check_seconds`, if any.

        A first check reads the file in any case, because it may have changed since the department read it.
        """
        self._department = department
        self._path = path.absolute()
        self._check_seconds = check_seconds
        self._requested = asyncio.Event()
        self._seen: Stamp | None = None
        self._taken_up: Stamp | None = None
        self._logged: tuple[Stamp, str] | None = None

    def request(self) -> None:
        """Let `run` read the file; a signal handler may call this."""
        self._requested.set()

    async def run(self) -> None:
        """Read the file after each request or change, until cancelled."""
        while True:
            try:
                async with asyncio.timeout(self._check_seconds or None):
                    await self._requested.wait()
            except TimeoutError:
                await self.check()
            else:
                self._requested.clear()
                await self.reload()

    async def reload(self) -> None:
        """Read the file and use its menu, or log in one line why the menu stays as it is."""
        try:
            await self._use(await self._read())
        except (StartError, DatabaseError) as error:
            log.error("the menu stays as it is", reason=str(error))

    async def check(self) -> None:
        """Do the same if the file has changed, and has not changed again since the last check.

        So a file that is being written is not read half. What cannot be taken up is logged once; it is tried again
        where the reason is the database's.
        """
        seen, self._seen = self._seen, file_stamp(self._path)
        if not self._seen == seen != self._taken_up:
            return
        try:
            menu = await self._read()
            if menu != self._department.menu:
                await self._use(menu)
        except (StartError, DatabaseError) as error:
            if self._logged != (seen, str(error)):
                log.error("the menu stays as it is", reason=str(error))
            self._logged = (seen, str(error))
            if isinstance(error, DatabaseError):
                return
        self._taken_up = seen

    async def _read(self) -> Menu:
        """Return the file's menu; raises StartError."""
        name = self._department.menu.name
        menu = await asyncio.to_thread(read_menu, self._path)
        if menu.name != name:
            raise StartError(f"menu {self._path}: name: it is {menu.name!r}, and was {name!r}; it cannot change")
        return menu

    async def _use(self, menu: Menu) -> None:
        """Use another menu from now on; raises DatabaseError."""
        before = self._department.menu
        await self._department.replace_menu(menu)
        log.info(
            "the menu was read anew",
            items=len(menu.items),
            added=sorted(menu.items.keys() - before.items.keys()),
            removed=sorted(before.items.keys() - menu.items.keys()),
        )
