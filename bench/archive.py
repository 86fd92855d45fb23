"""Measures orders beside `python -m ops archive write`, on SQLite: `python -m bench.archive --stored 200000`.

Windows with and without the command take turns, so that both see the same machine.
"""

import argparse
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from bench import menus, preload, systems, wrk
from bench.programs import ROOT
from bench.windows import Window, measure

CONNECTIONS = 64
SECONDS = 5
OLD_MS = 100 * 86_400_000
"""How old the stored orders are."""

_SERVED = """
INSERT INTO ticket_states (restaurant, order_id, department, incarnation, revision, state, placed_at_ms, started_at_ms,
                           ready_at_ms, served_at_ms, cancelled_at_ms, moved_by, cancel_reason, withdrawn, settled)
SELECT restaurant, order_id, ?, 'preloaded', seq, 'served', created_at_ms, created_at_ms, created_at_ms, created_at_ms,
       0, 'preload', '', 0, 1
FROM orders
"""


def main() -> None:
    """Store old orders, put a load on the programs, and print the 99th percentile with and without archiving."""
    parser = argparse.ArgumentParser(prog="python -m bench.archive", description=__doc__.partition("\n")[0])
    parser.add_argument("--stored", type=int, default=200_000, help="old orders that may be archived")
    parser.add_argument("--rounds", type=int, default=4)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        stations = menus.stations(3)
        menus.write_menus(folder / "menus", stations)
        variables = systems.variables_of(folder / "data", folder / "menus")
        (folder / "data").mkdir()
        preload.migrate(variables)
        preload.finished(folder / "data", stations, arguments.stored)
        _age(folder / "data", [station.name for station in stations])
        script = folder / "order.lua"
        wrk.write_script(script, [menus.order_body(stations)])
        system = systems.comanda("comanda-sqlite", folder / "data", folder / "menus")
        system.start()
        try:
            system.wait_for_order(menus.order_body(stations), 3)
            wrk.finish(wrk.start(script, system.port, CONNECTIONS, 2))
            _compare(system, script, folder, variables, arguments.rounds)
        finally:
            system.stop()


def _age(data: Path, departments: list[str]) -> None:
    """Make the stored orders old, and served."""
    with closing(sqlite3.connect(data / "gateway.db")) as journal, journal:
        journal.execute("UPDATE orders SET created_at_ms = created_at_ms - ?", [OLD_MS])
        for name in departments:
            journal.execute(_SERVED, [name])
    for name in departments:
        with closing(sqlite3.connect(data / f"{name}.db")) as tickets, tickets:
            tickets.execute("UPDATE tickets SET placed_at_ms = placed_at_ms - ?, state = 'served'", [OLD_MS])


def _compare(system: systems.System, script: Path, folder: Path, variables: Mapping[str, str], rounds: int) -> None:
    alone, beside = [], []
    command = [sys.executable, "-m", "ops", "archive", "write", str(folder / "archive"), "--days", "50"]
    for number in range(rounds):
        alone.append(measure(system, script, CONNECTIONS, SECONDS, section="archive", round=number))
        with subprocess.Popen(command, cwd=ROOT, env={**os.environ, **variables}) as archiving:
            beside.append(measure(system, script, CONNECTIONS, SECONDS, section="archive", round=number))
            was_running = archiving.poll() is None
            archiving.terminate()
        print(f"{_show('alone', alone[-1])}   {_show('beside archiving', beside[-1])}")
        if not was_running:
            print("everything is archived: more --stored are needed for more rounds")
            break
    ratio = statistics.median(_p99(b) for b in beside) / statistics.median(_p99(a) for a in alone)
    print(f"p99 beside archiving / alone: {ratio:.2f}")


def _p99(window: Window) -> float:
    return window.latencies[99.0]


def _show(what: str, window: Window) -> str:
    return f"{what}: {window.rate:.0f} orders/s, p99 {_p99(window):.1f} ms, others {window.disturbance:.0%}"


if __name__ == "__main__":
    main()
