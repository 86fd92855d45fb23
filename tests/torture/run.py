"""One run of torture: clients order, chaos rages, the auditor looks; then all faults end, and all must be right."""

import asyncio
import random
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import inf
from pathlib import Path

from tests.support.audits import figures
from tests.support.recorded_clients import Party, ResponseLog
from tests.torture.archiving import Archived, Archivist
from tests.torture.chaos import FAULTS, POINTS, Chaos
from tests.torture.cooks import Cook
from tests.torture.screens import ScreenClient
from tests.torture.site import Site
from tests.torture.watchers import Watcher, watchers_of

CONVERGENCE_SECONDS = 10.0
"""How long the system may need from the end of the last fault: when nothing hangs, and all that died listens again.
How long a program takes to start is the machine's matter, and is told beside it."""

NO_FAULTS = frozenset({"acknowledged", "withdrawn"})
"""What the auditor counts although it is not wrong."""

GIVE_UP_SECONDS = 60.0
MANY_KILLS = 200
"""Where so many were killed, every kind of fault has to have happened, and every mine to have gone off."""

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """How much torture. `pause`: seconds between two orders of a client, on average; `at_once`: faults.

    `archive_every`: seconds between two runs of `archive write`.

    It ends when so many were killed and so much was ordered, or after so many `seconds`.
    """

    seed: int
    kills: int
    orders: int
    clients: int = 16
    pause: float = 0.05
    audit_every: float = 10.0
    at_once: int = 2
    watchers: int = 20
    seconds: float = inf
    archive_every: float = 5.0


@dataclass(frozen=True, slots=True)
class Watched:
    """What the watchers saw: tickets and stock that changed, over how many calls, from how many snapshots.

    `revisions`: how many changes the departments counted.
    """

    watchers: int
    calls: int
    resets: int
    changes: int
    revisions: int
    wrong: Sequence[str]

    def __str__(self) -> str:
        """Write it for people."""
        wrong = f"{len(self.wrong)} differences" if self.wrong else "all pictures are as the databases"
        seen = (
            f"{self.watchers} watchers saw {self.changes} changes over {self.calls} calls, with {self.resets} snapshots"
        )
        return f"{self.revisions} revisions; {seen}: {wrong}"


@dataclass(slots=True)
class Result:
    """What came out."""

    plan: Plan
    orders: int
    kills: int
    faults: dict[str, int]
    points: dict[str, int]
    statuses: dict[int, int]
    cook_steps: int
    cook_changes: int
    cook_lines: int
    watched: Watched
    archived: Archived
    convergence: float
    since_last_fault: float
    unfinished: int
    surprises: list[str]
    audit: "subprocess.CompletedProcess[str]"
    live_audits: list["subprocess.CompletedProcess[str]"] = field(default_factory=list)

    @property
    def wrong(self) -> list[str]:
        """List what must not be; nothing is what is hoped for."""
        found = [*self.surprises, *self.watched.wrong, *self.archived.wrong]
        if self.unfinished:
            found.append(f"{self.unfinished} orders are still unfinished")
        if self.convergence > CONVERGENCE_SECONDS:
            found.append(f"convergence took {self.convergence:.1f} s")
        if self.kills >= MANY_KILLS:
            found += [f"never happened: {name}" for name, count in (self.faults | self.points).items() if not count]
            found += [] if self.cook_lines else ["never happened: the cancel of a line"]
            found += [] if self.archived.orders and self.archived.tickets else ["nothing was archived"]
        if self.audit.returncode:
            found.append(self.audit.stdout + self.audit.stderr)
        else:
            found += [
                f"{name}: {count}" for name, count in figures(self.audit).items() if count and name not in NO_FAULTS
            ]
        found += [audit.stdout for audit in self.live_audits if audit.returncode == 1]
        return found

    def report(self) -> str:
        """Write it for people."""
        looked = sum(audit.returncode == 0 for audit in self.live_audits)
        faults = ", ".join(f"{name} {count}" for name, count in self.faults.items())
        points = ", ".join(f"{name} {count}" for name, count in self.points.items())
        audited = f"{looked} audits while it raged, {sum(a.returncode == 1 for a in self.live_audits)} found a fault"
        statuses = ", ".join(f"{count} x {status or 'no response'}" for status, count in sorted(self.statuses.items()))
        return "\n".join([
            f"seed {self.plan.seed}: {self.orders} orders, {self.kills} kills, {self.cook_steps} steps by cooks",
            f"{self.cook_lines} cancels of lines, {self.cook_changes} ticks and changes of stock; {self.watched}",
            str(self.archived),
            f"faults: {faults}",
            f"killed at points: {points}",
            f"responses: {statuses}",
            f"converged {self.convergence:.1f} s after all was mended, {self.since_last_fault:.1f} s after the fault",
            f"{audited}, {sum(a.returncode == 2 for a in self.live_audits)} met a database that was down",
            self.audit.stdout + self.audit.stderr,
        ])  # fmt: skip


async def torture(site: Site, folder: Path, plan: Plan, progress: Progress) -> Result:
    """Torture an open site."""
    with ResponseLog(folder / "told.jsonl") as book:
        return await _torture(site, folder, plan, progress, book)


async def _torture(site: Site, folder: Path, plan: Plan, progress: Progress, book: ResponseLog) -> Result:
    loop = asyncio.get_running_loop()
    party = Party(site.urls, book, plan.seed, plan.pause, archives=True)
    archivist = Archivist(site, folder, plan.seed, plan.archive_every)
    chaos = Chaos(site, plan.seed, plan.at_once)
    cooks = [Cook(department, site.urls, plan.seed) for department in site.departments]
    watchers = _watchers(site, plan)
    live_audits: list[subprocess.CompletedProcess[str]] = []
    working = [asyncio.create_task(cook.work()) for cook in cooks]
    watching = [asyncio.create_task(watcher.follow()) for watcher in watchers]
    archiving = asyncio.create_task(archivist.work())
    celebrating = asyncio.create_task(party.celebrate(plan.clients))
    raging = asyncio.create_task(chaos.rage())
    look_at = loop.time() + plan.audit_every
    give_up = loop.time() + plan.seconds
    while (chaos.kills < plan.kills or party.begun < plan.orders) and loop.time() < give_up:
        done, _ = await asyncio.wait(
            [celebrating, raging, archiving, *working, *watching], timeout=0.5, return_when=asyncio.FIRST_COMPLETED
        )
        for task in done:
            task.result()
        progress(f"{party.begun} orders, {chaos.kills} kills, {len(book.orders)} acknowledged")
        if loop.time() > look_at:
            live_audits.append(await asyncio.to_thread(site.audit, book.path))
            look_at = loop.time() + plan.audit_every
    chaos.enough.set()
    await raging
    party.enough.set()
    archivist.enough.set()
    await archiving
    for task in working:
        task.cancel()
    await celebrating
    unfinished = await _converge(site, loop.time() + GIVE_UP_SECONDS)
    now = loop.time()
    archived = await archivist.finish(book.orders, party.archived)
    watched = await _check(site, watchers)
    for task in watching:
        task.cancel()
    audit = await asyncio.to_thread(site.audit, book.path)
    faults = [*FAULTS, *(["database: crash"] if site.server else [])]
    return Result(
        plan,
        party.begun,
        chaos.kills,
        dict.fromkeys(faults, 0) | dict(chaos.faults),
        dict.fromkeys(POINTS, 0) | dict(chaos.points),
        dict(party.statuses),
        sum(cook.steps for cook in cooks),
        sum(cook.changes for cook in cooks),
        sum(cook.lines for cook in cooks),
        watched,
        archived,
        now - chaos.all_mended,
        now - chaos.last_fault,
        unfinished,
        [*party.surprises, *(each for cook in cooks for each in cook.surprises)],
        audit,
        live_audits,
    )


def _watchers(site: Site, plan: Plan) -> list[Watcher | ScreenClient]:
    """Make the watchers: a fifth of them are clients of the gateways' events."""
    names = sorted({program.name for program in site.departments})
    screens = plan.watchers // 5
    return [
        *watchers_of(site, plan.watchers - screens, plan.seed),
        *(ScreenClient(site.urls, names, random.Random(f"{plan.seed}-screen-{n}")) for n in range(screens)),
    ]


async def _check(site: Site, watchers: Sequence[Watcher | ScreenClient]) -> Watched:
    """Wait until the watchers have caught up, and compare their pictures with the databases."""
    wrong = [
        each for found in await asyncio.gather(*(watcher.check(site.books) for watcher in watchers)) for each in found
    ]
    names = {program.name for program in site.departments}
    truths = [await asyncio.to_thread(site.books.truth, name) for name in sorted(names)]
    return Watched(
        len(watchers),
        sum(watcher.calls for watcher in watchers),
        sum(watcher.resets for watcher in watchers),
        sum(watcher.changes for watcher in watchers),
        sum(truth.position[1] for truth in truths),
        wrong,
    )


async def _converge(site: Site, deadline: float) -> int:
    """Wait until no order owes anything; return how many still do when the time is up."""
    while unfinished := await asyncio.to_thread(site.books.unfinished):
        if asyncio.get_running_loop().time() > deadline:
            return unfinished
        await asyncio.sleep(0.05)
    return 0
