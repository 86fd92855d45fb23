"""Databases of the simulation: the real engine and the real transactions on a SQLite file, run inline.

What was committed is in the file and survives a crash of its program; what was not, is not. A transaction takes virtual
time before and after its commit, so that crashes fall into either window.
"""

import asyncio
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Concatenate, NoReturn, ParamSpec, TypeVar

import sqlalchemy as sa

from departments import transactions
from infra.db.database import Database, StatementScript
from infra.errors import DatabaseError
from tests.simulation.virtual import EPOCH, VirtualLoop

P = ParamSpec("P")
R = TypeVar("R")


class Torn(BaseException):
    """The process died when all statements had been executed, and before the commit."""


class Disk:
    """A database file that outlives the programs that use it, and what may go wrong with it."""

    def __init__(self, path: Path, template: bytes, *, shared: bool, loop: VirtualLoop, dice: random.Random) -> None:
        path.write_bytes(template)
        self.path = path
        self.shared = shared
        self.loop = loop
        self.dice = dice
        self.slowness = 0.002
        self.error_rate = 0.0
        self.set_ahead = 0.0
        self.commits = 0
        self._auditor = sa.create_engine(f"sqlite:///{path}")

    def query(self, text: str) -> list[Any]:
        """Read what is committed."""
        with self._auditor.connect() as connection:
            return list(connection.execute(sa.text(text)))

    def archived(self) -> set[str]:
        """Return the ids of the orders, in the journal, or of the orders whose tickets were archived."""
        table = "archived_orders" if self.path.stem == "gateway" else "archived_tickets"
        return {row.order_id for row in self.query(f"SELECT order_id FROM {table}")}

    def copy(self) -> sqlite3.Connection:
        """Back up what is committed."""
        copy = sqlite3.connect(":memory:")
        with closing(sqlite3.connect(self.path)) as live:
            live.backup(copy)
        return copy

    def put_back(self, copy: sqlite3.Connection) -> None:
        """Restore a department's backup, while no program runs on it."""
        with closing(copy), closing(sqlite3.connect(self.path)) as live:
            copy.backup(live)
        with self._auditor.begin() as connection:
            transactions.renew_incarnations(connection)

    def delay(self) -> float:
        return self.dice.expovariate(1 / self.slowness) if self.slowness else 0.0

    def julian_day(self) -> float:
        """The time of day at the database's machine, which somebody may have set; as SQLite's `julianday`."""
        return (EPOCH + self.loop.time() + self.set_ahead) / 86_400 + 2_440_587.5

    def close(self) -> None:
        self._auditor.dispose()


class SimulatedDatabase(Database):
    """What a program gets for its database. `at_commit`, told "before" and "after", may kill the program."""

    def __init__(self, disk: Disk, at_commit: Callable[[str], bool]) -> None:
        super().__init__(f"sqlite:///{disk.path}", "simulation")
        self._disk = disk
        self._at_commit = at_commit
        self._turn = asyncio.Lock()
        for session in (self._writer, self._reader, self._finder):
            _tune(session._engine, disk)
        if disk.shared:
            self.url = sa.make_url("postgresql+psycopg://simulated/shared")

    async def write(self, script: Callable[Concatenate[sa.Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        def bound(connection: sa.Connection) -> R:
            return script(connection, *args, **kwargs)

        loop = self._disk.loop
        # A task of its own, as a job in a thread is: a caller that goes away does not break it off.
        return await asyncio.shield(loop.create_task(self._write(_same_kind(script, bound))))

    async def read(self, script: Callable[Concatenate[sa.Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        await asyncio.sleep(self._disk.delay())
        return self._reader._transact(script, *args, **kwargs)

    async def look_up(self, script: Callable[Concatenate[sa.Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        await asyncio.sleep(self._disk.delay())
        return self._finder._transact(script, *args, **kwargs)

    async def _write(self, script: Callable[[sa.Connection], R]) -> R:
        disk = self._disk
        async with self._turn:
            await asyncio.sleep(disk.delay())
            fails = disk.error_rate and disk.dice.random() < disk.error_rate
            if fails and disk.dice.random() < 0.5:
                raise DatabaseError("simulated: the disk is full")
            dies = self._at_commit("before")

            def whole(connection: sa.Connection) -> R:
                result = script(connection)
                if dies:
                    raise Torn
                return result

            try:
                result = self._writer._transact(_same_kind(script, whole))
            except Torn:
                await _never()
            disk.commits += 1
            disk.loop.note("committed", disk.path.name)
            if self._at_commit("after"):
                await _never()
            if disk.slowness:
                await asyncio.sleep(disk.delay())
            if fails:
                raise DatabaseError("simulated: the connection broke during the commit")
            return result

    def close(self) -> None:
        """Let go of the file; nothing can be in the middle of a transaction here."""
        for session in (self._finder, self._reader, self._writer):
            session._disconnect()
            session._engine.dispose()


def _same_kind(script: Callable[..., R], wrapped: Callable[[sa.Connection], R]) -> Callable[[sa.Connection], R]:
    """Wrap a script so that its transaction stays the product's own."""
    return StatementScript(wrapped) if isinstance(script, StatementScript) else wrapped


async def _never() -> NoReturn:
    """The process is dead; what comes after is never reached."""
    await asyncio.get_running_loop().create_future()
    raise AssertionError("a dead process took a step")


def _tune(engine: sa.Engine, disk: Disk) -> None:
    @sa.event.listens_for(engine, "connect")
    def configure(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA synchronous=OFF")  # the machine does not crash; only simulated programs do
        # The time of day at the database's machine. The product does not ask for it; a planted bug does.
        connection.create_function("julianday", 1, lambda _: disk.julian_day())
