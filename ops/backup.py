"""The command `backup`: copies SQLite databases while their programs run.

A copy is one database as of one moment. The databases are copied one after another, the journal first: the departments'
copies are then younger, so that every order in the journal's copy can be finished as after a crash.
"""

import argparse
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from infra.db.sqlite_files import make_folder, make_private, refuse_half_restored
from infra.errors import StartError
from ops.databases import database_files
from ops.printing import Show, show


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the folder."""
    parser.add_argument("folder", help="a new or empty folder: one file for each database")


def run(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Copy every database; returns 0."""
    back_up(database_files(environ), folder_of(arguments), show)
    return 0


def folder_of(arguments: argparse.Namespace) -> Path:
    """Return the folder of the copies that a command was given; raises StartError."""
    if not arguments.folder.strip():
        raise StartError("the folder of the copies has no name; give one, such as /var/backups/comanda/monday")
    return Path(arguments.folder).expanduser()


def back_up(databases: Mapping[str, Path], folder: Path, show: Show) -> None:
    """Copy databases, in the order given, into a folder that is new or empty; raises StartError.

    Either all copies are made, each checked and on disk, or none is.
    """
    refuse_own_place(databases, folder)
    _refuse_used(folder)
    for path in databases.values():
        refuse_half_restored(path)
        if not path.exists():
            raise StartError(f"there is no database {path}")
    is_new = not folder.exists()
    unfinished = {name: unfinished_copy(place(folder, name)) for name in databases}
    try:
        for name, path in databases.items():
            with writing(place(folder, name)):
                make_folder(folder)
                make_private(unfinished[name])
                _copy(path, unfinished[name])
                sync(unfinished[name])
        with writing(folder):
            for name, copy in unfinished.items():
                copy.replace(place(folder, name))
            sync(folder)
            sync(folder.absolute().parent)
    except BaseException:
        _remove(unfinished.values(), folder if is_new else None)
        raise
    for name, path in databases.items():
        show(f"{path} is copied to {place(folder, name)}: {place(folder, name).stat().st_size / 1e6:.1f} MB")


def place(folder: Path, name: str) -> Path:
    """Return the path of a database's copy in a folder."""
    return folder / f"{name}.db"


def unfinished_copy(path: Path) -> Path:
    """Return the path that is written first and then renamed to `path`."""
    return path.with_name(f".{path.name}.new")


def refuse_own_place(databases: Mapping[str, Path], folder: Path) -> None:
    """Refuse the folder in which a database is: a program would go on writing to a file that was replaced."""
    for name, path in databases.items():
        if place(folder, name).resolve() == path.resolve():
            raise StartError(f"{folder} is where {path} itself is; its copy needs another folder")


def check_copy(path: Path) -> None:
    """Check a copy's integrity; raises StartError."""
    try:
        with closing(_open(path)) as copy:
            (found,) = copy.execute("PRAGMA integrity_check(1)").fetchone()
    except sqlite3.Error as error:
        raise StartError(f"{path} cannot be read: {error}") from error
    if found != "ok":
        raise StartError(f"{path} is damaged: {found}")


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Raise StartError with the file's name where it cannot be written."""
    try:
        yield
    except OSError as error:
        raise StartError(f"{path} cannot be written: {error.strerror or error}") from error


def now() -> str:
    """Return the time as it is part of file names, which sort by it."""
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")


def _refuse_used(folder: Path) -> None:
    """Refuse a folder that holds anything: an older backup is never overwritten."""
    if folder.is_dir() and any(folder.iterdir()):
        raise StartError(f"{folder} is not empty; a backup needs a new folder, such as {folder / now()}")


def _copy(path: Path, unfinished: Path) -> None:
    try:
        with closing(_open(path)) as live, closing(sqlite3.connect(unfinished)) as copy:
            live.backup(copy)  # in one step, so that what is written meanwhile cannot make it begin again
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, whole
    except sqlite3.Error as error:
        raise StartError(f"{path} cannot be copied: {error}") from error
    check_copy(unfinished)


def _open(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)


def _remove(files: Iterable[Path], folder: Path | None) -> None:
    """Remove unfinished copies, and the folder if it was made for them."""
    with suppress(OSError):  # the first error is the one to raise
        for file in files:
            file.unlink(missing_ok=True)
        if folder is not None:
            folder.rmdir()
