"""A thread that does one job after another."""

import asyncio
import gc
import threading
import weakref
from collections.abc import Iterator

import pytest

from infra.db.worker import Worker


@pytest.fixture
def worker() -> Iterator[Worker]:
    worker = Worker("test")
    yield worker
    worker.close()


async def test_a_job_is_done_in_another_thread_and_its_result_is_reported(worker: Worker) -> None:
    names = [await worker.run(lambda: threading.current_thread().name) for _ in range(2)]
    assert names == ["test", "test"]


async def test_what_a_job_raises_reaches_its_caller_and_the_next_is_done(worker: Worker) -> None:
    def stumble() -> None:
        raise ValueError("no milk")

    with pytest.raises(ValueError, match="no milk"):
        await worker.run(stumble)
    assert await worker.run(lambda: 7) == 7


async def test_jobs_are_done_one_after_another_in_their_order(worker: Worker) -> None:
    done: list[int] = []
    await asyncio.gather(*(worker.run(lambda number=number: done.append(number)) for number in range(50)))  # type: ignore[misc]
    assert done == list(range(50))


async def test_a_job_whose_caller_goes_away_is_done_to_its_end(worker: Worker) -> None:
    begun, may_end, ended = threading.Event(), threading.Event(), threading.Event()

    def job() -> None:
        begun.set()
        may_end.wait()
        ended.set()

    calling = asyncio.create_task(worker.run(job))
    await asyncio.to_thread(begun.wait)
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling
    may_end.set()
    assert await worker.run(ended.is_set)


def test_a_job_outlives_the_loop_of_its_caller(worker: Worker) -> None:
    may_end = threading.Event()

    async def begin() -> None:
        asyncio.ensure_future(worker.run(may_end.wait)).cancel()
        task = asyncio.ensure_future(worker.run(may_end.wait))
        await asyncio.sleep(0)
        task.cancel()

    asyncio.run(begin())
    may_end.set()
    assert worker.run_now(lambda: 7) == 7


def test_without_a_loop_a_job_is_waited_for(worker: Worker) -> None:
    assert worker.run_now(lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        worker.run_now(lambda: 1 // 0)


def test_what_was_given_is_done_before_the_end() -> None:
    worker, done = Worker("test"), []
    for number in range(3):
        worker.run_now(lambda number=number: done.append(number))  # type: ignore[misc]
    worker.close()
    assert done == [0, 1, 2]
    Worker("never used").close()


async def test_an_idle_worker_keeps_nothing_of_a_job(worker: Worker) -> None:
    class Thing:
        pass

    thing = Thing()
    known = weakref.ref(thing)
    await worker.run(lambda thing=thing: None)  # type: ignore[misc]
    del thing
    await worker.run(lambda: None)  # the thread has let go of the one before
    gc.collect()
    assert known() is None
