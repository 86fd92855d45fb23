"""Takes up a department's menu file anew while the department runs: on SIGHUP, say."""

import asyncio
from pathlib import Path

import structlog

from departments.app import DepartmentApp
from departments.menu_file import read_menu
from infra.errors import DatabaseError, StartError

log = structlog.get_logger("department")


class MenuReload:
    """Reads one department's menu file whenever it is requested; a file that is not right changes nothing."""

    def __init__(self, department: DepartmentApp, path: Path) -> None:
        """Read the file at `path`, which is the one that the department started with."""
        self._department = department
        self._path = path.absolute()
        self._requested = asyncio.Event()

    def request(self) -> None:
        """Have the file read soon; may be called by a signal handler."""
        self._requested.set()

    async def run(self) -> None:
        """Read the file each time that it is requested, until cancelled."""
        while True:
            await self._requested.wait()
            self._requested.clear()
            await self.reload()

    async def reload(self) -> None:
        """Read the file and go on with its menu, or log in one line why the menu stays as it is."""
        before = self._department.menu
        try:
            menu = await asyncio.to_thread(read_menu, self._path)
            if menu.name != before.name:
                raise StartError(
                    f"menu {self._path}: name: it is {menu.name!r}, and was {before.name!r}; it cannot change"
                )
            await self._department.take_up(menu)
        except (StartError, DatabaseError) as error:
            log.error("the menu stays as it is", reason=str(error))
            return
        log.info(
            "the menu was read anew",
            items=len(menu.items),
            added=sorted(menu.items.keys() - before.items.keys()),
            removed=sorted(before.items.keys() - menu.items.keys()),
        )
