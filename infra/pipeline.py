"""Works on a stream of items several at a time, and passes each result on as soon as it is there."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


async def pipelined(
    items: AsyncIterator[T], work: Callable[[T], Awaitable[R]], at_once: int
) -> AsyncGenerator[R, None]:
    """Work on at most `at_once` items at a time, and yield the results as they come; the items' end is the end.

    No further item is taken while so many are worked on or wait to be passed on. What is raised ends all.
    """
    results: asyncio.Queue[R | Exception | None] = asyncio.Queue()
    room = asyncio.Semaphore(at_once)
    working: set[asyncio.Task[None]] = set()

    async def carry_out(item: T) -> None:
        try:
            results.put_nowait(await work(item))
        except Exception as error:  # noqa: BLE001 - not swallowed: whoever iterates gets it
            results.put_nowait(error)

    async def take() -> None:
        try:
            async for item in items:
                await room.acquire()
                task = asyncio.get_running_loop().create_task(carry_out(item))
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
            room.release()
    finally:
        for task in (taking, *working):
            task.cancel()
