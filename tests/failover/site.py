"""Gateways and departments with replicas, as real processes, on one database that may fail over."""

import asyncio
import subprocess
import sys
from pathlib import Path

from tests.support.database_contents import Books, Store
from tests.support.processes import ROOT, Program, environment, free_ports
from tests.support.recorded_clients import MENUS
from tests.support.systems import write_menu

AT_ONCE = 4
"""How many programs start at the same time."""


class Site:
    """So many replicas of the gateway and of each department; each gateway calls its own replica of a department."""

    def __init__(self, folder: Path, url: str, replicas: int) -> None:
        """`url` is that of an empty database; what the programs write goes to files in `folder`."""
        self.books = Books(Store(folder / "data", url))
        for name, stock in MENUS.items():
            write_menu(folder / "menus", name, stock)
        self._variables = environment(
            HOME=folder / "data", DATABASE_URL=url, MENUS=folder / "menus", RETRY_CAP=0.5, LINGER=0
        )
        self.departments: list[Program] = []
        self.gateways: list[Program] = []
        for number in range(replicas):
            place = folder / f"replica-{number}"
            place.mkdir()
            ports = dict(zip([*MENUS, "gateway"], free_ports(len(MENUS) + 1), strict=True))
            addresses = ",".join(f"{name}=127.0.0.1:{ports[name]}" for name in MENUS)
            variables = self._variables | {"COMANDA_DEPARTMENTS": addresses}
            variables |= {f"COMANDA_{name.upper()}_PORT": str(port) for name, port in ports.items()}
            self.departments += [
                Program(name, ["-m", "departments", name], variables, ports[name], place) for name in MENUS
            ]
            self.gateways.append(Program("gateway", ["-m", "gateway"], variables, ports["gateway"], place))

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
        for begun in range(0, len(self.programs), AT_ONCE):
            programs = self.programs[begun : begun + AT_ONCE]
            for program in programs:
                program.start()
            await asyncio.gather(*(asyncio.to_thread(program.wait_ready) for program in programs))

    async def close(self) -> None:
        """End everything."""
        await asyncio.gather(*(asyncio.to_thread(program.close) for program in self.programs))

    async def is_settled(self) -> bool:
        """Return whether no order owes a department anything."""
        return not await asyncio.to_thread(self.books.unfinished)

    def audit(self, acknowledged: Path) -> "subprocess.CompletedProcess[str]":
        """Compare the databases with what clients were told, as an operator does."""
        command = [sys.executable, "-m", "ops", "audit", "--acknowledged", str(acknowledged)]
        return subprocess.run(
            command, cwd=ROOT, env=self._variables, capture_output=True, text=True, check=False, timeout=120
        )

    def program_logs(self) -> list[tuple[str, str]]:
        """Return (title, text) of what each program has written last."""
        return [program.last_output() for program in self.programs]
