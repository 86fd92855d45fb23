"""A thread beside the event loop that runs one job after another.

The loop passes a job by a queue, and the thread passes the result by a callback. An executor's future, the loop's
future that wraps it and a shield around that cost as much as a small transaction.
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

_NO_CALLER = suppress(RuntimeError)
"""For a result that comes when the loop is closed, so that no caller waits any more."""


class Worker:
    """One thread, which starts with the first job."""

    def __init__(self, name: str) -> None:
        """`name` is the name of the thread."""
        self._jobs: SimpleQueue[tuple[Callable[[], Any], _Done] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)

    @property
    def waiting(self) -> int:
        """How many jobs wait for the thread."""
        return self._jobs.qsize()

    async def run(self, job: Callable[[], R]) -> R:
        """Run a job and wait for it; a caller that is cancelled does not interrupt it."""
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[R] = loop.create_future()

        def report(result: R, error: BaseException | None) -> None:
            with _NO_CALLER:
                loop.call_soon_threadsafe(_settle, waiting, result, error)

        self._submit(job, report)
        return await waiting

    def run_now(self, job: Callable[[], R]) -> R:
        """Run a job and block until it is done: for use without an event loop."""
        done: Future[R] = Future()

        def report(result: R, error: BaseException | None) -> None:
            if error is not None:
                done.set_exception(error)
            else:
                done.set_result(result)

        self._submit(job, report)
        return done.result()

    def close(self) -> None:
        """Run the jobs that were submitted, and end the thread."""
        if self._thread.ident is not None:
            self._jobs.put(None)
            self._thread.join()

    def _submit(self, job: Callable[[], R], report: _Done) -> None:
        if self._thread.ident is None:
            self._thread.start()
        self._jobs.put((job, report))

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            _run_job(*job)
            del job  # an idle thread keeps nothing alive


def _run_job(job: Callable[[], Any], report: _Done) -> None:
    try:
        result = job()
    except BaseException as error:  # noqa: BLE001 - not swallowed: it is raised to the caller that waits
        report(None, error)
    else:
        report(result, None)


def _settle(waiting: "asyncio.Future[R]", result: R, error: BaseException | None) -> None:
    """Set the result of a job on the future of its caller, unless the caller was cancelled."""
    if waiting.done():
        return
    if error is not None:
        waiting.set_exception(error)
    else:
        waiting.set_result(result)
