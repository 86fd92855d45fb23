"""One measured window: a load on a system, and what every process of it used meanwhile."""

import re
from pathlib import Path

import msgspec

from bench import processes, wrk
from bench.systems import System

_PLACED = re.compile(r"\] placed .*\borders=(\d+)")
"""What a department of Comanda logs of each transaction."""


class Process(msgspec.Struct, frozen=True):
    """What one program used in a window; a database server counts as one program, its peak is its largest process's."""

    cpu_seconds: float
    written_bytes: int
    peak_bytes: int


class Window(msgspec.Struct, frozen=True):
    """What was seen of one system under one load. Latencies in milliseconds, by percentile."""

    system: str
    section: str
    round: int
    connections: int
    orders: int
    seconds: float
    steady_orders: int
    steady_seconds: float
    latencies: dict[float, float]
    errors: dict[str, int]
    processes: dict[str, Process]
    mean_batch: float | None
    parameters: dict[str, float] = {}

    @property
    def rate(self) -> float:
        """Orders per second, once the load was steady."""
        return self.steady_orders / self.steady_seconds


class LogMark:
    """Places in the departments' logs; what is logged from here on is counted."""

    def __init__(self, system: System) -> None:
        """Mark where the logs end now."""
        self._marks = {p.log: p.log.stat().st_size for p in system.departments if p.log.exists()}

    def mean_batch(self) -> float | None:
        """Answer how many orders went into a department's transaction on average; None where none is logged."""
        sizes = [size for log, mark in self._marks.items() for size in batches(_read_from(log, mark))]
        return sum(sizes) / len(sizes) if sizes else None


def measure(
    system: System,
    script: Path,
    connections: int,
    seconds: int,
    *,
    section: str,
    round: int = 0,  # noqa: A002 - as the window's field is called
    **parameters: float,
) -> Window:
    """Put a load on a system, once it has nothing else to do; each of its gateways has its share of the connections."""
    system.settle()
    mark, before = _begin(system)
    share = connections // len(system.gateways)
    running = [wrk.start(script, gateway.port, share, seconds) for gateway in system.gateways]
    load = wrk.together([wrk.finish(one) for one in running])
    return Window(
        system=system.name,
        section=section,
        round=round,
        connections=connections,
        orders=load.orders,
        seconds=load.seconds,
        steady_orders=load.steady_orders,
        steady_seconds=load.steady_seconds,
        latencies=load.latencies,
        errors=load.errors,
        processes=_used(system, before),
        mean_batch=mark.mean_batch(),
        parameters=parameters,
    )


def _begin(system: System) -> tuple[LogMark, dict[str, processes.Usage]]:
    running = system.processes()
    for pids in running.values():
        processes.forget_peaks(pids)
    return LogMark(system), processes.usages(running)


def _used(system: System, before: dict[str, processes.Usage]) -> dict[str, Process]:
    running = system.processes()
    after = processes.usages(running)
    return {
        name: Process(
            after[name].cpu_seconds - before[name].cpu_seconds,
            after[name].written_bytes - before[name].written_bytes,
            processes.peak_bytes(pids),
        )
        for name, pids in running.items()
    }


def batches(text: str) -> list[int]:
    """Read from a department's log how many orders went into each of its transactions."""
    return [int(found[1]) for found in map(_PLACED.search, text.splitlines()) if found]


def _read_from(path: Path, mark: int) -> str:
    with path.open("rb") as file:
        file.seek(mark)
        return file.read().decode("utf-8", "replace")
