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


def main() -> None:
    """Generate orders of one line for each of three departments, audit them, and print time and memory."""
    parser = argparse.ArgumentParser(prog="python -m bench.audit", description=__doc__)
    parser.add_argument("--tickets", type=int, default=1_000_000, help="of all departments together")
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


if __name__ == "__main__":
    main()
