"""How much is measured, in each form."""

from collections.abc import Mapping
from dataclasses import dataclass

SYSTEMS = ("comanda-sqlite", "comanda-postgresql", "blocking", "async", "async-durable", "floor")
DURABLE = ("comanda-sqlite", "comanda-postgresql", "async-durable")

ABOUT = {
    "comanda-sqlite": "(a) Comanda on SQLite",
    "comanda-postgresql": "(b) Comanda on PostgreSQL",
    "blocking": "(c) FastAPI, blocking grpcio, a channel for each call, calls in a row, stock in a dict",
    "async": "(d) FastAPI, grpc.aio, channels kept, calls at once, stock in a dict",
    "async-durable": "(e) as (d), each order and each stock change committed to SQLite",
    "floor": "(f) a Litestar endpoint that parses and answers, calling nothing",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """One form of the benchmark. Seconds are those of one window, whole ones for wrk; tuples are what is varied.

    `seconds` are by connections: the more there are, the longer until each has been answered a few times.
    """

    form: str
    connections: tuple[int, ...]
    many_connections: tuple[int, ...]
    rounds: int
    many_rounds: int
    seconds: Mapping[int, int]
    open_seconds: float
    open_shares: tuple[float, ...]
    cost_seconds: int
    growth_rounds: int
    growth_seconds: int
    stored: tuple[int, ...]
    departments: tuple[int, ...]
    lines: tuple[int, ...]
    gateways: tuple[int, ...]
    unfinished: int
    starts: int
    profile_seconds: int
    endurance_orders: int
    endurance_seconds: int
    live_clients: tuple[int, ...]
    live_rounds: int
    live_seconds: float
    live_order_rounds: int
    live_order_seconds: int
    query_stored: tuple[int, ...]
    query_repeats: int


QUICK = Plan(
    form="quick",
    connections=(1, 64, 256),
    many_connections=(),
    rounds=2,
    many_rounds=0,
    seconds={1: 1, 64: 1, 256: 1},
    open_seconds=3,
    open_shares=(0.5,),
    cost_seconds=2,
    growth_rounds=1,
    growth_seconds=2,
    stored=(0, 100_000),
    departments=(),
    lines=(),
    gateways=(),
    unfinished=10_000,
    starts=0,
    profile_seconds=0,
    endurance_orders=0,
    endurance_seconds=0,
    live_clients=(50, 500, 1000),
    live_rounds=1,
    live_seconds=4,
    live_order_rounds=2,
    live_order_seconds=2,
    query_stored=(0, 1_000_000),
    query_repeats=100,
)

FULL = Plan(
    form="full",
    connections=(1, 16, 64, 256),
    many_connections=(1024,),
    rounds=5,
    many_rounds=3,
    seconds={1: 2, 16: 2, 64: 3, 256: 5, 1024: 6},
    open_seconds=6,
    open_shares=(0.25, 0.5, 0.75),
    cost_seconds=4,
    growth_rounds=3,
    growth_seconds=3,
    stored=(0, 100_000, 1_000_000),
    departments=(3, 10, 30),
    lines=(1, 3, 20),
    gateways=(1, 2, 4),
    unfinished=10_000,
    starts=3,
    profile_seconds=6,
    endurance_orders=1_000_000,
    endurance_seconds=300,
    live_clients=(50, 500, 1000),
    live_rounds=3,
    live_seconds=10,
    live_order_rounds=5,
    live_order_seconds=4,
    query_stored=(0, 100_000, 1_000_000),
    query_repeats=300,
)
