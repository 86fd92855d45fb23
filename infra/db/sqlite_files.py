"""The files of a SQLite database: their lock, their permissions, and the marker of an unfinished restore."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import IO

from infra.errors import StartError

OWNER_ONLY = 0o600
OWNER_ONLY_FOLDER = 0o700


def lock_file(path: Path) -> IO[str]:
    """Lock a SQLite file for this process, until the returned file is closed; raises StartError."""
    try:
        make_folder(path.parent)
        lock = os.fdopen(_open_private(f"{path}.lock"), "a")  # it stays open as long as the lock is held
    except OSError as error:
        raise StartError(f"the data directory {path.parent} cannot be used: {os.strerror(error.errno or 0)}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise StartError(f"{path} is in use by another process; a SQLite file serves one") from None
    return lock


def make_private(path: Path) -> None:
    """Create a database's file for its owner only, and restrict existing files; raises StartError.

    SQLite gives the files that it creates beside a database the permissions of the database.
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
    """Create a folder that only its owner may enter; an existing one stays as it is. Raises OSError."""
    folder.mkdir(mode=OWNER_ONLY_FOLDER, parents=True, exist_ok=True)


def restore_marker(path: Path) -> Path:
    """Return the path of the file that exists beside a database while a restore is not complete."""
    return Path(f"{path}.restoring")


def refuse_half_restored(path: Path) -> None:
    """Raise StartError after an interrupted restore: some of the databases may not have been restored yet."""
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
