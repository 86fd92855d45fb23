"""`python -m house up | migrate | audit | settings`."""

import argparse
import asyncio
import os
import sys
import tempfile
from pathlib import Path

from departments import __main__ as department
from departments.menu_file import menu_files, read_menu
from departments.settings import DepartmentSettings
from gateway import __main__ as gateway
from gateway.settings import GatewaySettings
from house.audit import Acknowledged, Auditor
from house.manual import manual
from house.procfile import plan
from plumbing.errors import DatabaseError, StartError
from plumbing.settings import read_settings


def main() -> None:
    """Run a command; what keeps it from running is one line and exit code 2."""
    parser = argparse.ArgumentParser(prog="python -m house")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, run in (("up", up), ("migrate", migrate), ("settings", settings)):
        commands.add_parser(name, help=run.__doc__).set_defaults(run=run)
    auditing = commands.add_parser("audit", help=audit.__doc__)
    auditing.add_argument("--acknowledged", type=Path, metavar="FILE", help="a client's journal of answers, JSON lines")
    auditing.set_defaults(run=audit)
    arguments = vars(parser.parse_args())
    del arguments["command"]
    try:
        arguments.pop("run")(**arguments)
    except (StartError, DatabaseError) as error:
        print(f"house: {error}", file=sys.stderr)
        sys.exit(2)


def up() -> None:
    """Run a department for each menu and the gateway, until Ctrl-C or SIGTERM; never returns."""
    house = plan(department.menu_folder(), os.environ)
    procfile = tempfile.TemporaryFile("w")  # noqa: SIM115 - honcho reads it, and nothing is left of it afterwards
    procfile.write(house.procfile)
    procfile.seek(0)
    os.set_inheritable(procfile.fileno(), True)
    source = f"/dev/fd/{procfile.fileno()}"
    honcho = [sys.executable, "-m", "honcho", "-d", str(Path.cwd()), "-f", source, "-e", os.devnull, "start"]
    os.execve(sys.executable, honcho, {**os.environ, **house.variables, "PYTHONUNBUFFERED": "1"})  # noqa: S606 - becomes honcho


def migrate() -> None:
    """Bring every database up to date."""
    databases = [(gateway.open_database(read_settings(GatewaySettings, "gateway", os.environ)), gateway.MIGRATIONS)]
    for path in menu_files(department.menu_folder()):
        menu = read_menu(path)
        own = read_settings(DepartmentSettings, menu.name, os.environ)
        databases.append((department.open_database(menu, own), department.MIGRATIONS))
    for database, migrations in databases:
        database.prepare(migrations)
        print(f"{database} ({database.schema}) is up to date")
        database.close()


def audit(acknowledged: Path | None) -> None:
    """Compare journal, orders, tickets and stock across all databases, of a house at work or at rest; 1 if wrong."""
    databases = {
        "gateway": gateway.open_database(read_settings(GatewaySettings, "gateway", os.environ), read_only=True)
    }
    for path in menu_files(department.menu_folder()):
        menu = read_menu(path)
        own = read_settings(DepartmentSettings, menu.name, os.environ)
        databases[menu.name] = department.open_database(menu, own, read_only=True)
    journal = databases.pop("gateway")
    auditor = Auditor(journal, databases, Acknowledged(acknowledged) if acknowledged else None)
    try:
        report = asyncio.run(auditor.audit())
    finally:
        for database in (journal, *databases.values()):
            database.close()
    print(report.table())
    if not report.is_right:
        sys.exit(1)


def settings() -> None:
    """Print the manual of all settings."""
    print(manual(), end="")


if __name__ == "__main__":
    main()
