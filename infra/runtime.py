"""Runs a program's coroutine on an interpreter that is set up for one busy loop beside a few worker threads."""

import gc
import os
import resource
import sys
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

import uvloop

SWITCH_SECONDS = 0.0005
"""How long the loop may keep a worker thread, back from the database, waiting for the interpreter. Python's own 5 ms
would be ten times what a transaction takes."""

GARBAGE = (100_000, 50, 50)
"""Allocations before a collection. An order in flight is some hundred objects and hardly ever a cycle, so Python's own
700 would make it search for garbage, and find none, with every order."""


def run(program: Coroutine[Any, Any, None]) -> None:
    """Run a program to its end."""
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.set_threshold(*GARBAGE)
    _allow_files()
    _let_others_finish()
    uvloop.run(_frozen(program))


def _allow_files() -> None:
    """Open as many files as the system allows: often 1024 are given, and every connection is one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _let_others_finish() -> None:
    """Let whoever wakes this program go on, where both want one processor: a gateway has more departments to ask."""
    if sys.platform == "linux" and os.sched_getscheduler(0) == os.SCHED_OTHER:  # nobody has chosen otherwise
        with suppress(OSError):  # where it is not allowed, an order takes a little longer
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


async def _frozen(program: Coroutine[Any, Any, None]) -> None:
    gc.collect()
    gc.freeze()  # what was loaded so far stays, and need not be searched again
    await program
