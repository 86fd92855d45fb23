from infra.batch_metrics import batch_families
from infra.group_commit import GroupCommit
from tests.support.metrics import samples


async def doubled(items: list[int]) -> list[int]:
    return [2 * item for item in items]


async def test_batches_are_counted_by_size_and_by_how_long_they_waited_and_took() -> None:
    group = GroupCommit[int, int](doubled, limit=4)
    for size in (1, 3, 4):
        futures = [group.submit(item) for item in range(size)]
        for future in futures:
            await future
    await group.drain()
    shown = await samples(lambda: batch_families({("journal", ""): group}))
    assert [shown[f"batch_items_bucket{{le={le},queue=journal}}"] for le in ("1.0", "3.0", "7.0", "+Inf")] == [
        1,
        2,
        3,
        3,
    ]
    assert shown["batch_items_sum{queue=journal}"] == 8
    assert shown["batch_wait_seconds_count{queue=journal}"] == shown["batch_seconds_count{queue=journal}"] == 3
    assert 0 < shown["batch_wait_seconds_sum{queue=journal}"] < 5
    assert 0 < shown["batch_seconds_sum{queue=journal}"] < 5
    assert shown["batch_waiting{queue=journal}"] == 0


async def test_what_waits_for_a_batch_is_shown_and_a_queue_that_was_never_used_is_not() -> None:
    used, unused = GroupCommit[int, int](doubled, limit=4), GroupCommit[int, int](doubled, limit=4)
    futures = [used.submit(item) for item in range(3)]
    shown = await samples(lambda: batch_families({("place", "bar"): used, ("place", "kitchen"): unused}))
    assert shown["batch_waiting{department=bar,queue=place}"] in (0, 3)  # the scrape lets the batch begin
    assert not [name for name in shown if "kitchen" in name]
    for future in futures:
        await future


async def test_an_item_that_may_wait_is_not_counted_as_waiting() -> None:
    group = GroupCommit[int, int](doubled, limit=4, max_delay=0.001)
    await group.submit_later(1)
    shown = await samples(lambda: batch_families({("journal", ""): group}))
    assert shown["batch_wait_seconds_count{queue=journal}"] == 0
    assert shown["batch_seconds_count{queue=journal}"] in (0, 1)
    assert shown["batch_items_count{queue=journal}"] == 1
