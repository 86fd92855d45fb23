"""Measures `python -m ops audit` on generated databases: `python -m bench.audit --tickets 1000000`."""

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench import menus, preload, systems
from bench.programs import ROOT

DEPARTMENTS = 3

_OWN_NOTE = """lines = replace(lines, '"note":""', '"note":"for number ' || number || '"')"""
"""What makes the lines of each order, and of its tickets, different from those of every other."""

_SERVED = f"""
UPDATE tickets SET {_OWN_NOTE}, moved_by = 'preload', moved_at_ms = placed_at_ms, started_at_ms = placed_at_ms,
                   ready_at_ms = placed_at_ms, served_at_ms = placed_at_ms
WHERE state = 'served'
"""
_NOT_SERVED = f"UPDATE tickets SET {_OWN_NOTE} WHERE state <> 'served'"

_FOLLOWED = """
INSERT INTO ticket_states (restaurant, order_id, department, incarnation, revision, state, placed_at_ms, started_at_ms,
                           ready_at_ms, served_at_ms, cancelled_at_ms, moved_by, cancel_reason, withdrawn, settled)
SELECT restaurant, order_id, department, incarnation, seq, 'served', created_at_ms, created_at_ms, created_at_ms,
       created_at_ms, 0, 'preload', '', 0, 1
FROM orders JOIN watch_positions USING (restaurant) WHERE seq <= revision - ?
ORDER BY order_id, department
"""


def main() -> None:
    """Generate orders of one line for each of three departments, audit them, and print time and memory."""
    parser = argparse.ArgumentParser(prog="python -m bench.audit", description=__doc__)
    parser.add_argument("--tickets", type=int, default=1_000_000, help="of all departments together")
    parser.add_argument(
        "--varied", action="store_true", help="no two orders are alike, and the staff have served them, as in a year"
    )
    parser.add_argument("--folder", type=Path, help="where the databases are made, and kept for the next run")
    arguments = parser.parse_args()
    folder = arguments.folder or Path(tempfile.mkdtemp())
    stations = menus.stations(DEPARTMENTS)
    menu_folder = folder / "menus"
    settings = systems.variables_of(folder, menu_folder)
    if not menu_folder.exists():
        menus.write_menus(menu_folder, stations)
        preload.migrate(settings)
        preload.finished(folder, stations, arguments.tickets // DEPARTMENTS)
        if arguments.varied:
            _vary(folder, [station.name for station in stations], arguments.tickets // DEPARTMENTS)
    began = time.perf_counter()
    command = [sys.executable, "-m", "ops", "audit"]
    code = subprocess.run(command, cwd=ROOT, env={**os.environ, **settings}, check=False).returncode
    seconds = time.perf_counter() - began
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(
        f"exit code {code}, {seconds:.1f} s, {used.ru_utime + used.ru_stime:.1f} s of CPU, {used.ru_maxrss // 1024} MB"
    )
    if arguments.folder is None:
        shutil.rmtree(folder)


def _vary(folder: Path, departments: list[str], orders: int) -> None:
    """Give each order a note of its own, and let the staff have served all but the newest, as the gateway knows."""
    for name in departments:
        with preload.filling(folder / f"{name}.db") as tickets:
            tickets.execute(_SERVED)
            tickets.execute(_NOT_SERVED)
    with preload.filling(folder / "gateway.db") as journal:
        journal.execute(f"UPDATE orders SET {_OWN_NOTE}")
        positions = [(name, orders) for name in departments]
        journal.executemany("INSERT INTO watch_positions VALUES ('main', ?, 'preloaded', ?)", positions)
        journal.execute(_FOLLOWED, [preload.QUEUED])


if __name__ == "__main__":
    main()
