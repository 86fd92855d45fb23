"""The operator's nightly command: the real archiver on everybody's databases, in a process of its own.

It runs again and again, is killed at any moment, hangs and goes on, and finds the disk for its files full. What it has
written is kept in memory, and counts as durable from the moment when `write` returns.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import msgspec
import sqlalchemy as sa

from gateway.domain.days import Calendar
from infra.errors import DatabaseError, StartError
from ops.archive.archiver import Archiver
from ops.archive.files import Header, Record
from ops.audit.auditor import Auditor
from tests.simulation.storage import Disk, SimulatedDatabase
from tests.simulation.world import Program, World

P = ParamSpec("P")
R = TypeVar("R")

KEPT_SECONDS = (0.5, 2.0, 5.0)
"""How old at least is what a run archives: an evening is short."""

FULL_DISK_SHARE = 0.1
BUSY_SHARE = 0.4
UNKNOWN_SHARE = 0.1
"""Of the files, those for which there is no room; of the transactions, those that wait, and those that are committed
without the archiver's knowledge."""


@dataclass(slots=True)
class Files:
    """Archive files, in the order in which they were written, as their readers get them."""

    dice: random.Random
    full_share: float = FULL_DISK_SHARE
    written: list[tuple[Header, list[Record]]] = field(default_factory=list)

    def write(self, folder: Path, header: Header, records: Sequence[Record]) -> Path:
        """Keep a file; raises StartError, and then nobody knows whether it is there."""
        is_full = self.dice.random() < self.full_share
        if not is_full or self.dice.random() < 0.5:
            self.written.append((header, msgspec.json.decode(msgspec.json.encode(list(records)))))
        if is_full:
            raise StartError("simulated: the disk is full")
        return folder / f"{len(self.written)}"

    def records(self, source: str) -> list[Record]:
        """Return all records of the journal ("gateway") or of a department, the last one of each order last."""
        return [record for header, records in self.written if header.source == source for record in records]


class BusyDatabase(SimulatedDatabase):
    """A database that lets a transaction wait at times, and whose connection breaks at times after a commit."""

    def __init__(self, disk: Disk, at_commit: Callable[[str], bool], dice: random.Random) -> None:
        super().__init__(disk, at_commit)
        self._dice = dice

    async def write(self, script: Callable[Concatenate[sa.Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        if self._dice.random() < BUSY_SHARE:
            await asyncio.sleep(self._dice.expovariate(2))
        result = await super().write(script, *args, **kwargs)
        if self._dice.random() < UNKNOWN_SHARE:
            raise DatabaseError("simulated: the connection broke during the commit")
        return result


class Archivist(Program):
    """Archives again and again; what an earlier run left is for the next one."""

    def __init__(self, world: World, dice: random.Random) -> None:
        super().__init__(world, "archivist", world.disks["gateway"])
        self.files = Files(dice)
        self._dice = dice
        self._databases: dict[str, SimulatedDatabase] = {}

    def kill(self) -> None:
        is_up = self.is_up
        super().kill()
        if is_up:
            self._close_databases()

    async def archive_once(self, kept_seconds: float) -> None:
        """When all is quiet, and the command does not run: archive what is old enough, to the end."""
        self.files.full_share = 0.0
        self._open_databases(lambda _: False)
        try:
            await self._archive(kept_seconds)
        finally:
            self._close_databases()

    async def audit(self) -> list[str]:
        """Return what the product's own audit finds wrong, and what it cannot read."""
        self._open_databases(lambda _: False)
        try:
            return await self._audit()
        finally:
            self._close_databases()

    async def _audit(self) -> list[str]:
        report = await Auditor(self._databases["gateway"], self._departments(), pause=0.1).audit()
        wrong = [f"the audit says {column}: {each}" for column, found in report.findings.items() for each in found]
        return wrong if not report.is_right else [*map(str, report.unreadable)]

    async def _boot(self) -> None:
        self._open_databases(self.at_commit)
        try:
            await self._archive(self._dice.choice(KEPT_SECONDS))
        except (DatabaseError, StartError) as error:
            self.world.loop.note("archives no further", str(error))
        self.world.loop.outside(self._dice.expovariate(0.5), self._end, self.process)

    def _end(self, process: object) -> None:
        """Exit, and be started again; nobody counts that as a death."""
        if process is self.process and self.is_up:
            self.world.deaths -= 1
            self.kill()

    async def _archive(self, kept_seconds: float) -> None:
        now_ms = self.world.now_ms()
        archiver = Archiver(
            self._databases["gateway"],
            self._departments(),
            Path("archive"),
            Calendar(UTC),
            before_ms=now_ms - int(kept_seconds * 1000),
            now_ms=now_ms,
            removed_at_once=self._dice.choice((1, 3, 50)),
            write=self.files.write,
            sleep=self._rest,
        )
        archived = await archiver.archive()
        self.world.loop.note("archived", archived.orders, archived.tickets, archived.files)

    async def _rest(self, _: float) -> None:
        """Pause for some virtual time, in place of a multiple of what was measured."""
        await asyncio.sleep(self._dice.expovariate(self._dice.choice((50, 5))))

    def _open_databases(self, at_commit: Callable[[str], bool]) -> None:
        self._databases = {name: BusyDatabase(disk, at_commit, self._dice) for name, disk in self.world.disks.items()}

    def _close_databases(self) -> None:
        databases, self._databases = self._databases, {}
        for database in databases.values():
            database.close()

    def _departments(self) -> dict[str, SimulatedDatabase]:
        return {name: self._databases[name] for name in self.world.menus}

    def _forget(self) -> None:
        """Nobody calls it."""
