"""`python -m tests.torture.archiving archive write FOLDER --days 1`: the real command, whose days last two seconds.

And the operator who runs it beside the faults, kills it while it archives, and proves in the end that every order that
was acknowledged is in the journal or was archived: its record is in a file, and `archive read` prints it once.
"""

import asyncio
import random
import runpy
import subprocess
import sys
from collections import Counter
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from ops.archive import command
from ops.archive.files import SUFFIX, read_archive
from tests.support.processes import ROOT
from tests.torture.mined import Point, lay_mines
from tests.torture.site import Site

DAY_MS = 2_000
POINTS = (Point.BEFORE_TRANSACTION, Point.IN_TRANSACTION, Point.AFTER_COMMIT)
RUN_SECONDS = 120.0
DATABASE_IS_DOWN = 2


@dataclass(slots=True)
class Archived:
    """How often the command ran, was killed and met a database that was down; what is in the files in the end."""

    runs: int = 0
    kills: int = 0
    refusals: int = 0
    orders: int = 0
    tickets: int = 0
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """Write it for people."""
        ran = f"archived {self.runs} times, killed {self.kills} times, {self.refusals} times a database was down"
        return f"{ran}: {self.orders} orders and {self.tickets} tickets are archived"


class Archivist:
    """Archives again and again until it is `enough`."""

    def __init__(self, site: Site, folder: Path, seed: int, pause: float) -> None:
        """`pause`: seconds between two runs."""
        self._site = site
        self._folder = folder / "archive"
        self._mine = folder / "archive.mine"
        self._chance = random.Random(f"{seed}-archivist")
        self._pause = pause
        self._done = Archived()
        self.enough = asyncio.Event()

    async def work(self) -> None:
        """Run the command every now and then; two of three runs are killed, at a point of their path or anywhere."""
        while not self.enough.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self.enough.wait(), self._pause)
                return
            process = await self._start()
            way = self._chance.choice(("leave", "mine", "kill"))
            if way == "mine":
                self._mine.write_text(self._chance.choice(POINTS))
            elif way == "kill":
                await asyncio.sleep(self._chance.uniform(0.5, 3.0))
                with suppress(ProcessLookupError):
                    process.kill()
            await self._wait(process)
            self._mine.unlink(missing_ok=True)

    async def finish(self, acknowledged: Collection[str], told_archived: Collection[str]) -> Archived:
        """When all is quiet: archive once more, and compare files, journal and what clients were told."""
        done = self._done
        process = await self._start()
        if code := await self._wait(process):
            done.wrong.append(f"`archive write` ends with {code} though all is quiet")
        printed = await asyncio.to_thread(self._read)
        books = self._site.books
        stored, archived = await asyncio.to_thread(books.order_ids), await asyncio.to_thread(books.archived, "gateway")
        done.orders = len(archived)
        done.wrong += [f"`archive read` prints {each} {n} times" for each, n in printed.items() if n > 1]
        done.wrong += [f"{each} is archived, and is in the journal" for each in sorted(stored & archived)]
        done.wrong += [f"{each} is archived, and is in no file" for each in sorted(archived - printed.keys())]
        done.wrong += [f"{each} is lost" for each in sorted(set(acknowledged) - stored - archived)]
        done.wrong += [f"a client was told that {each} is archived" for each in sorted(set(told_archived) - archived)]
        for name in sorted({department.name for department in self._site.departments}):
            tickets = await asyncio.to_thread(books.archived, name)
            done.tickets += len(tickets)
            missing = sorted(tickets - await asyncio.to_thread(self._tickets, name))
            done.wrong += [f"{name} has archived {each}, and it is in no file" for each in missing]
        return done

    async def _start(self) -> asyncio.subprocess.Process:
        self._done.runs += 1
        arguments = ["-m", "tests.torture.archiving", "archive", "write", str(self._folder), "--days", "1"]
        variables = {**self._site.variables, "TORTURE_MINE": str(self._mine)}
        return await asyncio.create_subprocess_exec(sys.executable, *arguments, cwd=ROOT, env=variables)

    async def _wait(self, process: asyncio.subprocess.Process) -> int:
        async with asyncio.timeout(RUN_SECONDS):
            code = await process.wait()
        self._done.kills += code < 0
        self._done.refusals += code == DATABASE_IS_DOWN
        if code not in (0, DATABASE_IS_DOWN) and code >= 0:
            self._done.wrong.append(f"`archive write` ends with {code}")
        return code

    def _tickets(self, name: str) -> set[str]:
        """Return the order ids of the tickets of a department in its files."""
        files = self._folder.glob(f"tickets-{name}-*{SUFFIX}")
        return {record["ticket"]["order_id"] for path in files for record in read_archive(path)[1]}

    def _read(self) -> Counter[str]:
        """Return how often `archive read` prints each order, by its id."""
        files = sorted(str(path) for path in self._folder.glob(f"orders-*{SUFFIX}"))
        if not files:
            return Counter()
        printed = subprocess.run(
            [sys.executable, "-m", "ops", "archive", "read", *files],
            cwd=ROOT, env=self._site.variables, capture_output=True, check=True, timeout=RUN_SECONDS,
        )  # fmt: skip
        return Counter(msgspec.json.decode(line)["order"]["order_id"] for line in printed.stdout.splitlines())


def main() -> None:
    """Run the command with days that are over soon, and with mines on its path."""
    lay_mines()
    command.LEAST_DAYS = 1
    command.DAY_MS = DAY_MS
    runpy.run_module("ops.__main__", run_name="__main__")


if __name__ == "__main__":
    main()
