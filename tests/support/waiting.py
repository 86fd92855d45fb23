"""Waits for facts, each with a limit in seconds."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

# Far more than a machine takes that has nothing else to do: tests run side by side.
START_SECONDS = 60.0
STOP_SECONDS = 30.0
FACT_SECONDS = 30.0
LOOK_SECONDS = 0.02


def wait_for(fact: Callable[[], T], what: str, within: float = FACT_SECONDS, every: float = LOOK_SECONDS) -> T:
    """Look until `fact` returns something true; raises AssertionError after `within` seconds. All times in seconds."""
    deadline = time.monotonic() + within
    while not (result := fact()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within} s: {what}")
        time.sleep(every)
    return result


async def eventually(
    fact: Callable[[], Awaitable[T]], what: str, within: float = FACT_SECONDS, every: float = LOOK_SECONDS
) -> T:
    """Do what `wait_for` does, while the test's other tasks go on."""
    deadline = time.monotonic() + within
    while not (result := await fact()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within} s: {what}")
        await asyncio.sleep(every)
    return result


async def until(fact: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait until a fact holds, and fail where it does not in time; look less often the longer it takes."""
    begin = time.monotonic()
    while not fact():
        waited = time.monotonic() - begin
        assert waited < seconds, "it did not come true in time"
        await asyncio.sleep(max(0.001, min(waited / 10, LOOK_SECONDS)))
