"""Watches how full the disk of a database's file is, and warns before it is full: then no order could be stored."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import structlog

WARN_AT = 0.85
ALARM_AT = 0.95

CHECK_SECONDS = 30.0
REPEATED_EVERY = 120
"""A warning is logged when its level is reached, and again with every so many-th check: once an hour."""

log = structlog.get_logger("disk")


def read_used(path: Path) -> float:
    """Return the used share, from 0 to 1, of the space that programs may use on the disk of a path; raises OSError."""
    usage = shutil.disk_usage(path)
    return usage.used / (usage.used + usage.free)  # the part that is root's counts neither as used nor as free


class DiskWatch:
    """The disk of one database's file; of a database on a server there is nothing to watch here."""

    def __init__(self, file: Path | None, read: Callable[[Path], float] = read_used) -> None:
        """`read` returns the used share of a folder's disk."""
        self._folder = None if file is None else file.parent
        self._read = read
        self._checks_at_level = 0
        self._level = 0.0
        self.used: float | None = None
        """The used share at the last check, from 0 to 1; None where it is not known."""

    async def run(self) -> None:
        """Check for as long as the program runs."""
        while self._folder is not None:
            self.check()
            await asyncio.sleep(CHECK_SECONDS)

    def check(self) -> None:
        """Look once, and log what should not be."""
        if self._folder is None:
            return
        try:
            self.used = self._read(self._folder)
        except OSError as error:
            self.used = None
            log.warning("the disk cannot be looked at", folder=str(self._folder), reason=error.strerror)
            return
        level = next((level for level in (ALARM_AT, WARN_AT) if self.used >= level), 0.0)
        self._checks_at_level = 0 if level != self._level else self._checks_at_level + 1
        self._level = level
        if level and self._checks_at_level % REPEATED_EVERY == 0:
            tell = log.error if level == ALARM_AT else log.warning
            tell(
                "the disk is filling", folder=str(self._folder), used=f"{self.used:.1%}", full="no order is taken then"
            )
