"""Copies of SQLite databases: taken while their programs run, put back while they do not.

A copy is one database as of one moment. Those of a house are taken one after another, the journal first: whatever order
it has, the departments' copies then have no less of it, and what was unfinished is asked for again as after a crash.
"""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

from plumbing.database import lock_file
from plumbing.errors import StartError

Tell = Callable[[str], None]


def back_up(databases: Mapping[str, Path], folder: Path, tell: Tell) -> None:
    """Copy databases into a folder, in the order given; raises StartError, and the copies there stay as they were.

    A copy that does not hold together is not kept.
    """
    _demand_another_place(databases, folder)
    for name, path in databases.items():
        if not path.exists():
            raise StartError(f"there is no database {path}")
        with _new_file(_place(folder, name)) as unfinished:
            _copy(path, unfinished)
        tell(f"{path} is copied to {_place(folder, name)}: {_place(folder, name).stat().st_size / 1e6:.1f} MB")


def restore(databases: Mapping[str, Path], folder: Path, tell: Tell) -> None:
    """Put copies back in the place of databases; raises StartError, before it changes any, where one is missing.

    No program may run on them. What was there is kept, with `.old` to its name.
    """
    _demand_another_place(databases, folder)
    for name in databases:
        _check(_place(folder, name))
    with ExitStack() as locks:
        for path in databases.values():
            locks.enter_context(lock_file(path))
        for name, path in databases.items():
            kept = f"; what it was before is {path}.old" if path.exists() else ""
            with _new_file(path) as unfinished:
                shutil.copyfile(_place(folder, name), unfinished)
                _keep_old(path)
            tell(f"{path} is as it was in {_place(folder, name)}{kept}")


def _demand_another_place(databases: Mapping[str, Path], folder: Path) -> None:
    """Refuse the folder in which a database is: a program would go on with a file that is no longer there."""
    for name, path in databases.items():
        if _place(folder, name).resolve() == path.resolve():
            raise StartError(f"{folder} is where {path} itself is; its copy needs another folder")


def _place(folder: Path, name: str) -> Path:
    return folder / f"{name}.db"


def _copy(path: Path, unfinished: Path) -> None:
    try:
        with closing(_open(path)) as live, closing(sqlite3.connect(unfinished)) as copy:
            live.backup(copy)  # in one step, so that what is written meanwhile cannot make it begin again
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, whole
    except sqlite3.Error as error:
        raise StartError(f"{path} cannot be copied: {error}") from error
    _check(unfinished)


def _open(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)


def _check(path: Path) -> None:
    """Prove that a copy holds together."""
    try:
        with closing(_open(path)) as copy:
            (found,) = copy.execute("PRAGMA integrity_check(1)").fetchone()
    except sqlite3.Error as error:
        raise StartError(f"{path} cannot be read: {error}") from error
    if found != "ok":
        raise StartError(f"{path} is damaged: {found}")


def _keep_old(path: Path) -> None:
    """Move a database aside, with the writes that are not in its main file yet."""
    for end in ("-shm", "-wal", ""):
        if (old := Path(f"{path}{end}")).exists():
            old.replace(f"{path}.old{end}")


@contextmanager
def _new_file(path: Path) -> Iterator[Path]:
    """Give a file to write, which then stands at `path` as a whole, on disk, or not at all."""
    unfinished = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.unlink(missing_ok=True)
        unfinished.touch()
        yield unfinished
        _sync(unfinished)
        unfinished.replace(path)
        _sync(path.parent)
    except OSError as error:
        raise StartError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        with suppress(OSError):  # it would hide what went wrong
            unfinished.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
