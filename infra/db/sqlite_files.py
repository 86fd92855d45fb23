"""The files of a SQLite database: whose they are, who may read them, and whether a restore of them was interrupted."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import IO

from infra.errors import StartError

OWNER_ONLY = 0o600
OWNER_ONLY_FOLDER = 0o700


def lock_file(path: Path) -> IO[str]:
    """Take a SQLite file for this process, until what is answered is closed; raises StartError."""
    try:
        make_folder(path.parent)
        lock = os.fdopen(_open_private(f"{path}.lock"), "a")  # held as long as the program runs
    except OSError as error:
        raise StartError(f"the data directory {path.parent} cannot be used: {os.strerror(error.errno or 0)}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise StartError(f"{path} is in use by another process; a SQLite file serves one") from None
    return lock


def make_private(path: Path) -> None:
    """Let only their owner read a database's files, from before anything stands in them; raises StartError.

    SQLite gives the files that it makes beside a database the permissions of the database.
    """
    try:
        os.close(_open_private(str(path)))
        for file in (path, Path(f"{path}-wal"), Path(f"{path}-shm"), Path(f"{path}.lock")):
            with suppress(FileNotFoundError):
                if file.stat().st_mode & 0o077:
                    file.chmod(OWNER_ONLY)
    except OSError as error:
        raise StartError(f"{path} cannot be used: {os.strerror(error.errno or 0)}") from error


def make_folder(folder: Path) -> None:
    """Make a folder that only its owner may enter; one that exists stays as it is. Raises OSError."""
    folder.mkdir(mode=OWNER_ONLY_FOLDER, parents=True, exist_ok=True)


def restore_marker(path: Path) -> Path:
    """Name the file that stands beside a database from before a restore changes it until the whole restore is done."""
    return Path(f"{path}.restoring")


def refuse_half_restored(path: Path) -> None:
    """Raise StartError where a restore was interrupted: this database, or another one, may be the old one still."""
    marker = restore_marker(path)
    try:
        note = marker.read_text().partition("\n")[0]
    except FileNotFoundError:
        return
    except OSError as error:
        raise StartError(f"{marker} cannot be read: {error.strerror}") from error
    raise StartError(f"a restore of {path} was interrupted, so it may be half done: {note}")


def _open_private(path: str) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, OWNER_ONLY)
