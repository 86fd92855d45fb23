"""Whole systems of real processes: a department for each menu, and the gateway.

Systems ── opens and closes ── System ── has ── Program (a department, or the gateway)
                                └──── has ── Books (what stands in the databases)
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from grpclib.client import Channel

from tests.support.database_contents import Books, Store
from tests.support.keys import AUTHORIZED
from tests.support.processes import Program, environment, free_ports
from tests.support.waiting import START_SECONDS

GOODS = {"bar": "Drink", "kitchen": "Meal", "bakery": "Dessert"}


def write_menu(folder: Path, name: str, stock: Mapping[str, int]) -> Path:
    """Write a menu file; every item costs 100 times its place on the menu."""
    lines = [f'name = "{name}"', f'titles = {{ en = "{name.title()}", ko = "{name}" }}']
    lines.append(f'goods = "{GOODS.get(name, "Dish")}"')
    for place, (item, count) in enumerate(stock.items(), start=1):
        title = f'{{ en = "{item.title()}", ko = "{item}" }}'
        lines += ["[[items]]", f'id = "{item}"', f"titles = {title}", f"price = {place * 100}", f"stock = {count}"]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.toml"
    path.write_text("\n".join(lines) + "\n")
    return path


class System:
    """A department for each menu, and the gateway, on free ports and a database of their own."""

    def __init__(self, folder: Path, store: Store, menus: Mapping[str, Mapping[str, int]], settings: Any) -> None:
        """`menus` names the departments and the opening stock of their items; `settings` are the programs'."""
        self.menus = folder / "menus"
        self.books = Books(store)
        ports = dict(zip([*menus, "gateway"], free_ports(len(menus) + 1), strict=True))
        for name, stock in menus.items():
            write_menu(self.menus, name, stock)
        variables = environment(
            **{
                "HOME": store.home,
                "DATABASE_URL": store.url or "",
                "MENUS": self.menus,
                "RETRY_CAP": 0.2,
                "DEPARTMENTS": ",".join(f"{name}=127.0.0.1:{ports[name]}" for name in menus),
                **{f"{name.upper()}_PORT": port for name, port in ports.items()},
                **settings,
            }
        )
        self.departments = {
            name: Program(name, ["-m", "departments", name], variables, ports[name], folder) for name in menus
        }
        self.gateway = Program("gateway", ["-m", "gateway"], variables, ports["gateway"], folder)

    def __getitem__(self, name: str) -> Program:
        """Return a program."""
        return self.gateway if name == "gateway" else self.departments[name]

    @property
    def programs(self) -> list[Program]:
        """All programs."""
        return [*self.departments.values(), self.gateway]

    @property
    def url(self) -> str:
        """Where the gateway is."""
        return f"http://127.0.0.1:{self.gateway.port}"

    def open(self, *, gateway: bool = True) -> None:
        """Start everything at once, with or without the gateway, and wait until all serve."""
        programs = self.programs if gateway else list(self.departments.values())
        for program in programs:
            program.start()
        for program in programs:
            program.wait_ready()

    def restored(self) -> "System":
        """Bring back what a test before this one left paused or dead."""
        for program in self.programs:
            if program.is_running:
                program.resume()
            else:
                program.start()
        for program in self.programs:
            program.wait_ready()
        return self

    def client(self) -> httpx.AsyncClient:
        """Make the client of a manager; over plain HTTP it need not load certificates, which takes 20 ms."""
        limits = httpx.Limits(max_connections=None)
        return httpx.AsyncClient(
            base_url=self.url, timeout=START_SECONDS, limits=limits, trust_env=False, verify=False, headers=AUTHORIZED
        )

    @contextmanager
    def channel(self, name: str) -> Iterator[Channel]:
        """Open a gRPC channel to a department."""
        channel = Channel("127.0.0.1", self[name].port)
        try:
            yield channel
        finally:
            channel.close()

    @contextmanager
    def unwritable(self, name: str) -> Iterator[None]:
        """Let every write of a program fail: its disk is full, its PostgreSQL lets nobody in."""
        if self.books.store.url is None:
            with self[name].with_full_disk():
                yield
        else:
            with self.books.closed():
                yield

    def close(self) -> None:
        """Leave nothing behind."""
        for program in self.programs:
            program.close()


class Systems:
    """Opens systems on one kind of database, and closes what it opened."""

    def __init__(self, folder: Path, new_store: Callable[[Path], Store]) -> None:
        """`new_store` makes an empty database for a system."""
        self._folder = folder
        self._new_store = new_store
        self._open: list[System] = []

    def open(self, menus: Mapping[str, Mapping[str, int]], *, gateway: bool = True, **settings: object) -> System:
        """Open a system, with or without its gateway, and wait until it serves; `settings` without their COMANDA_."""
        folder = self._folder / f"system-{len(self._open)}"
        folder.mkdir()
        system = System(folder, self._new_store(folder / "data"), menus, settings)
        self._open.append(system)
        system.open(gateway=gateway)
        return system

    def close(self) -> None:
        """Close every system."""
        for system in self._open:
            system.close()

    def program_logs(self) -> Iterator[tuple[str, str]]:
        """Yield (title, text) of what each program has written last."""
        for system in self._open:
            for program in system.programs:
                yield program.last_output()
