"""Items that are worked on several at a time."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from infra.pipeline import pipelined
from tests.support.waiting import until


class Kitchen:
    """Works on an item until it is told that it is done."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.cancelled: list[int] = []
        self.done: dict[int, asyncio.Future[str]] = {}

    async def cook(self, item: int) -> str:
        self.begun.append(item)
        done: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.done[item] = done
        try:
            return await done
        except asyncio.CancelledError:
            self.cancelled.append(item)
            raise


async def numbers(count: int) -> AsyncIterator[int]:
    for number in range(count):
        yield number


async def echo(item: int) -> str:
    return str(item)


async def test_every_result_is_passed_on_and_the_items_end_is_the_end() -> None:
    assert sorted([result async for result in pipelined(numbers(50), echo, 4)]) == sorted(map(str, range(50)))


async def test_no_items_have_no_results() -> None:
    assert [result async for result in pipelined(numbers(0), echo, 4)] == []


async def test_a_result_may_overtake_another() -> None:
    kitchen = Kitchen()
    results = pipelined(numbers(2), kitchen.cook, 2)
    first = asyncio.ensure_future(anext(results))
    await until(lambda: len(kitchen.begun) == 2)
    kitchen.done[1].set_result("second")
    assert await first == "second"
    kitchen.done[0].set_result("first")
    assert [result async for result in results] == ["first"]


async def test_no_more_is_taken_than_is_worked_on_or_waits_to_be_passed_on() -> None:
    kitchen = Kitchen()
    results = pipelined(numbers(10), kitchen.cook, 3)
    first = asyncio.ensure_future(anext(results))
    await until(lambda: len(kitchen.begun) == 3)
    for item in range(3):
        kitchen.done[item].set_result("done")
    await first
    for _ in range(20):
        await asyncio.sleep(0)
    assert kitchen.begun == [0, 1, 2]  # nobody has come for the next result
    second = asyncio.ensure_future(anext(results))
    await until(lambda: len(kitchen.begun) == 4)
    await second


async def test_what_the_work_raises_ends_all_and_the_rest_is_cancelled() -> None:
    kitchen = Kitchen()
    results = pipelined(numbers(3), kitchen.cook, 3)
    first = asyncio.ensure_future(anext(results))
    await until(lambda: len(kitchen.begun) == 3)
    kitchen.done[1].set_exception(ValueError("burnt"))
    with pytest.raises(ValueError, match="burnt"):
        await first
    await until(lambda: sorted(kitchen.cancelled) == [0, 2])


async def test_what_the_items_raise_ends_all() -> None:
    async def broken() -> AsyncIterator[int]:
        yield 1
        raise OSError("the line is dead")

    results = pipelined(broken(), echo, 3)
    with pytest.raises(OSError, match="the line is dead"):
        _ = [result async for result in results]


async def test_whoever_leaves_early_leaves_nothing_behind() -> None:
    kitchen = Kitchen()
    results = pipelined(numbers(3), kitchen.cook, 3)
    first = asyncio.ensure_future(anext(results))
    await until(lambda: len(kitchen.begun) == 3)
    first.cancel()
    await until(lambda: sorted(kitchen.cancelled) == [0, 1, 2])
