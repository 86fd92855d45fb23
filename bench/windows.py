"""One measured window: a load on a system, and what every process of it used meanwhile."""

import os
import re
import time
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage

import msgspec

from bench import processes, wrk
from bench.systems import System

_PLACED = re.compile(r"\] placed .*\borders=(\d+) transactions=(\d+)")
"""What a department of Comanda logs of its transactions, up to 0.1 s of them on a line."""


class Process(msgspec.Struct, frozen=True):
    """What one program used in a window; a database server counts as one program, its peak is its largest process's."""

    cpu_seconds: float
    written_bytes: int
    peak_bytes: int


class Window(msgspec.Struct, frozen=True):
    """What was seen of one system under one load. Latencies in milliseconds, by percentile.

    `disturbance` is the share of all CPU time that neither the system nor the benchmark had: other programs, another
    machine on the same hardware.
    """

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
    disturbance: float
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
        """Return how many orders went into a department's transaction on average; None where none is logged."""
        counts = [placed(_read_from(log, mark)) for log, mark in self._marks.items()]
        transactions = sum(count for _, count in counts)
        return sum(orders for orders, _ in counts) / transactions if transactions else None


class _Clock:
    """What the whole machine and the benchmark itself have used since it was made."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._machine, self._own = _machine_and_own()

    def disturbance(self, of_system: float) -> float:
        """Return the share of all CPU time that others had, given the CPU seconds that the system had."""
        machine, own = _machine_and_own()
        others = machine - self._machine - (own - self._own) - of_system
        return max(0.0, others / (time.monotonic() - self._begun) / (os.cpu_count() or 1))


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
    clock = _Clock()
    share = connections // len(system.gateways)
    running = [wrk.start(script, gateway.port, share, seconds) for gateway in system.gateways]
    load = wrk.together([wrk.finish(one) for one in running])
    seen = _used(system, before)
    disturbance = clock.disturbance(sum(process.cpu_seconds for process in seen.values()))
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
        processes=seen,
        mean_batch=mark.mean_batch(),
        disturbance=disturbance,
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


def _machine_and_own() -> tuple[float, float]:
    own = [getrusage(RUSAGE_SELF), getrusage(RUSAGE_CHILDREN)]
    stat = Path("/proc/stat").read_text()
    return processes.machine_seconds(stat), sum(usage.ru_utime + usage.ru_stime for usage in own)


def placed(text: str) -> tuple[int, int]:
    """Read from a department's log how many orders it placed, and in how many transactions."""
    found = [(int(line[1]), int(line[2])) for line in map(_PLACED.search, text.splitlines()) if line]
    return sum(orders for orders, _ in found), sum(transactions for _, transactions in found)


def _read_from(path: Path, mark: int) -> str:
    with path.open("rb") as file:
        file.seek(mark)
        return file.read().decode("utf-8", "replace")
