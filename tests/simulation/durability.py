"""Whether an acknowledged batch is on the disk: by the pragmas in force, and by the system calls that are made.

`strace` watches a child that runs transactions through the product's own database and group commit and says
`acknowledged` after each. Between the write of a batch and its acknowledgement there has to be an fsync of the file
that was written.
"""

import asyncio
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

BATCHES = 20
_MARK = r'"acknowledged\n"'
_WRITE = re.compile(r"\b(?:pwrite64|pwritev2?|write|writev)\(\d+<([^>]+\.db(?:-wal|-journal)?)>")
_SYNC = re.compile(r"\b(?:fdatasync|fsync)\(\d+<([^>]+\.db(?:-wal|-journal)?)>\)\s+= 0")


def faults_of_pragmas() -> list[str]:
    """What is wrong with the pragmas of the connection that writes."""
    from infra.db.database import Database

    async def ask() -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as folder:
            database = Database(f"sqlite:///{folder}/pragmas.db", "pragmas")
            try:
                return await database.write(_pragmas)
            finally:
                database.close()

    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    found = asyncio.run(ask())
    return [f"{name} is {found[name]}, not {value}" for name, value in wanted.items() if found[name] != value]


def _pragmas(connection: Any) -> dict[str, Any]:
    names = ("journal_mode", "synchronous", "foreign_keys")
    return {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names}


def faults_of_postgresql(url: str) -> list[str]:
    """What is wrong with the settings of the connection that writes to PostgreSQL.

    The server's own are its operator's: the tests' server, from which nobody takes the power, has `fsync` off.
    """
    from infra.db.database import Database

    async def ask() -> dict[str, Any]:
        database = Database(url, "durability")
        try:
            return await database.write(_settings)
        finally:
            database.close()

    found = asyncio.run(ask())
    return [f"{name} is {value}, not on" for name, value in found.items() if value != "on"]


def _settings(connection: Any) -> dict[str, Any]:
    names = ("synchronous_commit", "full_page_writes")
    return {name: connection.exec_driver_sql(f"SHOW {name}").scalar() for name in names}


def faults_of_calls(lines: list[str]) -> list[str]:
    """What is wrong with a trace of system calls: acknowledgements of what was not written, or not synced."""
    faults, written, unsynced, acknowledged = [], False, set[str](), 0
    for line in lines:
        if _MARK in line:
            acknowledged += 1
            if not written:
                faults.append(f"batch {acknowledged} was acknowledged and nothing was written")
            if unsynced:
                faults.append(f"batch {acknowledged} was acknowledged before an fsync of {sorted(unsynced)}")
            written = False
        elif match := _WRITE.search(line):
            written = True
            unsynced.add(match[1])
        elif match := _SYNC.search(line):
            unsynced.discard(match[1])
    if acknowledged != BATCHES:
        faults.append(f"{acknowledged} batches were acknowledged, not {BATCHES}")
    return faults


def trace(folder: Path, program: str, plant: str = "") -> list[str]:
    """The system calls of a child that runs a program's transactions."""
    calls = "trace=write,writev,pwrite64,pwritev,pwritev2,fdatasync,fsync"
    output = folder / "calls.txt"
    child = [sys.executable, "-m", "tests.simulation.durability", program, str(folder), plant]
    assert shutil.which("strace"), "this test watches system calls; install strace: apt-get install strace"
    command = ["strace", "-f", "-y", "-o", str(output), "-e", calls, *child]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"strace {program} ended with {done.returncode}:\n{done.stderr}"
    return _joined(output.read_text().splitlines())


def _joined(lines: list[str]) -> list[str]:
    """Calls in the order in which they ended: one that was interrupted in the listing counts where it resumed."""
    begun: dict[str, str] = {}
    joined = []
    for line in lines:
        thread = line.split(maxsplit=1)[0]
        if "<unfinished ...>" in line:
            begun[thread] = line.split("<unfinished ...>")[0].rstrip()
        elif "resumed>" in line and thread in begun:
            joined.append(begun.pop(thread) + line.split("resumed>")[1])
        else:
            joined.append(line)
    return joined


async def _department(folder: Path) -> None:
    import departments
    from departments.app import DepartmentApp
    from departments.domain.placing import Placement, RequestedLine
    from infra.db.database import Database
    from tests.simulation.world import menu

    assert departments.__file__ is not None
    database = Database(f"sqlite:///{folder}/bar.db", "bar")
    database.prepare(Path(departments.__file__).parent / "migrations" / "versions")
    department = DepartmentApp(menu("bar", {"coffee": 1000}, 100), database)
    await department.open()
    _mark("ready")
    for number in range(BATCHES):
        await department.place([Placement(f"{number}-{n}", [RequestedLine("coffee", 1)]) for n in range(3)])
        _mark("acknowledged")
    database.close()


async def _gateway(folder: Path) -> None:
    import gateway
    from gateway.domain.currencies import Currency
    from gateway.domain.lines import Line
    from gateway.domain.order import Order, Policy
    from gateway.orders.journal import Journal
    from infra.db.database import Database

    assert gateway.__file__ is not None
    database = Database(f"sqlite:///{folder}/gateway.db", "gateway")
    database.prepare(Path(gateway.__file__).parent / "migrations" / "versions")
    journal = Journal(database)
    await journal.enlist()
    _mark("ready")
    for number in range(BATCHES):
        lines = [Line("bar", "coffee")]
        new = [Order.new(f"{number}-{n}", Policy.BEST_EFFORT, None, Currency("EUR"), lines, 0) for n in range(3)]
        await asyncio.gather(*map(journal.insert, new))
        _mark("acknowledged")
    database.close()


def _mark(word: str) -> None:
    os.write(2, f"{word}\n".encode())


if __name__ == "__main__":
    _, program, folder, plant = sys.argv
    if plant:
        from tests.simulation.planted import plant_now

        plant_now(plant)
    from tests.simulation.quiet import be_quiet

    be_quiet()
    asyncio.run({"department": _department, "gateway": _gateway}[program](Path(folder)))
