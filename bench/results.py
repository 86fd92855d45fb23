"""Everything one run has seen: what the JSON file holds, and what tables, plots and targets are derived from."""

from pathlib import Path

import msgspec

from bench.windows import Window


class OpenWindow(msgspec.Struct, frozen=True):
    """A load at a fixed rate. Milliseconds by percentile, from due to answered, and from due to sent."""

    system: str
    rate: float
    seconds: float
    asked: int
    orders: int
    latencies: dict[float, float]
    lateness: dict[float, float]
    generator_cpu_seconds: float


class Start(msgspec.Struct, frozen=True):
    """Seconds from the first program's start to the first good order; on new databases, or on those of before."""

    system: str
    seconds: float
    anew: bool


class Syncs(msgspec.Struct, frozen=True):
    """Calls of fsync and fdatasync by program, in a window in which strace looked on."""

    system: str
    connections: int
    orders: int
    seconds: float
    calls: dict[str, int]


class Recovery(msgspec.Struct, frozen=True):
    """Seconds from the start of all programs until nothing was owed any more, and what the audit said then."""

    unfinished: int
    seconds: float
    audit: str


class Sample(msgspec.Struct, frozen=True):
    """The memory of each program, in bytes, after so many orders."""

    orders: int
    resident: dict[str, int]


class Profile(msgspec.Struct, frozen=True):
    """Where one program's time goes: samples of who held the interpreter, by package, and by the busiest functions.

    In `looks - samples` looks nobody held it.
    """

    system: str
    program: str
    looks: int
    samples: int
    packages: dict[str, int]
    functions: dict[str, int]


class Live(msgspec.Struct, frozen=True):
    """Steps of the staff at a fixed rate, and clients of `/events`, in `seconds`; orders beside them where some came.

    Milliseconds by percentile, from the moment a step was due: until each client had its event, until the response,
    until it was sent. `missing` events did not reach their clients within 10 s; `lost` clients were left by the
    gateway. `client_bytes` is the gateway's memory for each client.
    """

    round: int
    clients: int
    seconds: float
    steps: int
    failed: int
    missing: int
    lost: int
    latencies: dict[float, float]
    responses: dict[float, float]
    lateness: dict[float, float]
    gateway_cpu_seconds: float
    clients_cpu_seconds: float
    client_bytes: float | None = None
    orders_rate: float = 0.0
    orders_asked: int = 0
    orders: int = 0


class Query(msgspec.Struct, frozen=True):
    """One query of a department among so many stored tickets: milliseconds by percentile, in its transaction."""

    name: str
    stored: int
    latencies: dict[float, float]


class Results(msgspec.Struct):
    """One run."""

    form: str
    began: str
    machine: dict[str, str]
    took_seconds: float = 0.0
    postgresql: dict[str, str] = {}
    missing: list[str] = []
    windows: list[Window] = []
    open_windows: list[OpenWindow] = []
    starts: list[Start] = []
    syncs: list[Syncs] = []
    recoveries: list[Recovery] = []
    endurance: list[Sample] = []
    profiles: list[Profile] = []
    live: list[Live] = []
    queries: list[Query] = []

    def of(self, section: str, system: str, connections: int, **parameters: float) -> list[Window]:
        """List the windows of one kind, by round."""
        return [
            window
            for window in self.windows
            if (window.section, window.system, window.connections) == (section, system, connections)
            and parameters.items() <= window.parameters.items()
        ]


def write_results(results: Results, path: Path) -> None:
    """Write a run as JSON."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=1) + b"\n")


def read_results(path: Path) -> Results:
    """Read a run."""
    return msgspec.json.decode(path.read_bytes(), type=Results)
