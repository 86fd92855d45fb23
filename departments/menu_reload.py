"""Reads a department's menu file again while the department runs, for example on SIGHUP."""

import asyncio
from pathlib import Path

import structlog

from departments.app import DepartmentApp
from departments.menu_file import read_menu
from infra.errors import DatabaseError, StartError

log = structlog.get_logger("department")


class MenuReload:
    """Reads one department's menu file on request. A file with an error leaves the menu as it is."""

    def __init__(self, department: DepartmentApp, path: Path) -> None:
        """`path` is the file that the department started with."""
        self._department = department
        self._path = path.absolute()
        self._requested = asyncio.Event()

    def request(self) -> None:
        """Let `run` read the file; a signal handler may call this."""
        self._requested.set()

    async def run(self) -> None:
        """Read the file after each request, until cancelled."""
        while True:
            await self._requested.wait()
            self._requested.clear()
            await self.reload()

    async def reload(self) -> None:
        """Read the file and use its menu, or log in one line why the menu stays as it is."""
        before = self._department.menu
        try:
            menu = await asyncio.to_thread(read_menu, self._path)
            if menu.name != before.name:
                raise StartError(
                    f"menu {self._path}: name: it is {menu.name!r}, and was {before.name!r}; it cannot change"
                )
            await self._department.replace_menu(menu)
        except (StartError, DatabaseError) as error:
            log.error("the menu stays as it is", reason=str(error))
            return
        log.info(
            "the menu was read anew",
            items=len(menu.items),
            added=sorted(menu.items.keys() - before.items.keys()),
            removed=sorted(before.items.keys() - menu.items.keys()),
        )
