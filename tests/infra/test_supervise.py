import asyncio
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from infra.supervise import in_background, supervised
from tests.support.plain_logs import log_plainly


@pytest.fixture
def logged() -> Iterator[list[EventDict]]:
    log_plainly()
    with capture_logs() as events:
        yield events


class Flaky:
    """Work that fails so many times, then runs until it is stopped."""

    def __init__(self, *failures: BaseException) -> None:
        self.failures = list(failures)
        self.started = 0
        self.is_running = asyncio.Event()

    async def work(self) -> None:
        self.started += 1
        if self.failures:
            raise self.failures.pop(0)
        self.is_running.set()
        await asyncio.Event().wait()


async def test_a_task_that_fails_is_logged_with_its_traceback_and_started_again(logged: list[EventDict]) -> None:
    failure = OSError(24, "Too many open files")
    flaky = Flaky(failure, KeyError("b"))
    async with in_background({"the lease": flaky.work}), asyncio.timeout(5):
        await flaky.is_running.wait()

    assert flaky.started == 3
    assert [(event["task"], event["log_level"]) for event in logged] == [("the lease", "error")] * 2
    assert logged[0]["exc_info"] is failure
    assert logged[0]["exc_info"].__traceback__ is not None


async def test_work_that_turns_its_first_cancel_into_an_error_is_cancelled_again(logged: list[EventDict]) -> None:
    """grpclib does so where the connection is lost in the same turn of the loop."""
    cancels = 0

    async def work() -> None:
        nonlocal cancels
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancels += 1
            if cancels == 1:
                raise ConnectionError("the connection was lost") from None
            raise

    async with asyncio.timeout(10):
        async with in_background({"a watch": work}):
            await asyncio.sleep(0)
    assert cancels <= 2
    assert [event["task"] for event in logged] == ["a watch"]


async def test_the_delay_doubles_up_to_a_cap(logged: list[EventDict]) -> None:
    flaky = Flaky(*(ValueError() for _ in range(5)))
    task = asyncio.create_task(supervised("flaky", flaky.work, first=0.001, cap=0.005))
    async with asyncio.timeout(5):
        await flaky.is_running.wait()
    task.cancel()

    assert [event["seconds"] for event in logged] == [0.001, 0.002, 0.004, 0.005, 0.005]


async def test_a_task_that_worked_for_long_starts_over_with_the_first_delay(logged: list[EventDict]) -> None:
    runs = 0

    async def work() -> None:
        nonlocal runs
        runs += 1
        if runs == 4:
            return
        if runs == 3:
            await asyncio.sleep(0.05)
        raise ValueError

    await supervised("slow", work, first=0.001, cap=0.02)

    assert [event["seconds"] for event in logged] == [0.001, 0.002, 0.001]


async def test_work_that_returns_is_done(logged: list[EventDict]) -> None:
    runs = 0

    async def work() -> None:
        nonlocal runs
        runs += 1

    await supervised("once", work)

    assert runs == 1
    assert logged == []


async def test_work_that_waits_for_what_others_cancel_is_started_again(logged: list[EventDict]) -> None:
    waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    waiting.cancel()
    again = asyncio.Event()
    runs = 0

    async def work() -> None:
        nonlocal runs
        runs += 1
        if runs == 1:
            await waiting
        again.set()

    async with in_background({"watch": work}), asyncio.timeout(5):
        await again.wait()

    assert runs == 2
    assert [event["task"] for event in logged] == ["watch"]


async def test_at_the_end_of_the_body_the_tasks_are_over_however_it_ends(logged: list[EventDict]) -> None:
    cleaned: list[str] = []
    running = asyncio.Event()

    async def work() -> None:
        try:
            running.set()
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned.append("work")

    async def body() -> None:
        async with in_background({"work": work}):
            await running.wait()
            raise OSError("the body")

    with pytest.raises(OSError, match="the body"):
        await body()

    assert cleaned == ["work"]
    assert logged == []
