"""Background tasks that are restarted after a failure.

A task that fails and is not awaited stops silently: asyncio logs a line only when the task is garbage-collected. So the
programs run every background task by `supervised`.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager

import structlog

FIRST_SECONDS = 0.1
CAP_SECONDS = 30.0
"""A failed task is restarted after a delay that doubles from the first to the cap. After a run longer than the cap the
delay is the first again."""

CANCEL_SECONDS = 1.0
"""How long a cancelled task may take to end before it is cancelled again."""

Work = Callable[[], Awaitable[None]]

log = structlog.get_logger("supervise")


async def supervised(name: str, work: Work, *, first: float = FIRST_SECONDS, cap: float = CAP_SECONDS) -> None:
    """Await `work()` until it returns or this task is cancelled; log each failure, and start it again."""
    loop = asyncio.get_running_loop()
    delay = first
    while True:
        started = loop.time()
        try:
            await work()
        except asyncio.CancelledError as error:
            if _is_cancelled():
                raise
            failure: BaseException = error  # a future that it awaited was cancelled, not this task
        except Exception as error:  # noqa: BLE001 - it is logged, and the work is started again
            failure = error
        else:
            return
        if loop.time() - started > cap:
            delay = first
        log.error("a background task failed; it is restarted", task=name, seconds=delay, exc_info=failure)
        await asyncio.sleep(delay)
        delay = min(2 * delay, cap)


@asynccontextmanager
async def in_background(works: Mapping[str, Work]) -> AsyncIterator[None]:
    """Run `works`, by their names, while the body runs; at its end cancel them, and wait until they have ended."""
    tasks = [asyncio.get_running_loop().create_task(supervised(name, work), name=name) for name, work in works.items()]
    try:
        yield
    finally:
        await end(tasks)


async def end(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel tasks, and wait until they have ended.

    A cancel is repeated until the task ends, because grpclib loses one that coincides with the loss of a connection:
    the task then gets the connection's error in its place.
    """
    running = list(tasks)  # cancelled in their order, so that a simulation repeats exactly
    while running:
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=CANCEL_SECONDS)
        running = [task for task in running if not task.done()]


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
