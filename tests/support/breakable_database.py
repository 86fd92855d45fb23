"""A database that can be broken, or be slow."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Concatenate, ParamSpec, TypeVar

import sqlalchemy as sa

from infra.db.database import Database
from infra.errors import DatabaseError

P = ParamSpec("P")
R = TypeVar("R")


async def _no_write() -> None:
    """Do nothing, where a test has nothing to do at a write or a read."""


class BreakableDatabase(Database):
    """A database whose disk can fail, or be slow."""

    def __init__(self, url: str, schema: str = "gateway") -> None:
        super().__init__(url, schema)
        self.is_broken = False
        self.is_read_only = False
        self.writes = 0
        self.failures = 0
        self.way = asyncio.Event()
        self.way.set()
        self.on_write: Callable[[], Awaitable[None]] = _no_write
        self.after_read: Callable[[], Awaitable[None]] = _no_write

    def break_at_write(self, number: int) -> None:
        """Break at a write: the first is broken before it is on disk by 1 and after it by 2, the second by 3 and 4."""
        count = 0

        async def break_if_due() -> None:
            nonlocal count
            count += 1
            if count == number:
                self.is_broken = True
                self._demand_disk(writing=True)

        self.on_write = break_if_due

    async def write(self, script: Callable[Concatenate[sa.Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        self._demand_disk(writing=True)
        self.writes += 1
        await self.way.wait()
        self._demand_disk(writing=True)
        await self.on_write()
        result = await super().write(script, *args, **kwargs)
        await self.on_write()
        return result

    async def read(self, script: Callable[Concatenate[sa.Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        self._demand_disk(writing=False)
        result = await super().read(script, *args, **kwargs)
        await self.after_read()
        return result

    async def look_up(self, script: Callable[Concatenate[sa.Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        self._demand_disk(writing=False)
        return await super().look_up(script, *args, **kwargs)

    def _demand_disk(self, *, writing: bool) -> None:
        if self.is_broken or (writing and self.is_read_only):
            self.failures += 1
            raise DatabaseError("the disk is gone")
