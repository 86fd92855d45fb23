"""Background tasks that no single failure ends.

A task that nobody awaits and that fails just stops: asyncio writes a line once the task is collected as garbage, and
what it did is done no more. So every background task of the programs is run by `supervised`.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

import structlog

FIRST_SECONDS = 0.1
CAP_SECONDS = 30.0
"""A task that fails is started again after a delay that doubles from the first to the cap. One that has run for longer
than the cap since its last failure starts over with the first."""

Work = Callable[[], Awaitable[None]]

log = structlog.get_logger("supervise")


async def supervised(name: str, work: Work, *, first: float = FIRST_SECONDS, cap: float = CAP_SECONDS) -> None:
    """Run `work` until it returns or this task is cancelled; log its failures, and run it again after each."""
    loop = asyncio.get_running_loop()
    delay = first
    while True:
        started = loop.time()
        try:
            await work()
        except asyncio.CancelledError as error:
            if _is_cancelled():
                raise
            failure: BaseException = error  # something that it waited for was cancelled, not the task
        except Exception as error:  # noqa: BLE001 - whatever it is, it is logged, and the task goes on
            failure = error
        else:
            return
        if loop.time() - started > cap:
            delay = first
        log.error("a background task failed; it is started again", task=name, seconds=delay, exc_info=failure)
        await asyncio.sleep(delay)
        delay = min(2 * delay, cap)


@asynccontextmanager
async def in_background(works: Mapping[str, Work]) -> AsyncIterator[None]:
    """Run these, by their names, beside the body; cancel them at its end, and wait until they are over."""
    tasks = [asyncio.get_running_loop().create_task(supervised(name, work), name=name) for name, work in works.items()]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
