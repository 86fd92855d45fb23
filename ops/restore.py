"""The command `restore`: puts copies of SQLite databases back while no program runs, all of them or none.

    1  copy     every copy is written beside its database, checked, and on disk
    2  mark     every database is marked: from here on no program starts on any of them
    3  replace  each database is moved aside, and its copy takes its place
    4  unmark   the marks are removed

A crash in 1 changes nothing. After one in 2, 3 or 4 the programs refuse to start, and the same command, given once
more, finishes what it began.
"""

import argparse
import shutil
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path

from infra.db.sqlite_files import lock_file, make_private, restore_marker
from ops.backup import check_copy, folder_of, now, place, refuse_own_place, sync, unfinished_copy, writing
from ops.databases import database_files
from ops.printing import Show, show
from ops.renew import renew_copy

Alter = Callable[[str, Path], None]
"""Changes a database's copy, given the database's name, before the copy replaces the database."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the folder."""
    parser.add_argument("folder", help="the folder of the copies: one file for each database")


def run(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Restore every database, and renew the departments' incarnations; returns 0."""
    restore(database_files(environ), folder_of(arguments), show, renew_copy)
    return 0


def restore(databases: Mapping[str, Path], folder: Path, show: Show, alter: Alter | None = None) -> None:
    """Replace databases by their copies; raises StartError, and before the third step nothing has changed.

    No program may use them. The old files are kept, with `.old-` and the time at the end of their names.
    """
    refuse_own_place(databases, folder)
    for name in databases:
        check_copy(place(folder, name))
    with ExitStack() as locks:
        for path in databases.values():
            locks.enter_context(lock_file(path))
        locks.callback(_remove_unfinished, databases)
        for name, path in databases.items():
            with writing(path):
                _copy_beside(name, place(folder, name), path, alter)
        time = _begun_at(databases.values()) or _unused_time(databases.values())
        for path in databases.values():
            with writing(restore_marker(path)):
                _mark(path, folder, time)
        for path in databases.values():
            with writing(path):
                _replace(path, time)
        for path in databases.values():
            with writing(restore_marker(path)):
                restore_marker(path).unlink()
                sync(path.parent)
    for name, path in databases.items():
        old = _old(path, time)
        kept = f"; what it was before is {old}" if old.exists() else ""
        show(f"{path} is as it was in {place(folder, name)}{kept}")


def _copy_beside(name: str, copy: Path, path: Path, alter: Alter | None) -> None:
    unfinished = unfinished_copy(path)
    unfinished.unlink(missing_ok=True)
    make_private(unfinished)
    shutil.copyfile(copy, unfinished)
    if alter is not None:
        alter(name, unfinished)
    check_copy(unfinished)
    sync(unfinished)
    sync(unfinished.parent)


def _mark(path: Path, folder: Path, time: str) -> None:
    """Write the marker, which keeps programs from starting: the command to repeat, and the time of the old files."""
    marker = restore_marker(path)
    unfinished = unfinished_copy(marker)
    unfinished.write_text(f"give the same command once more, restore {folder}\n{time}\n")
    sync(unfinished)
    unfinished.replace(marker)
    sync(marker.parent)


def _replace(path: Path, time: str) -> None:
    """Rename a database with its write-ahead log, and put the copy in its place.

    After a crash a part of this may have been done already: an old file that is kept is never touched again.
    """
    old = _old(path, time)
    is_replaced = old.exists() and path.exists()
    for end in ("", "-wal"):
        if not is_replaced and (current := Path(f"{path}{end}")).exists():
            current.replace(f"{old}{end}")
    for end in ("-wal", "-shm"):
        Path(f"{path}{end}").unlink(missing_ok=True)
    sync(path.parent)
    unfinished_copy(path).replace(path)
    sync(path.parent)


def _old(path: Path, time: str) -> Path:
    return Path(f"{path}.old-{time}")


def _begun_at(paths: Iterable[Path]) -> str | None:
    """Return the time at which an interrupted restore began, or None."""
    for path in paths:
        with suppress(FileNotFoundError):
            lines = restore_marker(path).read_text().splitlines()
            if len(lines) == len(("command", "time")):
                return lines[1]
    return None


def _unused_time(paths: Iterable[Path]) -> str:
    """Return the time, with a number where an old file has this time in its name already."""
    time = first = now()
    number = 1
    while any(_old(path, time).exists() for path in paths):
        number += 1
        time = f"{first}-{number}"
    return time


def _remove_unfinished(databases: Mapping[str, Path]) -> None:
    with suppress(OSError):  # the first error is the one to raise
        for path in databases.values():
            unfinished_copy(path).unlink(missing_ok=True)
