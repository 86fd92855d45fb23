"""How long it takes until all orders are decided that a crash has left, and whether they are decided rightly."""

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from bench import preload, systems
from bench.plan import Plan
from bench.programs import ROOT, ProgramFailed
from bench.results import Recovery
from bench.stage import Stage

SYSTEM = "comanda-sqlite"
GIVEN_UP_SECONDS = 60.0
LOOK_SECONDS = 0.02


def windows(plan: Plan, names: tuple[str, ...]) -> int:
    """Count the recoveries."""
    return 1 if plan.unfinished and SYSTEM in names else 0


def run(stage: Stage) -> None:
    """Start all programs on a journal that is full of unfinished orders."""
    if not windows(stage.plan, stage.names):
        return
    count = stage.plan.unfinished
    stage.show.say(f"{count} unfinished orders")
    folder = stage.new_folder()
    settings = systems.variables_of(folder, stage.menus)
    preload.migrate(settings)
    preload.unfinished(folder, stage.stations, count)
    system = systems.comanda(SYSTEM, folder, stage.menus)
    stage.keep("recovery", system)
    begun = time.monotonic()
    system.start()
    _wait_until_decided(folder / "gateway.db", begun + GIVEN_UP_SECONDS)
    seconds = time.monotonic() - begun
    stage.results.recoveries.append(Recovery(count, seconds, audit(settings)))
    stage.show.advance()


def audit(settings: Mapping[str, str]) -> str:
    """Let Comanda's own audit look at all databases; return its table. Raises ProgramFailed where it finds faults."""
    command = [sys.executable, "-m", "ops", "audit"]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **settings}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ProgramFailed(f"the audit ended with {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout.strip()


def _wait_until_decided(path: Path, deadline: float) -> None:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        while connection.execute("SELECT EXISTS (SELECT 1 FROM orders WHERE owed IS NOT NULL)").fetchone()[0]:
            if time.monotonic() > deadline:
                raise ProgramFailed(f"orders are still owed after {GIVEN_UP_SECONDS:g} s")
            time.sleep(LOOK_SECONDS)
