"""Disks that are full for a while: a small file system where this machine lets us mount one, a limit anywhere.

A full file system returns ENOSPC, a limit EFBIG; the programs have to cope with both.
"""

import os
import resource
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support.processes import Program

SIZE = "16m"


def can_mount() -> bool:
    """Tell whether this process may mount a file system."""
    if os.geteuid():
        return False
    with tempfile.TemporaryDirectory() as folder:
        try:
            mount(Path(folder))
        except (OSError, subprocess.CalledProcessError):
            return False
        unmount(Path(folder))
    return True


def mount(folder: Path) -> None:
    """Mount a small file system in memory."""
    folder.mkdir(exist_ok=True)
    _run("mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder))


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Let nobody write on a mounted file system on which no file is open."""
    _run("mount", "-o", "remount,ro", str(folder))
    yield
    _run("mount", "-o", "remount,rw", str(folder))


@contextmanager
def without_log(database: Path) -> Iterator[None]:
    """Let nobody open the write-ahead log of a database that nobody uses: it cannot be written then."""
    log, aside = Path(f"{database}-wal"), Path(f"{database}-aside")
    log.touch()
    log.rename(aside)
    log.mkdir()
    yield
    log.rmdir()
    aside.rename(log)


def unmount(folder: Path) -> None:
    """Take it away again."""
    _run("umount", "--lazy", str(folder))


@contextmanager
def full_file_system(folder: Path) -> Iterator[None]:
    """Fill a file system to the last byte."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    yield
    ballast.unlink()


@contextmanager
def limited_files(program: Program) -> Iterator[None]:
    """Let every write of a program to a file fail; what it has open for its log is a file too."""
    limits = resource.prlimit(program.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    yield
    resource.prlimit(program.pid, resource.RLIMIT_FSIZE, limits)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
