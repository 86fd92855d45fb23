"""Faults at random, by a seed: kills at named points and anywhere, pauses, failing networks, a crashing database."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from tests.support.processes import Program
from tests.torture.mined import GATEWAY_ONLY, KILLS
from tests.torture.proxy import Proxy
from tests.torture.site import Site

_KINDS = {
    "gateway": ("kill", "blow up", "pause", "pause beyond a lease", "pause and kill"),
    "department": ("kill", "blow up", "pause", "pause beyond a lease", "pause and kill"),
    "network": ("stall", "drop", "reset"),
}
FAULTS = [f"{whom}: {kind}" for whom, kinds in _KINDS.items() for kind in kinds]
POINTS = [f"gateway: {point}" for point in sorted(KILLS)] + [f"department: {p}" for p in sorted(KILLS - GATEWAY_ONLY)]

SHORT, LONG = (0.1, 2.0), (8.0, 10.0)
"""How many seconds a pause lasts: less than a lease, and more."""


class Chaos:
    """Hurts a site until it is `enough`."""

    def __init__(self, site: Site, seed: int, at_once: int) -> None:
        """Choose by a seed; `at_once` things are broken at the same time."""
        self._site = site
        self._at_once = at_once
        self._chance = random.Random(seed)
        self._victims: list[Program | Proxy] = [*site.programs, *site.proxies.values()]
        self._database_is_down = False
        self.kills = 0
        self.faults: Counter[str] = Counter()
        self.points: Counter[str] = Counter()
        self.last_fault = self.all_mended = 0.0
        self.enough = asyncio.Event()

    async def rage(self) -> None:
        """Break and mend, a few things at once."""
        await asyncio.gather(*(self._rage() for _ in range(self._at_once)))

    async def _rage(self) -> None:
        while not self.enough.is_set():
            victim = self._chance.choice(self._victims)
            self._victims.remove(victim)
            try:
                await self._hurt(victim)
            finally:
                self._victims.append(victim)
                self.all_mended = asyncio.get_running_loop().time()

    async def _hurt(self, victim: "Program | Proxy") -> None:
        if isinstance(victim, Proxy):
            await self._choose({self._stall: 3, self._drop: 2, self._reset: 3}, victim)
        elif self._site.server is not None and not self._database_is_down and self._chance.random() < 0.04:
            await self._crash_database()
        else:
            await self._choose(
                {
                    self._kill: 60,
                    self._blow_up: 120,
                    self._pause: 35,
                    self._pause_beyond_a_lease: 4,
                    self._pause_and_kill: 20,
                },
                victim,
            )

    async def _choose(self, ways: "dict[Callable[[Any], Awaitable[None]], int]", victim: "Program | Proxy") -> None:
        (way,) = self._chance.choices(list(ways), weights=list(ways.values()))
        whom = "network" if isinstance(victim, Proxy) else "gateway" if victim.name == "gateway" else "department"
        self.faults[f"{whom}: {way.__name__.strip('_').replace('_', ' ')}"] += 1
        await way(victim)

    async def _kill(self, program: Program) -> None:
        await self._site.kill(program)
        await self._come_back(program)

    async def _blow_up(self, program: Program) -> None:
        whom = "gateway" if program.name == "gateway" else "department"
        self.points[f"{whom}: {await self._site.blow_up(program, self._chance)}"] += 1
        await self._come_back(program)

    async def _pause(self, program: Program) -> None:
        await self._hang(program, SHORT)

    async def _pause_beyond_a_lease(self, program: Program) -> None:
        await self._hang(program, LONG)

    async def _hang(self, program: Program, seconds: tuple[float, float]) -> None:
        program.pause()
        await self._wait(*seconds)
        program.resume()
        self._mark()

    async def _pause_and_kill(self, program: Program) -> None:
        program.pause()
        await self._wait(*SHORT)
        await self._kill(program)

    async def _stall(self, proxy: Proxy) -> None:
        proxy.stall()
        await self._wait(0.5, 4.0)
        proxy.resume()
        self._mark()

    async def _drop(self, proxy: Proxy) -> None:
        proxy.drop()
        await self._wait(0.5, 4.0)
        proxy.resume()
        self._mark()

    async def _reset(self, proxy: Proxy) -> None:
        for _ in range(self._chance.randint(1, 5)):
            await self._wait(0.0, 0.3)
            proxy.reset()
            self._mark()

    async def _crash_database(self) -> None:
        assert self._site.server is not None
        self._database_is_down = True
        self.faults["database: crash"] += 1
        await asyncio.to_thread(self._site.server.crash)
        self._database_is_down = False
        self._mark()

    async def _come_back(self, program: Program) -> None:
        self.kills += 1
        self._mark()
        await self._wait(0.0, 0.5)
        await self._site.revive(program)
        await self._wait(0.0, 0.5)

    async def _wait(self, least: float, most: float) -> None:
        await asyncio.sleep(self._chance.uniform(least, most))

    def _mark(self) -> None:
        self.last_fault = asyncio.get_running_loop().time()
