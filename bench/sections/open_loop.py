"""Fixed rates: shares of what the expert pattern sustains, for all, and of what Comanda does, for Comanda."""

import subprocess
import sys
from collections.abc import Iterator
from resource import RUSAGE_CHILDREN, getrusage

import msgspec

from bench.figures import rate, spread
from bench.openloop import OpenLoad
from bench.plan import Plan
from bench.programs import ROOT, ProgramFailed
from bench.results import OpenWindow
from bench.sections.comparison import SECTION as COMPARISON
from bench.stage import Stage
from bench.windows import measure

CONNECTIONS = 64
"""The load by which it is found what a system sustains."""

EXPERT = "async"
OWN = ("comanda-sqlite", "comanda-postgresql")


def windows(plan: Plan, names: tuple[str, ...]) -> int:
    """Count the windows."""
    return len(list(_pairs(names))) * len(plan.open_shares)


def run(stage: Stage) -> None:
    """Measure every system at one rate before the next."""
    for share in stage.plan.open_shares:
        for name, of in _pairs(stage.names):
            wanted = share * _sustained(stage, of)
            stage.show.say(f"{name}, {wanted:.0f} orders/s")
            stage.results.open_windows.append(_measure(stage, name, wanted))
            stage.show.advance()


def _pairs(names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """List who is measured at shares of whose rate."""
    for name in names:
        if EXPERT in names and name in (EXPERT, *OWN):
            yield name, EXPERT
        if OWN[0] in names and name in OWN:
            yield name, OWN[0]


def _sustained(stage: Stage, name: str) -> float:
    seen = spread(map(rate, stage.results.of(COMPARISON, name, CONNECTIONS)))
    if seen is None:
        window = measure(
            stage.system(name), stage.script, CONNECTIONS, stage.plan.seconds[CONNECTIONS], section=COMPARISON
        )
        stage.results.windows.append(window)
        return window.rate
    return seen.median


def _measure(stage: Stage, name: str, wanted: float) -> OpenWindow:
    system, seconds = stage.system(name), stage.plan.open_seconds
    system.settle()
    command = [sys.executable, "-m", "bench.openloop", "--port", str(system.port), "--body", stage.body]
    before = getrusage(RUSAGE_CHILDREN)
    done = subprocess.run(
        [*command, "--rate", str(wanted), "--seconds", str(seconds)], cwd=ROOT, stdout=subprocess.PIPE, check=True
    )
    after = getrusage(RUSAGE_CHILDREN)
    load = _read(done.stdout)
    return OpenWindow(
        system=name,
        rate=wanted,
        seconds=seconds,
        asked=load.asked,
        orders=load.orders,
        latencies=load.latencies,
        lateness=load.lateness,
        generator_cpu_seconds=after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
    )


def _read(output: bytes) -> OpenLoad:
    try:
        return msgspec.json.decode(output, type=OpenLoad)
    except msgspec.DecodeError as error:
        raise ProgramFailed(f"the open loop wrote {output!r}: {error}") from None
