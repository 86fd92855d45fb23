"""The whole restaurant in one process: real gateways and departments on simulated disks, network and time."""

import asyncio
import random
import tempfile
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import cycle, islice
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast

import departments
import gateway
from departments.app import DepartmentApp
from departments.domain.menu import Menu, MenuItem
from departments.rpc.limits import Limits
from departments.rpc.servicer import DepartmentServicer
from gateway.department_client import client
from gateway.department_client.watch import DepartmentWatch
from gateway.domain.currencies import Currency
from gateway.domain.errors import UnknownDepartment
from gateway.domain.lines import Outcome
from gateway.domain.order import Order, Policy, Status
from gateway.orders.backoff import RetryPolicy
from gateway.orders.journal import Journal
from gateway.orders.service import OrderService
from infra.clock import Clock
from infra.db.database import Database
from infra.grpc.peer_guard import WatchedChannel
from tests.simulation.network import Channel, Network
from tests.simulation.storage import Disk, SimulatedDatabase
from tests.simulation.virtual import EPOCH, Process, VirtualLoop

R = TypeVar("R")
S = TypeVar("S")

CALLING = client.CallPolicy(deadline=2.0, calls_in_flight=2, orders_per_call=256)
HTTP_SECONDS = 8.0

CURRENCIES = (Currency("EUR"), Currency("JPY"), Currency("KWD"))
"""One after another, each time that a gateway is started: as if it were configured anew."""


class Gone(Exception):
    """No response over HTTP: the client cannot know what became of the request."""


class LineTold(NamedTuple):
    """What a client was told of a line."""

    department: str
    item: str
    quantity: int
    outcome: Outcome
    unit_price: int | None


class Told(NamedTuple):
    """What a client was told of an order."""

    order_id: str
    policy: Policy
    status: Status
    currency: str
    lines: tuple[LineTold, ...]


def tell(order: Order) -> Told:
    """Take a picture of an order, as a response over HTTP is one."""
    lines = (LineTold(x.department, x.item, x.quantity, x.outcome, x.unit_price) for x in order.lines)
    return Told(order.order_id, order.policy, order.status, order.currency.code, tuple(lines))


class Program:
    """Something that can be started, killed, stopped and started again. Its disk stays."""

    def __init__(self, world: "World", name: str, disk: Disk) -> None:
        self.world = world
        self.name = name
        self.disk = disk
        self.process: Process | None = None
        self.dies_at_commit = ""
        self.database: SimulatedDatabase | None = None

    @property
    def is_up(self) -> bool:
        return self.process is not None and self.process.alive

    def start(self) -> None:
        if self.is_up:
            return
        self.world.loop.note("starts", self.name)
        self.process = Process(self.name)
        self.process.on_blown = self.kill
        self.world.loop.spawn(self.process, self._boot())

    def kill(self) -> None:
        process, database = self.process, self.database
        if process is None or not process.alive:
            return
        self.world.loop.note("dies", self.name)
        self.world.deaths += 1
        self.dies_at_commit = ""
        self._forget()
        process.kill()
        if database is not None:
            self.database = None
            database.close()
        if self.world.restart_after is not None:
            self.world.loop.outside(self.world.restart_after(), self.start)

    def at_commit(self, when: str) -> bool:
        """Called at every commit: tells whether this one kills the program."""
        if self.dies_at_commit != when:
            return False
        self.world.loop.note("dies at commit", self.name, when)
        assert self.process is not None
        self.process.stopped = True  # it takes no further step, and is dead in the loop's next one
        self.world.loop.outside(0.0, self.kill)
        return True

    async def _boot(self) -> None:
        self.database = SimulatedDatabase(self.disk, self.at_commit)
        try:
            await self._open(self.database)
        except Exception as error:  # noqa: BLE001 - it exits, and is started again
            self.world.loop.note("fails to start", self.name, repr(error))
            self.world.loop.outside(0.0, self.kill)

    async def _open(self, database: SimulatedDatabase) -> None:
        raise NotImplementedError

    def _forget(self) -> None:
        raise NotImplementedError


class Station(Program):
    """A department's program; several may share a disk."""

    def __init__(self, world: "World", name: str, disk: Disk, menu: Menu) -> None:
        super().__init__(world, name, disk)
        self.menu = menu
        self.service: DepartmentServicer | None = None
        self.department: DepartmentApp | None = None

    async def _open(self, database: SimulatedDatabase) -> None:
        department = DepartmentApp(self.menu, database, now_ms=self.world.now_ms)
        self.menu = _dearer(self.menu)  # the next time it is started with another price list
        await department.open()
        self.department = department
        self.service = DepartmentServicer(department, Limits())

    def _forget(self) -> None:
        self.service = self.department = None


class Gateway(Program):
    """A gateway's program; several may share a journal."""

    def __init__(self, world: "World", number: int, disk: Disk, retry_policy: RetryPolicy) -> None:
        super().__init__(world, f"gateway-{number}", disk)
        self.retry_policy = retry_policy
        self._currencies = islice(cycle(CURRENCIES), number, None)
        self.currency = CURRENCIES[0]
        self.set_ahead = 0.0
        self.service: OrderService | None = None
        self.configured: set[str] = set()

    async def _open(self, database: SimulatedDatabase) -> None:
        world = self.world
        rooms, watches = {}, {}
        self.currency = next(self._currencies)
        self.configured = world.menus.keys() - world.unconfigured
        for name in sorted(self.configured):
            channel = cast("WatchedChannel", Channel(world.network, name))
            rooms[name] = client.DepartmentClient(name, channel, CALLING)
            watches[name] = DepartmentWatch(name, cast("WatchedChannel", Channel(world.network, name)))
        clock = Clock(self.wall, world.loop.time)
        service = OrderService(
            Journal(database), rooms, self.retry_policy, clock=clock, random=world.dice.random, watches=watches
        )
        await service.start()
        self.service = service
        world.gateways_changed_at = world.loop.time()

    def wall(self) -> float:
        """The time of day at the gateway's machine, which somebody may have set; in seconds since 1970."""
        return EPOCH + self.world.loop.time() + self.set_ahead

    def _forget(self) -> None:
        self.service = None
        self.world.gateways_changed_at = self.world.loop.time()

    async def close(self) -> None:
        """Stop as on SIGTERM."""
        service, process, database = self.service, self.process, self.database
        if service is None or process is None or database is None:
            return
        self.service = None
        await self.world.loop.spawn(process, service.close())
        if process.alive:
            self.kill()


@dataclass(slots=True)
class World:
    """Everything there is, on one loop and one pair of dice."""

    loop: VirtualLoop
    dice: random.Random
    network: Network
    menus: dict[str, Menu]
    restart_after: Callable[[], float] | None = None
    deaths: int = 0
    gateways_changed_at: float = 0.0
    unconfigured: set[str] = field(default_factory=set)
    disks: dict[str, Disk] = field(default_factory=dict)
    stations: list[Station] = field(default_factory=list)
    gateways: list[Gateway] = field(default_factory=list)
    operators: list[Program] = field(default_factory=list)
    folder: "tempfile.TemporaryDirectory[str] | None" = None

    @classmethod
    def build(
        cls, seed: int, menus: dict[str, Menu], *, gateways: int, replicas: int, retry_policy: RetryPolicy
    ) -> "World":
        """Build a restaurant on empty disks; nothing runs yet."""
        loop, dice = VirtualLoop(), random.Random(seed)  # type: ignore[abstract]  # no sockets, no signals
        world = cls(loop, dice, Network(loop, dice), menus)
        world.folder = tempfile.TemporaryDirectory(prefix="simulation-")
        folder = Path(world.folder.name)

        def disk(name: str, program: str, shared: bool) -> Disk:
            world.disks[name] = Disk(folder / f"{name}.db", _template(program), shared=shared, loop=loop, dice=dice)
            return world.disks[name]

        journal = disk("gateway", "gateway", gateways > 1)
        world.gateways = [Gateway(world, n, journal, retry_policy) for n in range(gateways)]
        for name, menu in menus.items():
            shelf = disk(name, "departments", replicas > 1)
            stations = [Station(world, f"{name}-{n}", shelf, menu) for n in range(replicas)]
            world.stations += stations
            world.network.servers[name] = [*stations]
        return world

    @property
    def programs(self) -> list[Program]:
        return [*self.gateways, *self.stations, *self.operators]

    def now_ms(self) -> int:
        """Return the time of day where nobody sets it, in milliseconds since 1970."""
        return int((EPOCH + self.loop.time()) * 1000)

    def price(self, name: str, item: str) -> int:
        """Return what an item costs at one of a department's programs just now; 100 where nobody can say."""
        for station in self.stations:
            if station.menu.name == name and station.department and item in station.department.menu.items:
                return station.department.menu.items[item].price
        return 100

    def open(self) -> None:
        """Start everything."""
        for program in self.programs:
            program.start()

    def close(self) -> None:
        self.loop.bury()
        for program in self.programs:
            if program.database is not None:
                program.database.close()
        for disk in self.disks.values():
            disk.close()
        if self.folder is not None:
            self.folder.cleanup()

    def configure_without(self, names: set[str]) -> None:
        """Take departments out of the gateways' configuration, put others back, and restart every gateway."""
        if self.unconfigured == names:
            return
        self.loop.note("not configured", sorted(names))
        self.unconfigured = names
        for each in self.gateways:
            each.kill()

    async def request(self, gateway: Gateway, use_case: "Callable[[OrderService], Awaitable[R]]") -> R:
        """Make an HTTP request of a gateway; raises Gone, or what the use case raises."""
        return await self._request(gateway, lambda: gateway.service, use_case)

    async def ask(self, name: str, use_case: "Callable[[DepartmentApp], Awaitable[R]]") -> "R":
        """Make a request of one of a department's programs, as its staff do; raises Gone, or as the use case does."""
        station = self.dice.choice([station for station in self.stations if station.menu.name == name])
        return await self._request(station, lambda: station.department, use_case)

    async def _request(
        self, program: Program, server: "Callable[[], S | None]", use_case: "Callable[[S], Awaitable[R]]"
    ) -> "R":
        network, loop = self.network, self.loop
        await asyncio.sleep(network.delay())
        process, serving = program.process, server()
        if process is None or not process.alive or serving is None:
            raise Gone("connection refused")
        response = loop.create_future()
        token = object()

        def settle(result: Any, error: Exception | None) -> None:
            if response.done():
                return
            if error is not None:
                response.set_exception(error)
            else:
                response.set_result(result)

        async def handle() -> None:
            result, problem = None, None
            try:
                result = await use_case(serving)
            except Exception as error:  # noqa: BLE001 - the client gets it
                problem = error
            process.on_death.pop(token, None)
            if network.happens(network.weather.drop_response):
                problem = Gone("the response was lost")
            loop.outside(network.delay(), settle, result, problem)

        process.on_death[token] = lambda: settle(None, Gone("connection lost"))
        loop.spawn(process, handle())
        try:
            async with asyncio.timeout(HTTP_SECONDS):
                return cast("R", await response)
        except TimeoutError:
            raise Gone("no response in time") from None

    async def place(self, gateway: Gateway, new: "Callable[[], Order]") -> Told:
        async def use_case(service: OrderService) -> Told:
            order = new()
            order.currency = gateway.currency
            order.created_at_ms = int(gateway.wall() * 1000)  # as gateway/rest/requests.py does
            for line in order.lines:
                if line.department not in service.departments:  # as gateway/rest/requests.py does
                    raise UnknownDepartment("lines", line.department, service.departments)
            return tell(await service.place(order))

        return await self.request(gateway, use_case)

    async def find(self, gateway: Gateway, order_id: str) -> Told:
        async def use_case(service: OrderService) -> Told:
            return tell(await service.find(order_id))

        return await self.request(gateway, use_case)

    async def cancel(self, gateway: Gateway, order_id: str) -> Told:
        async def use_case(service: OrderService) -> Told:
            return tell(await service.cancel(order_id))

        return await self.request(gateway, use_case)


def menu(name: str, stock: dict[str, int], price: int, unlimited: Collection[str] = ()) -> Menu:
    """A menu of so many of each item; the first item costs `price`, the second one more, and so on."""
    items = {
        item: MenuItem(item, {"en": item}, price + n, count, item in unlimited)
        for n, (item, count) in enumerate(stock.items())
    }
    return Menu(name, {"en": name}, "Thing", items)


def _dearer(menu: Menu) -> Menu:
    return replace(menu, items={item.id: replace(item, price=item.price + 10) for item in menu.items.values()})


@cache
def _template(program: str) -> bytes:
    """A database with the program's tables, made by its real migrations, once."""
    package = {"gateway": gateway, "departments": departments}[program]
    assert package.__file__ is not None
    with tempfile.TemporaryDirectory(prefix="simulation-") as folder:
        path = Path(folder) / f"{program}.db"
        database = Database(f"sqlite:///{path}", program)
        database.prepare(Path(package.__file__).parent / "migrations" / "versions")
        database.close()
        return path.read_bytes()
