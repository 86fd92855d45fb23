"""A thread beside the loop that does one job after another.

What passes between the two is a queue and a callback. An executor's future, the loop's future that follows it and a
shield around that cost as much as a small transaction.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, TypeVar

R = TypeVar("R")

_Done = Callable[[Any, BaseException | None], None]


class Worker:
    """One thread, which begins with the first job."""

    def __init__(self, name: str) -> None:
        """`name` is the thread's."""
        self._jobs: SimpleQueue[tuple[Callable[[], Any], _Done] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)

    async def run(self, job: Callable[[], R]) -> R:
        """Do a job and wait for it; it is done to its end, whether or not its caller still waits."""
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[R] = loop.create_future()

        def tell(result: R, error: BaseException | None) -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(_settle, waiting, result, error)

        self._give(job, tell)
        return await waiting

    def run_now(self, job: Callable[[], R]) -> R:
        """Do a job and block until it is done: for a start and an end, where no loop runs."""
        done: Future[R] = Future()

        def tell(result: R, error: BaseException | None) -> None:
            if error is not None:
                done.set_exception(error)
            else:
                done.set_result(result)

        self._give(job, tell)
        return done.result()

    def close(self) -> None:
        """Do what was given, and end."""
        if self._thread.ident is not None:
            self._jobs.put(None)
            self._thread.join()

    def _give(self, job: Callable[[], R], tell: _Done) -> None:
        if self._thread.ident is None:
            self._thread.start()
        self._jobs.put((job, tell))

    def _work(self) -> None:
        while (given := self._jobs.get()) is not None:
            _do(*given)
            del given  # an idle thread keeps nothing alive


def _do(job: Callable[[], Any], tell: _Done) -> None:
    try:
        result = job()
    except BaseException as error:  # noqa: BLE001 - not swallowed: it reaches whoever waits
        tell(None, error)
    else:
        tell(result, None)


def _settle(waiting: "asyncio.Future[R]", result: R, error: BaseException | None) -> None:
    """Tell whoever waits for a job; a caller that is gone misses nothing."""
    if waiting.done():
        return
    if error is not None:
        waiting.set_exception(error)
    else:
        waiting.set_result(result)
