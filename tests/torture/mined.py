"""`python -m tests.torture.mined gateway` or `… departments bar`: the program, with mines at named points of its path.

A mine is laid by writing the point's name into the file `TORTURE_MINE`. The program that passes that point next removes
the file and kills itself there, as a power cut would.
"""

import os
import runpy
import signal
import sys
from collections.abc import Callable
from enum import StrEnum
from functools import wraps
from pathlib import Path
from typing import Any

from gateway.department_client.batches import BatchSender
from gateway.orders.recording import Recorder
from infra.db.database import Database
from tests.torture.fsync import break_fsync


class Point(StrEnum):
    """Where a program can be killed; the last is no place, but a disk that fails from then on."""

    BEFORE_TRANSACTION = "before a transaction"
    IN_TRANSACTION = "before a commit"
    AFTER_COMMIT = "after a commit"
    BEFORE_CALL = "before a call"
    AFTER_CALL = "after a call's response"
    BEFORE_DECISION = "before a decision is written"
    AFTER_DECISION = "after a decision is written"
    FSYNC_FAILS = "fsync fails"


KILLS = frozenset(Point) - {Point.FSYNC_FAILS}
GATEWAY_ONLY = frozenset({Point.BEFORE_CALL, Point.AFTER_CALL, Point.BEFORE_DECISION, Point.AFTER_DECISION})

_MINE = Path(os.environ.get("TORTURE_MINE", "/nonexistent"))


def pass_by(point: Point) -> None:
    """Die here if this is where the mine is."""
    if not _MINE.exists():
        return
    laid = _MINE.read_text()
    if laid == Point.FSYNC_FAILS:
        break_fsync()
        _MINE.unlink()
    elif laid == point:
        _MINE.unlink()
        os.kill(os.getpid(), signal.SIGKILL)


def lay_mines() -> None:
    """Put the points into the programs' code."""
    write, call, write_decision = Database.write, BatchSender.send, Recorder.write_decision

    async def mined_write(self: Database, script: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        @wraps(script)
        def mined_script(*values: Any, **named: Any) -> Any:
            result = script(*values, **named)
            pass_by(Point.IN_TRANSACTION)
            return result

        pass_by(Point.BEFORE_TRANSACTION)
        result = await write(self, mined_script, *args, **kwargs)
        pass_by(Point.AFTER_COMMIT)
        return result

    async def mined_call(self: BatchSender, *args: Any) -> Any:
        pass_by(Point.BEFORE_CALL)
        responses = await call(self, *args)
        pass_by(Point.AFTER_CALL)
        return responses

    async def mined_decision(self: Recorder, *args: Any) -> None:
        pass_by(Point.BEFORE_DECISION)
        await write_decision(self, *args)
        pass_by(Point.AFTER_DECISION)

    Database.write = mined_write  # type: ignore[method-assign]
    BatchSender.send = mined_call  # type: ignore[assignment,method-assign]
    Recorder.write_decision = mined_decision  # type: ignore[assignment,method-assign]


if __name__ == "__main__":
    lay_mines()
    sys.argv = sys.argv[1:]
    runpy.run_module(f"{sys.argv[0]}.__main__", run_name="__main__")
