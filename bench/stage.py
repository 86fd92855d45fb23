"""The stage: the folder, the menus, the PostgreSQL and the systems of one run, and the end of all of them."""

import shutil
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Self

from bench import menus, systems, wrk
from bench.contracts import compile_counters
from bench.menus import Station
from bench.plan import Plan
from bench.postgresql import Server
from bench.results import Results, Start
from bench.show import Show
from bench.systems import System

WARM_CONNECTIONS = 64
WARM_SECONDS = 1


class Stage:
    """What a section measures with; closing it ends everything that was started."""

    def __init__(self, folder: Path, plan: Plan, names: tuple[str, ...], results: Results, show: Show) -> None:
        """Build on an empty folder, which is removed at the end; `names` are the systems that were asked for."""
        self.folder = folder
        self.plan = plan
        self.names = names
        self.results = results
        self.show = show
        self.stations = menus.stations(3)
        self.menus = self.write_menus(self.stations)
        self.body = menus.order_body(self.stations)
        self.script = self.write_script([self.body])
        self._contracts = folder / "contracts"
        self._numbers = count()
        self._open: dict[str, System] = {}
        self._server: Server | None = None

    def __enter__(self) -> Self:
        """Compile what the peers need."""
        compile_counters(self._contracts)
        return self

    def __exit__(self, *_: object) -> None:
        """End everything."""
        with ExitStack() as ending:
            ending.callback(shutil.rmtree, self.folder)
            if self._server is not None:
                ending.callback(self._server.close)
            for system in self._open.values():
                ending.callback(system.stop)

    @property
    def server(self) -> Server:
        """The PostgreSQL server, started when it is first needed."""
        if self._server is None:
            self._server = Server(self.folder / "postgresql")
            self.results.postgresql = self._server.settings
        return self._server

    def system(self, name: str) -> System:
        """Return one of the compared systems, started and warmed when it is first needed."""
        if name not in self._open:
            self.show.say(f"starts {name}")
            self.open(name, self.build(name), self.body, 3, self.script)
            self.results.starts.append(Start(name, self._open[name].start_seconds, anew=True))
        return self._open[name]

    def build(self, name: str) -> System:
        """Put one of the compared systems together."""
        if name == "comanda-sqlite":
            return systems.comanda(name, self.new_folder(), self.menus)
        if name == "comanda-postgresql":
            return systems.comanda(name, self.new_folder(), self.menus, server=self.server)
        return systems.peer(name, self.new_folder(), self.menus, self._contracts)

    def open(self, key: str, system: System, body: str, lines: int, script: Path) -> System:
        """Start a system, see that it answers as it should, and warm it."""
        self._open[key] = system
        system.start()
        system.wait_for_order(body, lines)
        wrk.finish(wrk.start(script, system.port, WARM_CONNECTIONS, WARM_SECONDS))
        return system

    def keep(self, key: str, system: System) -> None:
        """Take care of the end of a system that somebody else starts."""
        self._open[key] = system

    def close_systems(self) -> None:
        """End all systems, before others are measured."""
        while self._open:
            _, system = self._open.popitem()
            system.stop()

    def new_folder(self) -> Path:
        """Name a folder that is not there yet."""
        return self.folder / f"data-{next(self._numbers)}"

    def write_menus(self, stations: list[Station]) -> Path:
        """Write the menus of some departments, once for each number of them."""
        folder = self.folder / f"menus-{len(stations)}"
        if not folder.exists():
            menus.write_menus(folder, stations)
        return folder

    def write_script(self, bodies: list[str]) -> Path:
        """Write a script for wrk that places these orders."""
        path = self.folder / f"orders-{len(bodies)}-{len(bodies[0])}.lua"
        wrk.write_script(path, bodies)
        return path
