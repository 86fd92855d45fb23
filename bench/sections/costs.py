"""How often the durable systems ask the disk to hold still: fsync and fdatasync, counted by strace.

In windows of their own: strace stops a program at each of its calls to the system, so no speed is read here.
"""

import shutil
import signal
import subprocess
import time
from pathlib import Path

from bench import wrk
from bench.plan import DURABLE, Plan
from bench.results import Syncs
from bench.stage import Stage

CONNECTIONS = 64
ATTACH_SECONDS = 0.3


def windows(_plan: Plan, names: tuple[str, ...]) -> int:
    """Count the windows."""
    return len([name for name in DURABLE if name in names])


def run(stage: Stage) -> None:
    """Count, where there is an strace."""
    if shutil.which("strace") is None:
        stage.results.missing.append("fsyncs are not counted: there is no strace (apt install strace)")
        return
    for name in DURABLE:
        if name in stage.names:
            stage.show.say(f"{name}, {CONNECTIONS} connections, under strace")
            stage.results.syncs.append(_count(stage, name))
            stage.show.advance()


def _count(stage: Stage, name: str) -> Syncs:
    system = stage.system(name)
    system.settle()
    counters = {program: _Counter(stage.folder / program, pids) for program, pids in system.processes().items()}
    time.sleep(ATTACH_SECONDS)
    load = wrk.finish(wrk.start(stage.script, system.port, CONNECTIONS, stage.plan.cost_seconds))
    calls = {program: counter.stop() for program, counter in counters.items()}
    return Syncs(name, CONNECTIONS, load.orders, load.seconds, calls)


class _Counter:
    """An strace that looks on at one program."""

    def __init__(self, path: Path, pids: list[int]) -> None:
        self._table = path.with_suffix(".strace")
        command = ["strace", "-f", "-c", "-U", "name,calls", "-e", "trace=fsync,fdatasync", "-o", str(self._table)]
        for pid in pids:
            command += ["-p", str(pid)]
        self._strace = subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)

    def stop(self) -> int:
        self._strace.send_signal(signal.SIGINT)
        self._strace.wait()
        return total_calls(self._table.read_text())


def total_calls(table: str) -> int:
    """Add up the calls in a table of strace's with the columns name and calls; it is empty where there were none."""
    rows = [line.split() for line in table.splitlines()]
    return sum(int(row[1]) for row in rows if len(row) == 2 and row[0] in ("fsync", "fdatasync"))
