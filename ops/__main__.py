"""`python -m ops up | migrate | audit | backup | restore | renew | settle | settings`."""

import signal

from infra.interrupts import INTERRUPTED, has_held_any, hold_interrupts, release_interrupts

if __name__ == "__main__":
    hold_interrupts(signal.SIGINT, signal.SIGTERM)

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from departments.menu_file import SHIPPED, menu_files, read_menu
from departments.settings import DepartmentSettings
from gateway.settings import GatewaySettings
from infra.errors import DatabaseError, StartError
from infra.logs import configure_logs
from infra.setting_names import GATEWAY, refuse_unknown_names
from infra.settings import read_settings

# What a command needs besides is imported by it: `up` stays as long as the house runs, and needs none of it.
if TYPE_CHECKING:
    from infra.db.database import Database
    from ops.audit.auditor import Report
    from ops.settle import Settler, Stray

AUDIT = """
The audit reads, changes and locks nothing, and may run while orders are taken. Its table has a column for each promise:

  lost       acknowledged or accepted, and a department or the journal does not have it so
  doubled    being made, and nobody asked for it, or not so much of it
  oversold   more of an item is on tickets than there ever was
  half       all or nothing, and only a part of it is made, or held
  stock law  an item's figures are not what its tickets say
  undecided  not wrong: still owed to a department that is busy, or cannot be reached
  withdrawn  not wrong: accepted, and then cancelled by the department's staff

Below the table stands what is behind each figure, and what is not known: orders and tickets that cannot be read, and
open orders of a department whose menu file is missing, so that its database could not be looked at.

FILE has a JSON line for each answer that a client received, and one before each cancel that it asked for:
{"order_id": ..., "answer": <the order>} and {"order_id": ..., "cancel": true}.

exit code: 0 all is right, 1 something is wrong, 2 it could not be found out, or not of everything
"""

SETTLE = """
Without --yes nothing is changed, and the house may be at work. exit code: 0 nothing is left that could be cancelled,
1 something is, 2 it could not be done
"""


def main() -> None:
    """Run a command; what keeps it from running is one line and exit code 2."""
    parser = argparse.ArgumentParser(prog="python -m ops")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, run in (("up", up), ("migrate", migrate), ("renew", renew), ("settings", settings)):
        commands.add_parser(name, help=run.__doc__).set_defaults(run=run)
    auditing = commands.add_parser(
        "audit",
        help=audit.__doc__,
        description=audit.__doc__,
        epilog=AUDIT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    auditing.add_argument("--acknowledged", type=Path, metavar="FILE", help="a client's journal of answers, JSON lines")
    auditing.set_defaults(run=audit)
    for name, command, place in (("backup", backup, "a new or empty folder"), ("restore", restore, "where they are")):
        copying = commands.add_parser(name, help=command.__doc__, description=command.__doc__)
        copying.add_argument("folder", help=f"{place}: one file for each database")
        copying.set_defaults(run=command)
    settling = commands.add_parser("settle", help=settle.__doc__, description=settle.__doc__, epilog=SETTLE)
    settling.add_argument("--yes", action="store_true", help="cancel what has not been started, of a house at rest")
    settling.add_argument("--older-than", type=float, metavar="SECONDS", help="default: 60")
    settling.set_defaults(run=settle)
    arguments = vars(parser.parse_args())
    sys.exit(_run(**arguments))


def _run(command: str, run: Callable[..., int], **arguments: object) -> int:
    """Run a command; returns its exit code."""
    configure_logs("house", "warning", "console")
    try:
        if command != "up":
            release_interrupts()
        refuse_unknown_names(os.environ)
        code = run(**arguments)
        tell("", end="")
    except (StartError, DatabaseError) as error:
        print(f"house: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return INTERRUPTED
    return code


def tell(text: str, end: str = "\n") -> None:
    """Print; where nobody reads any more (`just audit | head`), go on without."""
    try:
        print(text, end=end, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def up() -> int:
    """Run a department for each menu and the gateway, until Ctrl-C or SIGTERM."""
    from ops.procfile import plan
    from ops.up import run_up

    folder = read_settings(DepartmentSettings, "", os.environ).menus
    house = plan(Path(folder) if folder else SHIPPED, os.environ)
    style = read_settings(GatewaySettings, "", os.environ).log_format
    return asyncio.run(run_up(house, os.environ, style, is_stopped=has_held_any))


def migrate() -> int:
    """Bring every database up to date."""
    journal, departments = _databases()
    for database in (journal, *departments.values()):
        _prepare(database)
        tell(f"{database} ({database.schema}) is up to date")
        database.close()
    return 0


def audit(acknowledged: Path | None) -> int:
    """Compare journal, orders, tickets and stock across all databases, of a house at work or at rest."""
    from ops.audit.auditor import Acknowledged, Auditor

    with ExitStack() as opened:
        journal, departments = _databases(read_only=True)
        for database in (journal, *departments.values()):
            opened.callback(database.close)
        told = Acknowledged(acknowledged) if acknowledged else None
        progress = _show_progress if sys.stderr.isatty() else None
        report = asyncio.run(Auditor(journal, departments, told, progress=progress).audit())
    tell(report.table())
    if not report.is_right:
        return 1
    return 0 if report.is_complete else 2


def _show_progress(report: "Report") -> None:
    print(f"\r{report.orders} orders, {report.tickets} tickets", end="\r", file=sys.stderr, flush=True)


def backup(folder: str) -> int:
    """Copy every SQLite database into a new folder, of a house at work or at rest."""
    from ops.backup import back_up

    back_up(_files(), _folder(folder), tell)
    return 0


def restore(folder: str) -> int:
    """Put the copies in a folder back, of a house at rest; what was there is kept beside them."""
    from ops.renew import renew_copy
    from ops.restore import restore

    restore(_files(), _folder(folder), tell, renew_copy)
    return 0


def renew() -> int:
    """Void positions in departments' tickets after a restore by PostgreSQL's own tools; `restore` does it itself."""
    from ops.renew import renew_all

    with ExitStack() as opened:
        journal, departments = _databases()
        for database in (journal, *departments.values()):
            opened.callback(database.close)
        for database in departments.values():
            _prepare(database)
        asyncio.run(renew_all(departments, tell))
    return 0


def _folder(name: str) -> Path:
    if not name.strip():
        raise StartError("the folder of the copies has no name; give one, such as /var/backups/comanda/monday")
    return Path(name).expanduser()


def settle(yes: bool, older_than: float | None) -> int:
    """List tickets whose orders the journal does not know, as a restored backup may leave them, or cancel them."""
    from ops.settle import MOMENT_SECONDS, Settler

    with ExitStack() as opened:
        journal, departments = _databases(read_only=not yes)
        for database in (journal, *departments.values()):
            opened.callback(database.close)
            if yes:
                _prepare(database)
        older_than = MOMENT_SECONDS if older_than is None else older_than
        settler = Settler(journal, departments, clock=time.time, older_than=older_than)
        if yes:
            done = asyncio.run(settler.settle())
            left = done.left
            _show("cancelled, and the stock is put back", done.cancelled)
        else:
            left = asyncio.run(_gather(settler))
            _show("not started; `settle --yes` cancels them", [stray for stray in left if not stray.is_started])
        _show("started: people have to decide", [stray for stray in left if stray.is_started])
    return 1 if any(not stray.is_started for stray in left) else 0


async def _gather(settler: "Settler") -> "list[Stray]":
    return [stray async for stray in settler.strays()]


def _show(what: str, strays: "Sequence[Stray]") -> None:
    tell(f"{len(strays)} tickets without an order are {what}")
    for stray in strays:
        tell(f"  {stray}")


def _prepare(database: "Database") -> None:
    """Take a database for this process, and bring its tables up to date."""
    from departments.storage import MIGRATIONS as OF_DEPARTMENTS
    from gateway.storage import MIGRATIONS as OF_GATEWAY

    database.prepare(OF_GATEWAY if database.schema == GATEWAY else OF_DEPARTMENTS)


def _databases(*, read_only: bool = False) -> "tuple[Database, dict[str, Database]]":
    """Open the journal, and each department's database."""
    from departments import storage
    from gateway.storage import open_database

    journal = open_database(read_settings(GatewaySettings, "gateway", os.environ), read_only=read_only)
    departments = {}
    for path in menu_files(storage.menu_folder(os.environ)):
        menu = read_menu(path)
        own = read_settings(DepartmentSettings, menu.name, os.environ)
        departments[menu.name] = storage.open_database(menu, own, read_only=read_only)
    return journal, departments


def _files() -> dict[str, Path]:
    """Name the files of all databases, the journal's first; raises StartError where one is no file."""
    journal, departments = _databases()
    files = {}
    for name, database in {"gateway": journal, **departments}.items():
        if database.file is None:
            raise StartError(f"{database} is not a file; PostgreSQL's own pg_dump and pg_restore copy it")
        files[name] = database.file
        database.close()
    return files


def settings() -> int:
    """Print the manual of all settings."""
    from ops.settings_page import manual

    tell(manual(), end="")
    return 0


if __name__ == "__main__":
    main()
