"""Processes a stream of items, several at a time, and yields each result as soon as it is ready."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


async def pipelined(
    items: AsyncIterator[T], work: Callable[[T], Awaitable[R]], at_once: int
) -> AsyncGenerator[R, None]:
    """Await `work(item)` for at most `at_once` items at a time, and yield the results in the order they are ready.

    No further item is taken while that many are in work or wait to be yielded. An exception, of the items or of `work`,
    cancels the rest and is raised.
    """
    results: asyncio.Queue[R | Exception | None] = asyncio.Queue()
    slots = asyncio.Semaphore(at_once)
    working: set[asyncio.Task[None]] = set()

    async def run(item: T) -> None:
        try:
            results.put_nowait(await work(item))
        except Exception as error:  # noqa: BLE001 - not swallowed: it is raised to the iterating caller
            results.put_nowait(error)

    async def take() -> None:
        try:
            async for item in items:
                await slots.acquire()
                task = asyncio.get_running_loop().create_task(run(item))
                working.add(task)
                task.add_done_callback(working.discard)
            if working:
                await asyncio.wait(working)
            results.put_nowait(None)
        except Exception as error:  # noqa: BLE001 - likewise
            results.put_nowait(error)

    taking = asyncio.get_running_loop().create_task(take())
    try:
        while (result := await results.get()) is not None:
            if isinstance(result, Exception):
                raise result
            yield result
            slots.release()
    finally:
        for task in (taking, *working):
            task.cancel()
