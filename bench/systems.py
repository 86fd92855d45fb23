"""What is measured: how each system is started, and which processes it is made of."""

import http.client
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from bench import processes
from bench.postgresql import Server
from bench.programs import KEY, PRODUCT, Program, ProgramFailed, free_ports

START_SECONDS = 60.0
LOOK_SECONDS = 0.01
SETTLED = 0.02
"""CPU seconds in a tenth of a second below which a system has nothing left to do."""
SETTLE_SECONDS = 8.0

GOOD = frozenset({"accepted", "Delivery!"})


class NotTheSame(Exception):
    """A system does not answer an order as all have to; the message has its answer."""


class _Line(msgspec.Struct):
    outcome: str


class _Answer(msgspec.Struct):
    lines: list[_Line]


@dataclass
class System:
    """Programs that take orders together: departments first, then gateways."""

    name: str
    departments: list[Program]
    gateways: list[Program]
    server: Server | None = None
    start_seconds: float = field(default=0.0, init=False)

    @property
    def port(self) -> int:
        """Where orders are placed."""
        return self.gateways[0].port

    @property
    def programs(self) -> list[Program]:
        """All programs of its own; a database server is not among them."""
        return [*self.departments, *self.gateways]

    def processes(self) -> dict[str, list[int]]:
        """List the processes of each program, and of the database server."""
        own = {program.name: [program.pid] for program in self.programs}
        return own | ({"postgresql": self.server.pids()} if self.server else {})

    def start(self) -> None:
        """Start everything at once, and wait until every gateway listens and all departments do."""
        begun = time.monotonic()
        for program in self.programs:
            program.start()
        for program in self.programs:
            _wait(program.accepts, f"{program.name} of {self.name} listens")
        self.start_seconds = time.monotonic() - begun

    def wait_for_order(self, body: str, lines: int) -> None:
        """Wait until every gateway answers an order as it should; raises NotTheSame."""
        begun = time.monotonic() - self.start_seconds
        for gateway in self.gateways:
            _wait(lambda gateway=gateway: self._is_ready(gateway), f"{self.name} is ready")  # type: ignore[misc]
            check_answer(self.name, gateway.port, body, lines)
        self.start_seconds = time.monotonic() - begun

    def settle(self) -> None:
        """Wait until what an earlier load left is done."""
        deadline = time.monotonic() + SETTLE_SECONDS
        pids = [pid for own in self.processes().values() for pid in own]
        while time.monotonic() < deadline:
            before = processes.usage(pids).cpu_seconds
            time.sleep(0.1)
            if processes.usage(pids).cpu_seconds - before <= SETTLED:
                return

    def stop(self) -> None:
        """End everything, gateways first."""
        for program in reversed(self.programs):
            program.stop()

    def _is_ready(self, gateway: Program) -> bool:
        if not self.name.startswith("comanda"):
            return True
        gateway.pid  # noqa: B018 - raises
        return _status(gateway.port, "GET", "/health/ready", None)[0] == 200


def check_answer(name: str, port: int, body: str, lines: int) -> None:
    """Place an order; raises NotTheSame unless it gets 201 with every line accepted."""
    status, text = _status(port, "POST", "/orders", body)
    with suppress(msgspec.DecodeError):
        outcomes = [line.outcome for line in msgspec.json.decode(text, type=_Answer).lines]
        if status == 201 and len(outcomes) == lines and GOOD.issuperset(outcomes):
            return
    raise NotTheSame(f"{name} answers {status}: {text.decode('utf-8', 'replace')[:500]}")


@dataclass(frozen=True, slots=True)
class Peer:
    """A system of `bench.peers`: its gateway's and its departments' modules, and whether they keep files."""

    gateway: str
    department: str | None = None
    durable: bool = False


PEERS = {
    "blocking": Peer("blocking_gateway", "blocking_department"),
    "async": Peer("async_gateway", "async_department"),
    "async-durable": Peer("durable_gateway", "durable_department", durable=True),
    "floor": Peer("floor"),
}


def peer(name: str, folder: Path, menus: Path, contracts: Path) -> System:
    """Put a peer together, with its files in a new folder."""
    folder.mkdir(parents=True)
    kind = PEERS[name]
    names = ["bar", "kitchen", "bakery"] if kind.department else []
    ports = dict(zip([*names, "gateway"], free_ports(len(names) + 1), strict=True))

    def program(of: str, module: str, more: Sequence[str]) -> Program:
        arguments = ["-m", f"bench.peers.{module}", "--port", str(ports[of])]
        if kind.durable:
            arguments += ["--database", str(folder / f"{of}.db")]
        return Program(of, [*arguments, *more], {"PYTHONPATH": str(contracts)}, ports[of], folder / f"{of}.log")

    departments = [program(n, kind.department or "", [str(menus / f"{n}.toml")]) for n in names]
    gateway = program("gateway", kind.gateway, [f"{n}=127.0.0.1:{ports[n]}" for n in names])
    return System(name, departments, [gateway])


def comanda(name: str, folder: Path, menus: Path, *, server: Server | None = None, gateways: int = 1) -> System:
    """Put a Comanda together for the menus of a folder, on SQLite files in a folder or on a PostgreSQL server."""
    folder.mkdir(parents=True, exist_ok=True)
    names = sorted(path.stem for path in menus.glob("*.toml"))
    ports = free_ports(len(names) + gateways)
    places = dict(zip(names, ports, strict=False))
    variables = {
        "COMANDA_FIRST_KEY": KEY,
        "COMANDA_HOME": str(folder),
        "COMANDA_MENUS": str(menus),
        "COMANDA_METRICS_PORT": "0",  # one derived from a program's own port might be another's
        "COMANDA_DEPARTMENTS": ",".join(f"{n}=127.0.0.1:{port}" for n, port in places.items()),
    }
    if server is not None:
        variables["COMANDA_DATABASE_URL"] = server.new_database()

    def program(of: str, arguments: Sequence[str], port: int) -> Program:
        own = variables | {"COMANDA_PORT": str(port)}
        return Program(of, ["-m", *arguments], own, port, folder / f"{of}.log", PRODUCT)

    departments = [program(n, ["departments", n], port) for n, port in places.items()]
    gates = [
        program("gateway" if gateways == 1 else f"gateway {number}", ["gateway"], port)
        for number, port in enumerate(ports[len(names) :], start=1)
    ]
    return System(name, departments, gates, server)


def variables_of(folder: Path, menus: Path) -> Mapping[str, str]:
    """Return the settings under which `python -m ops` finds a Comanda on SQLite."""
    return {"COMANDA_HOME": str(folder), "COMANDA_MENUS": str(menus)}


def _status(port: int, method: str, path: str, body: str | None) -> tuple[int, bytes]:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=START_SECONDS)) as connection:
        connection.request(method, path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, response.read()


def _wait(fact: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not fact():
        if time.monotonic() > deadline:
            raise ProgramFailed(f"not within {START_SECONDS:g} s: {what}")
        time.sleep(LOOK_SECONDS)
