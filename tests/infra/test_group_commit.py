import asyncio
from collections.abc import Sequence

import pytest

from infra.group_commit import GroupCommit


class Committer:
    """Carries out batches of numbers, each when the test lets it, and remembers them."""

    def __init__(self, *, closed: bool = False) -> None:
        self.batches: list[list[int]] = []
        self.running = 0
        self.most_running = 0
        self._gate = asyncio.Event()
        if not closed:
            self._gate.set()

    async def __call__(self, batch: list[int]) -> Sequence[str | Exception]:
        self.batches.append(batch)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            await self._gate.wait()
            await asyncio.sleep(0)
        finally:
            self.running -= 1
        if -1 in batch:
            raise OSError("the disk is gone")
        return [ValueError(f"{item} is odd") if item % 2 else f"did {item}" for item in batch]

    def open(self) -> None:
        self._gate.set()


async def until_running(committer: Committer, calls: int = 1) -> None:
    async with asyncio.timeout(5):
        while committer.running < calls:  # noqa: ASYNC110 - one round of the loop after another, not a wait
            await asyncio.sleep(0)


async def test_an_item_alone_leaves_at_once_as_a_batch_of_one() -> None:
    committer = Committer()
    group = GroupCommit(committer, limit=10)
    assert await group.submit(2) == "did 2"
    assert committer.batches == [[2]]


async def test_items_of_one_round_of_the_loop_go_together() -> None:
    committer = Committer()
    group = GroupCommit(committer, limit=10)
    assert await asyncio.gather(*(group.submit(item) for item in (2, 4, 6))) == ["did 2", "did 4", "did 6"]
    assert committer.batches == [[2, 4, 6]]


async def test_a_batch_waits_as_long_as_every_round_of_the_loop_brings_more() -> None:
    committer = Committer()
    group = GroupCommit(committer, limit=10)
    futures = []
    for item in (2, 4, 6, 8):
        futures.append(group.submit(item))
        await asyncio.sleep(0)
    await asyncio.gather(*futures)
    assert committer.batches == [[2, 4, 6, 8]]


async def test_a_batch_that_is_whole_waits_for_nothing() -> None:
    committer = Committer()
    group = GroupCommit(committer, limit=2)
    futures = []
    for item in (0, 2, 4):
        futures.append(group.submit(item))
        await asyncio.sleep(0)
    assert committer.batches == [[0, 2]]
    await asyncio.gather(*futures)


async def test_two_workers_that_gather_at_once_make_no_empty_batch() -> None:
    committer = Committer(closed=True)
    group = GroupCommit(committer, limit=10, concurrency=2)
    futures = [group.submit(2)]
    await asyncio.sleep(0)
    futures.append(group.submit(4))
    await until_running(committer)
    committer.open()
    await asyncio.gather(*futures)
    assert [] not in committer.batches


async def test_what_arrives_while_a_batch_is_in_flight_gathers_in_order_for_the_next() -> None:
    committer = Committer(closed=True)
    group = GroupCommit(committer, limit=10)
    first = group.submit(0)
    await until_running(committer)
    later = [group.submit(item) for item in (8, 2, 6)]
    assert len(group) == 3
    committer.open()
    assert await asyncio.gather(first, *later) == ["did 0", "did 8", "did 2", "did 6"]
    assert committer.batches == [[0], [8, 2, 6]]
    assert len(group) == 0


async def test_a_caller_who_submits_again_as_soon_as_it_has_its_result_is_served() -> None:
    group = GroupCommit(Committer(), limit=10)
    async with asyncio.timeout(5):
        for item in range(0, 20, 2):
            assert await group.submit(item) == f"did {item}"


async def test_a_caller_who_submits_for_later_as_soon_as_it_has_its_result_is_served() -> None:
    group = GroupCommit(Committer(), limit=10, max_delay=0.001)
    async with asyncio.timeout(5):
        for item in range(0, 20, 2):
            assert await group.submit(item) == f"did {item}"
            assert await group.submit_later(item) == f"did {item}"


async def test_a_batch_is_never_larger_than_the_limit() -> None:
    committer = Committer()
    group = GroupCommit(committer, limit=3)
    await asyncio.gather(*(group.submit(item) for item in range(0, 20, 2)))
    assert committer.batches == [[0, 2, 4], [6, 8, 10], [12, 14, 16], [18]]
    assert (group.batches, group.items) == (4, 10)


async def test_no_more_batches_are_in_flight_than_the_concurrency_allows() -> None:
    committer = Committer(closed=True)
    group = GroupCommit(committer, limit=1, concurrency=2)
    futures = [group.submit(item) for item in range(0, 10, 2)]
    await until_running(committer, 2)
    assert len(group) == 3
    committer.open()
    await asyncio.gather(*futures)
    assert committer.most_running == 2


async def test_a_second_batch_leaves_while_the_first_is_in_flight_where_concurrency_allows() -> None:
    committer = Committer(closed=True)
    group = GroupCommit(committer, limit=10, concurrency=2)
    first = group.submit(0)
    await until_running(committer)
    second = group.submit(2)
    await until_running(committer, 2)
    assert committer.batches == [[0], [2]]
    committer.open()
    assert [await first, await second] == ["did 0", "did 2"]


async def test_a_result_that_is_an_exception_is_raised_for_its_item_alone() -> None:
    group = GroupCommit(Committer(), limit=10)
    responses = await asyncio.gather(*(group.submit(item) for item in (2, 3, 4)), return_exceptions=True)
    assert responses[0] == "did 2"
    assert isinstance(responses[1], ValueError)
    assert responses[2] == "did 4"


async def test_what_a_commit_raises_reaches_every_item_of_that_batch_and_no_other() -> None:
    committer = Committer()
    group = GroupCommit(committer, limit=2)
    responses = await asyncio.gather(*(group.submit(item) for item in (2, -1, 4)), return_exceptions=True)
    assert [type(response) for response in responses] == [OSError, OSError, str]


async def test_a_commit_that_returns_too_few_results_is_an_error_for_those_that_got_none() -> None:
    async def forgetful(batch: list[int]) -> list[str]:
        return ["did the first"]

    group = GroupCommit(forgetful, limit=10)
    responses = await asyncio.gather(group.submit(1), group.submit(2), return_exceptions=True)
    assert responses[0] == "did the first"
    assert isinstance(responses[1], ValueError)


async def test_a_caller_that_goes_away_takes_nothing_from_the_others_of_its_batch() -> None:
    committer = Committer(closed=True)
    group = GroupCommit(committer, limit=10)
    gone, broken, stays = group.submit(2), group.submit(3), group.submit(4)
    await until_running(committer)
    gone.cancel()
    broken.cancel()
    committer.open()
    assert await stays == "did 4"
    assert committer.batches == [[2, 3, 4]]
    assert gone.cancelled()
    assert broken.cancelled()


async def test_a_caller_that_goes_away_is_not_told_of_its_batchs_failure() -> None:
    committer = Committer(closed=True)
    group = GroupCommit(committer, limit=10)
    gone, stays = group.submit(-1), group.submit(4)
    await until_running(committer)
    gone.cancel()
    committer.open()
    with pytest.raises(OSError, match="the disk is gone"):
        await stays
    assert gone.cancelled()


async def test_a_worker_that_is_cancelled_cancels_those_who_wait_for_its_batch() -> None:
    committer = Committer(closed=True)
    group = GroupCommit(committer, limit=10)
    before = asyncio.all_tasks()
    future = group.submit(2)
    (worker,) = asyncio.all_tasks() - before
    await until_running(committer)
    worker.cancel()
    with pytest.raises(asyncio.CancelledError):
        await future
    committer.open()
    assert await group.submit(4) == "did 4"


async def test_an_item_for_later_goes_with_the_next_that_somebody_waits_for() -> None:
    committer = Committer()
    group = GroupCommit(committer, limit=10, max_delay=3600)
    later = group.submit_later(2)
    for _ in range(5):
        await asyncio.sleep(0)
    assert committer.batches == []
    assert await group.submit(4) == "did 4"
    assert await later == "did 2"
    assert committer.batches == [[2, 4]]


async def test_items_for_later_leave_together_after_the_delay() -> None:
    committer = Committer()
    group = GroupCommit(committer, limit=10, max_delay=0.001)
    futures = [group.submit_later(2), group.submit_later(4)]
    assert await asyncio.gather(*futures) == ["did 2", "did 4"]
    assert committer.batches == [[2, 4]]


async def test_an_item_for_later_goes_with_the_batch_after_the_one_in_flight() -> None:
    committer = Committer(closed=True)
    group = GroupCommit(committer, limit=10, max_delay=3600)
    now = group.submit(2)
    await until_running(committer)
    later = group.submit_later(4)
    committer.open()
    assert [await now, await later] == ["did 2", "did 4"]


async def test_drain_carries_out_everything_also_what_was_for_later() -> None:
    committer = Committer()
    group = GroupCommit(committer, limit=2, max_delay=3600)
    futures = [group.submit(2), group.submit_later(4), group.submit_later(6)]
    await group.drain()
    assert [future.result() for future in futures] == ["did 2", "did 4", "did 6"]


async def test_drain_waits_for_the_batch_in_flight() -> None:
    committer = Committer(closed=True)
    group = GroupCommit(committer, limit=2)
    future = group.submit(2)
    await until_running(committer)
    draining = asyncio.create_task(group.drain())
    for _ in range(5):
        await asyncio.sleep(0)
    assert not draining.done()
    committer.open()
    await draining
    assert future.result() == "did 2"


async def test_drain_does_not_wait_for_what_comes_later() -> None:
    committer = Committer()
    group = GroupCommit(committer, limit=1)
    comes_later: list[asyncio.Future[str]] = []
    group.submit(2).add_done_callback(lambda _: comes_later.extend(group.submit(item) for item in range(0, 100, 2)))
    await group.drain()
    assert not comes_later[-1].done()
    await asyncio.gather(*comes_later)


async def test_drain_outlives_a_failure() -> None:
    group = GroupCommit(Committer(), limit=1)
    failing, odd = group.submit(-1), group.submit(3)
    await group.drain()
    assert isinstance(failing.exception(), OSError)
    assert isinstance(odd.exception(), ValueError)


async def test_drain_returns_at_once_when_nothing_was_submitted() -> None:
    async with asyncio.timeout(5):
        await GroupCommit(Committer(), limit=2).drain()


async def test_abandon_gives_up_what_waits_and_leaves_what_is_in_flight() -> None:
    committer = Committer(closed=True)
    group = GroupCommit(committer, limit=1)
    running, waiting, gone = group.submit(2), group.submit(4), group.submit(6)
    await until_running(committer)
    gone.cancel()
    group.abandon(ConnectionError("nobody responds"))
    with pytest.raises(ConnectionError, match="nobody responds"):
        await waiting
    committer.open()
    assert await running == "did 2"
    assert committer.batches == [[2]]
    assert gone.cancelled()
