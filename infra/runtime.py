"""Runs a program's coroutine with interpreter settings for one busy event loop beside a few worker threads."""

import gc
import os
import resource
import sys
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

import uvloop

SWITCH_SECONDS = 0.0005
"""How long the event loop may keep a worker thread that returns from the database waiting for the interpreter lock. The
default, 5 ms, is ten times what a transaction takes."""

GARBAGE = (100_000, 50, 50)
"""Thresholds of the garbage collector. An order in flight is some hundred objects and hardly ever a cycle; with
Python's default, 700 allocations, every few orders would start a collection that finds nothing."""


def run(program: Coroutine[Any, Any, None]) -> None:
    """Apply the settings, and run a program to its end on uvloop."""
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.set_threshold(*GARBAGE)
    _raise_file_limit()
    _schedule_as_batch()
    uvloop.run(_run_frozen(program))


def _raise_file_limit() -> None:
    """Raise the limit of open files to what the system allows: each connection is one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _schedule_as_batch() -> None:
    """Set SCHED_BATCH, so that a woken department does not preempt the gateway, which has more departments to call."""
    if (
        sys.platform == "linux" and os.sched_getscheduler(0) == os.SCHED_OTHER
    ):  # the default: its operator chose no other
        with suppress(OSError):  # where it is not allowed, orders take a little longer
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


async def _run_frozen(program: Coroutine[Any, Any, None]) -> None:
    gc.collect()
    gc.freeze()  # modules stay loaded, so the collector need not traverse them
    await program
