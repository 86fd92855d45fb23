"""The command `archive`."""

import argparse
import asyncio
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from gateway.domain.days import Calendar
from gateway.settings import GatewaySettings
from infra.errors import SettingsError, StartError
from infra.settings import read_settings
from ops.archive.archiver import Archiver
from ops.archive.files import key_of, read_archive
from ops.databases import opened_databases
from ops.printing import show, show_bytes

LEAST_DAYS = 30
"""Shorter than this nothing is kept: the numbers of open orders are looked up in the last 14 days."""

DAY_MS = 86_400_000

EPILOG = f"""
write FOLDER  archives orders that were finished, and tickets that were closed, more than COMANDA_KEEP_DAYS ago (at
              least {LEAST_DAYS}), into new files, and removes them from the databases. The programs may be running.
read FILE ... prints what is in files, one JSON object a line: {{"order": ...}} or {{"ticket": ...}}. What two files
              have, as an interrupted run may leave it, is printed once, from the later file.

exit code: 0 done, 2 it could not be done; what is not archived then stays in the databases
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = EPILOG
    parser.add_argument("action", choices=["write", "read"])
    parser.add_argument("path", nargs="+", metavar="FOLDER|FILE")
    parser.add_argument("--days", type=int, metavar="N", help="in place of COMANDA_KEEP_DAYS")


def run(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Archive, or print archives; returns 0."""
    if arguments.action == "read":
        _print([Path(path) for path in arguments.path])
        return 0
    folder = _folder_of(arguments.path)
    settings = read_settings(GatewaySettings, "gateway", environ)
    name, days = ("COMANDA_KEEP_DAYS", settings.keep_days) if arguments.days is None else ("--days", arguments.days)
    if days < LEAST_DAYS:
        raise SettingsError(
            f"{name} is {days}, so nothing is archived: {LEAST_DAYS} or more are allowed, or 0 to keep all"
        )
    now_ms = time.time_ns() // 1_000_000
    with opened_databases(environ) as (journal, departments):
        for database in (journal, *departments.values()):
            if database.file is not None and not database.file.exists():
                raise StartError(f"there is no database {database.file}")
        calendar = Calendar(settings.time_zone.zone)
        archiver = Archiver(journal, departments, folder, calendar, before_ms=now_ms - days * DAY_MS, now_ms=now_ms)
        archived = asyncio.run(archiver.archive())
    show(f"{archived.orders} orders and {archived.tickets} tickets are archived, in {archived.files} files")
    return 0


def _folder_of(paths: Sequence[str]) -> Path:
    """Return the folder to write into; raises StartError. An unset variable of a script is not the current folder."""
    if len(paths) > 1:
        raise StartError("`archive write` takes one folder")
    if not paths[0].strip():
        raise StartError("the folder of the archives has no name; give one, such as /srv/comanda-archive")
    return Path(paths[0]).expanduser()


def _print(paths: list[Path]) -> None:
    """Print each record once, from the file that was made last; raises StartError for a damaged file."""
    latest: dict[tuple[str, str, str], tuple[int, int]] = {}
    for number, path in enumerate(paths):
        header, records = read_archive(path)
        for record in records:
            key, place = key_of(header, record), (header.made_at_ms, number)
            latest[key] = max(latest.get(key, place), place)
    for number, path in enumerate(paths):
        header, records = read_archive(path)
        lines = [record for record in records if latest[key_of(header, record)] == (header.made_at_ms, number)]
        show_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
