"""Rounds of faults under load: each begins with a healthy cluster and ends with an audit.

Two gateways and two replicas of each department run on one Patroni cluster. Clients order all the time, and write down
every response before they go on. In each round one thing fails. Afterwards all that was acknowledged has to be there.
"""

import asyncio
import time
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.failover.cluster import Cluster
from tests.failover.faults import FAULTS, Duration, Scene
from tests.failover.roles import RoleObserver
from tests.failover.site import Site
from tests.support.audits import figures
from tests.support.recorded_clients import Party, ResponseLog
from tests.support.waiting import eventually

ORDERS_SECONDS = 3.0
"""Within how many seconds orders have to be taken again, once there are a primary and a standby of it."""

BEFORE, AFTER = 10, 20
"""How many new orders are acknowledged before a fault, and after the first one that follows it."""

SETTLED_SECONDS = 150.0
PROMISES = ("lost", "doubled", "oversold", "half", "stock-law", "unfollowed", "undecided")


class TimedLog(ResponseLog):
    """A log that knows when each new order was acknowledged, and when its outcome was first known."""

    def __init__(self, path: Path) -> None:
        """Start an empty log."""
        super().__init__(path)
        self.taken: list[float] = []
        self.decided: list[float] = []

    def note(self, order_id: str, response: dict[str, Any]) -> None:
        """Note a response, and the time after it has been written down."""
        is_new = order_id not in self.orders
        super().note(order_id, response)
        if is_new:
            now = time.monotonic()
            self.taken.append(now)
            if all(line["outcome"] != "pending" for line in response["lines"]):
                self.decided.append(now)

    def count(self, begin: float, end: float) -> int:
        """Return how many new orders were acknowledged between two moments."""
        return max(0, bisect_right(self.taken, end) - bisect_left(self.taken, begin))

    def longest_pause(self, begin: float) -> float:
        """Return the longest time since `begin` without an acknowledged order, in seconds."""
        times = [begin, *self.taken[bisect_left(self.taken, begin) :]]
        return max((after - before for before, after in pairwise(times)), default=0.0)


@dataclass(frozen=True, slots=True)
class Round:
    """What came out of one fault; all times in seconds.

    `promotion` is from the fault to the first response of a new primary, `standby` from there until a standby confirms
    its commits; both are None where nothing was promoted. `taken` and `decided` are from there (or from the end of the
    fault) to the next order that was acknowledged, and to the next one whose outcome was known. `pause` is the longest
    time without an acknowledged order from there on; what was confirmed before may be acknowledged just after.
    """

    fault: str
    promotion: float | None
    standby: float | None
    taken: float
    decided: float
    pause: float
    audit: dict[str, int]
    wrong: tuple[str, ...]

    def __str__(self) -> str:
        """Write it in one line."""
        promoted = "no promotion"
        if self.promotion is not None:
            promoted = f"promoted after {self.promotion:.1f} s, a standby {self.standby:.1f} s later"
        found = ", ".join(f"{name} {self.audit.get(name, '?')}" for name in PROMISES)
        return (
            f"{self.fault}: {promoted}, orders {self.taken:.2f} s later, outcomes {self.decided:.2f} s later, "
            f"longest pause from there {self.pause:.1f} s; {found}"
            + "".join(f"\n  WRONG: {each}" for each in self.wrong)
        )


class Proof:
    """One cluster, one system on it, and clients who order."""

    def __init__(
        self, cluster: Cluster, site: Site, folder: Path, *, clients: int, pause: float, seed: int, limit: float
    ) -> None:
        """`pause`, in seconds, is how long a client waits between two orders, on average."""
        self._cluster = cluster
        self._site = site
        self._clients = clients
        self._pause = pause
        self._seed = seed
        self._limit = limit
        self.log = TimedLog(folder / "acknowledged.jsonl")
        self.roles = RoleObserver(cluster)
        self.statuses: Counter[int] = Counter()
        self.orders = 0

    async def run(self, fault: str, number: int, duration: Duration) -> Round:
        """Let one thing fail under load, wait until all is settled, and compare what is there."""
        await asyncio.to_thread(self._cluster.wait_healthy)
        processes = [program.pid for program in self._site.programs]
        party = Party(self._site.urls, self.log, self._seed + number, self._pause)
        async with party.celebrating(self._clients):
            await self._acknowledged(BEFORE)
            outcome = await FAULTS[fault](Scene(self._cluster, self.roles, self.log.count, duration))
            taken = await self._next(self.log.taken, outcome.able)
            decided = await self._next(self.log.decided, outcome.able)
            await self._acknowledged(AFTER)
        pause = self.log.longest_pause(outcome.able)
        await eventually(self._site.is_settled, "no order owes anything", SETTLED_SECONDS)
        wrong = [*outcome.wrong, *party.surprises]
        audit = await asyncio.to_thread(self._site.audit, self.log.path)
        found = {} if audit.returncode else figures(audit)
        wrong += [audit.stdout + audit.stderr] * bool(audit.returncode or any(found[name] for name in PROMISES))
        wrong += [f"no order was taken for {pause:.2f} s"] * (pause > self._limit)
        if [program.pid for program in self._site.programs if program.is_running] != processes:
            wrong.append("a program has ended")
        self.statuses += party.statuses
        self.orders += party.begun
        promotion = outcome.promoted.at - outcome.began if outcome.promoted else None
        standby = outcome.able - outcome.promoted.at if outcome.promoted else None
        return Round(fault, promotion, standby, taken, decided, pause, found, tuple(wrong))

    async def _acknowledged(self, count: int) -> None:
        """Wait until so many more new orders have been acknowledged."""
        wanted = len(self.log.taken) + count

        async def are_there() -> bool:
            return len(self.log.taken) >= wanted

        await eventually(are_there, f"{count} more orders are acknowledged", SETTLED_SECONDS)

    async def _next(self, times: Sequence[float], after: float) -> float:
        """Wait for the next time on a growing list, and return how many seconds after a moment it was."""

        async def following() -> float | None:
            place = bisect_right(times, after)
            return times[place] if place < len(times) else None

        found = await eventually(following, "an order is acknowledged", SETTLED_SECONDS)
        assert found is not None
        return found - after


async def prove(
    cluster: Cluster,
    site: Site,
    folder: Path,
    plan: Sequence[str],
    duration: Duration,
    progress: Callable[[str], None],
    *,
    clients: int = 8,
    pause: float = 0.2,
    seed: int = 1,
    limit: float = ORDERS_SECONDS,
) -> tuple[list[Round], Proof]:
    """Run a round for each name of a fault in `plan`, one after another, on an open site.

    `limit` is how many seconds it may take until orders are taken again.
    """
    proof = Proof(cluster, site, folder, clients=clients, pause=pause, seed=seed, limit=limit)
    proof.roles.start()
    rounds = []
    try:
        for number, fault in enumerate(plan):
            rounds.append(await proof.run(fault, number, duration))
            progress(str(rounds[-1]))
    finally:
        proof.roles.stop()
        proof.log.close()
    return rounds, proof
