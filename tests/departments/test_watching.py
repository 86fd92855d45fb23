"""Feeds and watchers over a department in memory, in virtual time."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise

import pytest

from departments.domain.errors import TooManyWatchers
from departments.feed import BEAT_SECONDS, BURST, LOOK_SECONDS, MOST_BEHIND, MOST_WATCHERS, PAGES_KEPT, RATE
from infra.errors import DatabaseError
from tests.departments.fake_changes import FakeDepartment
from tests.support.department_factories import small_menu
from tests.support.virtual_time import run_virtually

Scenario = Callable[[FakeDepartment], Awaitable[None]]


def now() -> float:
    return asyncio.get_running_loop().time()


def in_virtual_time(scenario: Scenario) -> Callable[[], None]:
    """Make a test of a scenario: it gets a department with five tickets, and nobody may watch in the end."""

    def test() -> None:
        async def run() -> None:
            department = FakeDepartment()
            for number in range(5):
                department.change(f"old {number}")
            await scenario(department)
            assert department.commits.all == department.commits.steps == set()

        run_virtually(run())

    test.__name__, test.__doc__ = scenario.__name__, scenario.__doc__
    return test


def flood(department: FakeDepartment, tickets: int, *, first: int = 0, moved: bool = False) -> None:
    """Change many tickets at once, each once."""
    for number in range(first, first + tickets):
        department.change(f"new {number}", moved=moved)


@in_virtual_time
async def test_a_watcher_without_a_position_gets_a_reset_and_all_that_is_there(department: FakeDepartment) -> None:
    watch = department.watch(incarnation="").start()
    await asyncio.sleep(1)
    pages = [page for _, page in watch.pages]
    assert [(page.reset, page.more) for page in pages] == [(True, True), (False, True), (False, False)]
    assert pages[0].menu is not None
    assert pages[0].stock == [department.coffee]
    assert watch.picture == {f"old {number}": number + 1 for number in range(5)}
    assert watch.revision == 5
    await watch.stop()


@in_virtual_time
async def test_a_watcher_with_a_position_gets_what_came_after_it_and_then_the_menu(department: FakeDepartment) -> None:
    watch = department.watch(2).start()
    await asyncio.sleep(1)
    assert watch.changes == [("old 2", 3), ("old 3", 4), ("old 4", 5)]
    assert [page.menu is not None for _, page in watch.pages] == [False, True]
    await watch.stop()


@in_virtual_time
async def test_the_first_change_after_a_quiet_time_is_sent_at_once(department: FakeDepartment) -> None:
    watch = department.watch(5).start()
    await asyncio.sleep(3)
    began = now()
    department.change("new")
    await asyncio.sleep(1)
    assert watch.pages[-1][0] - began == pytest.approx(department.seconds)
    assert watch.changes == [("new", 6)]
    await watch.stop()


@in_virtual_time
async def test_many_changes_are_collected_and_the_last_one_is_not_forgotten(department: FakeDepartment) -> None:
    department.seconds = 0.002
    watch = department.watch(5).start()
    await asyncio.sleep(1)
    reads = len(department.reads)
    for number in range(1000):
        department.change(f"new {number % 2}")
        await asyncio.sleep(0.001)
    await asyncio.sleep(1)
    assert 50 < len(department.reads) - reads < 100
    assert watch.picture["new 0"] == 5 + 999
    assert watch.picture["new 1"] == 5 + 1000
    await watch.stop()


@in_virtual_time
async def test_a_flood_is_published_at_a_rate_and_to_its_end(department: FakeDepartment) -> None:
    department.page = 200
    watch = department.watch(5).start()
    await asyncio.sleep(10)
    flood(department, 2000)
    await asyncio.sleep(5)
    assert BURST + 4 * RATE < len(watch.picture) < BURST + 5 * RATE + 2 * department.page
    await asyncio.sleep(2000 / RATE)
    assert len(watch.picture) == 2000
    assert watch.resets == 0
    await watch.stop()


@in_virtual_time
async def test_a_flood_that_goes_on_is_published_at_the_rate_by_snapshots_too(department: FakeDepartment) -> None:
    department.page = 200
    watch = department.watch(5).start()
    await asyncio.sleep(10)
    for part in range(600):
        flood(department, 100, first=100 * part)
        await asyncio.sleep(0.1)
    assert watch.resets > 0
    assert len(watch.changes) < BURST + 60 * RATE + 4 * department.page
    await asyncio.sleep(3600)
    assert watch.picture == {order_id: ticket.revision for order_id, ticket in department.tickets.items()}
    await watch.stop()


@in_virtual_time
async def test_a_feed_that_is_too_far_behind_goes_on_from_the_present(department: FakeDepartment) -> None:
    department.page = 500
    watch = department.watch(5).start()
    await asyncio.sleep(10)
    flood(department, MOST_BEHIND + 1000)
    await asyncio.sleep(2 * BEAT_SECONDS)
    assert watch.resets == 1
    assert len(watch.picture) == 5 + MOST_BEHIND + 1000
    await watch.stop()


@in_virtual_time
async def test_steps_are_published_at_once_however_many_they_are(department: FakeDepartment) -> None:
    department.page = 200
    watch = department.watch(5, moved_only=True).start()
    await asyncio.sleep(10)
    flood(department, 2000, moved=True)
    await asyncio.sleep(1)
    assert len(watch.picture) == 2000
    await watch.stop()


@in_virtual_time
async def test_more_changes_than_a_page_holds_follow_without_another_commit(department: FakeDepartment) -> None:
    watch = department.watch(5).start()
    await asyncio.sleep(1)
    for number in range(20):
        department.change(f"new {number}")
    await asyncio.sleep(1)
    assert [order_id for order_id, _ in watch.changes] == [f"new {number}" for number in range(20)]
    await watch.stop()


@in_virtual_time
async def test_a_quiet_watch_has_a_sign_of_life_every_few_seconds(department: FakeDepartment) -> None:
    for moved_only in (False, True):
        watch = department.watch(5, moved_only=moved_only).start()
        await asyncio.sleep(3.5 * BEAT_SECONDS)
        times = [time for time, _ in watch.pages]
        assert len(times) == 4
        assert [after - before for before, after in pairwise(times[1:])] == pytest.approx([BEAT_SECONDS] * 2, abs=0.01)
        assert {(page.revision, page.incarnation, page.reset) for _, page in watch.pages} == {(5, "first", False)}
        await watch.stop()


@in_virtual_time
async def test_a_page_is_read_and_encoded_once_for_all(department: FakeDepartment) -> None:
    watches = [department.watch(5).start() for _ in range(16)]
    await asyncio.sleep(1)
    reads, encoded = len(department.reads), department.encoded
    for number in range(10):
        department.change(f"new {number}")
        await asyncio.sleep(1)
    assert (len(department.reads) - reads, department.encoded - encoded) == (10, 10)
    for watch in watches:
        assert len(watch.changes) == 10
        assert watch.pages[-1][1] is watches[0].pages[-1][1]
        await watch.stop()


@in_virtual_time
async def test_nothing_is_read_where_nobody_watches(department: FakeDepartment) -> None:
    watch = department.watch(5).start()
    await asyncio.sleep(1)
    await watch.stop()
    reads, looks = len(department.reads), department.looks
    department.change("new", moved=True)
    await asyncio.sleep(60)
    assert (len(department.reads), department.looks) == (reads, looks)


@in_virtual_time
async def test_a_watch_of_moved_tickets_reads_nothing_while_orders_are_placed(department: FakeDepartment) -> None:
    watch = department.watch(5, moved_only=True).start()
    await asyncio.sleep(0.1)
    for number in range(2000):
        department.change(f"new {number % 100}")
        await asyncio.sleep(0.01)
    assert len(department.reads) <= 20 / BEAT_SECONDS + 1
    assert watch.changes == []
    assert watch.revision > 1000, "its position goes on with every sign of life"
    department.change("old 3", moved=True)
    await asyncio.sleep(0.1)
    department.change("old 3")
    await asyncio.sleep(1)
    assert watch.changes == [("old 3", 2006), ("old 3", 2007)]
    await watch.stop()


@in_virtual_time
async def test_a_new_watch_of_moved_tickets_gets_all_of_them_in_pages(department: FakeDepartment) -> None:
    for number in range(7):
        department.change(f"moved {number}", moved=True)
    watch = department.watch(0, "", moved_only=True).start()
    await asyncio.sleep(1)
    assert watch.picture == {f"moved {number}": 6 + number for number in range(7)}
    assert all(not page.stock and page.menu is None for _, page in watch.pages)
    assert watch.revision == 12
    await watch.stop()


@in_virtual_time
async def test_a_watch_of_moved_tickets_goes_on_from_any_position_however_old(department: FakeDepartment) -> None:
    department.change("moved", moved=True)
    department.revision += 10 * MOST_BEHIND
    watch = department.watch(3, moved_only=True).start()
    await asyncio.sleep(1)
    assert watch.resets == 0
    assert watch.changes == [("moved", 6)]
    await watch.stop()


@in_virtual_time
async def test_changes_of_another_process_are_seen_by_looking(department: FakeDepartment) -> None:
    department.is_shared = True
    watch, moved = department.watch(5).start(), department.watch(5, moved_only=True).start()
    await asyncio.sleep(1)
    department.change("new", moved=True, announce=False)
    await asyncio.sleep(LOOK_SECONDS + 0.01)
    assert watch.changes == [("new", 6)]
    await asyncio.sleep(0.5)
    assert moved.changes == [("new", 6)]
    reads = len(department.reads)
    await asyncio.sleep(2)
    assert len(department.reads) == reads, "a look that finds the same revision reads nothing"
    await watch.stop()
    await moved.stop()


@in_virtual_time
async def test_a_slow_watcher_misses_nothing_and_delays_nobody(department: FakeDepartment) -> None:
    slow, quick = department.watch(5).start(), department.watch(5).start()
    await asyncio.sleep(1)
    slow.gate.clear()
    for number in range(3 * PAGES_KEPT):
        department.change(f"new {number}")
        await asyncio.sleep(0.1)
    assert len(quick.picture) == 3 * PAGES_KEPT
    assert len(slow.picture) < 2
    slow.gate.set()
    await asyncio.sleep(5)
    assert slow.resets == 0
    assert slow.changes == quick.changes
    await slow.stop()
    await quick.stop()


@in_virtual_time
async def test_a_watcher_that_is_too_far_behind_gets_a_reset_and_then_what_is_there(
    department: FakeDepartment,
) -> None:
    department.seconds = 0.0
    slow, quick = department.watch(5).start(), department.watch(5).start()
    await asyncio.sleep(1)
    slow.gate.clear()
    for number in range(MOST_BEHIND + 100):
        department.change(f"new {number % 10}")
        await asyncio.sleep(0.001)
    feed = department.watching._all._feed
    assert len(feed._pages) <= PAGES_KEPT
    slow.gate.set()
    await asyncio.sleep(5)
    assert (slow.resets, quick.resets) == (1, 0)
    assert slow.picture == {order_id: ticket.revision for order_id, ticket in department.tickets.items()}
    await slow.stop()
    await quick.stop()


@pytest.mark.parametrize(
    ("revision", "incarnation"), [(6, "first"), (3, "another"), (3, ""), (0, "")], ids=["ahead", "other", "no", "new"]
)
def test_a_position_that_is_void_leads_to_a_reset(revision: int, incarnation: str) -> None:
    @in_virtual_time
    async def scenario(department: FakeDepartment) -> None:
        for moved_only in (False, True):
            watch = department.watch(revision, incarnation, moved_only=moved_only).start()
            await asyncio.sleep(1)
            assert watch.pages[0][1].reset
            assert (watch.revision, watch.incarnation) == (5, "first")
            await watch.stop()

    scenario()


@in_virtual_time
async def test_what_changes_during_a_snapshot_follows_it_and_disturbs_no_other_watcher(
    department: FakeDepartment,
) -> None:
    department.seconds = 0.01
    first = department.watch(5).start()
    await asyncio.sleep(1)
    second = department.watch(0, "").start()
    await asyncio.sleep(0.025)
    for number in range(6):
        department.change(f"new {number}")
    await asyncio.sleep(5)
    assert (first.resets, second.resets) == (0, 1)
    assert first.changes == second.changes[5:] == [(f"new {number}", 6 + number) for number in range(6)]
    for watch in (first, second):
        await watch.stop()


@in_virtual_time
async def test_a_position_that_is_too_old_leads_to_a_reset(department: FakeDepartment) -> None:
    department.revision += MOST_BEHIND
    watch = department.watch(4).start()
    await asyncio.sleep(1)
    assert watch.resets == 1
    await watch.stop()


@in_virtual_time
async def test_all_watchers_begin_anew_where_the_database_is_replaced(department: FakeDepartment) -> None:
    watches = [department.watch(5).start() for _ in range(3)]
    await asyncio.sleep(1)
    department.incarnation, department.revision = "second", 2
    del department.tickets["old 2"], department.tickets["old 3"], department.tickets["old 4"]
    await asyncio.sleep(BEAT_SECONDS + 1)
    for watch in watches:
        assert (watch.resets, watch.picture) == (1, {"old 0": 1, "old 1": 2})
        assert (watch.revision, watch.incarnation) == (2, "second")
        await watch.stop()


@in_virtual_time
async def test_a_watcher_begins_anew_where_the_database_is_behind_it(department: FakeDepartment) -> None:
    watch = department.watch(5).start()
    await asyncio.sleep(1)
    department.revision = 2
    await asyncio.sleep(BEAT_SECONDS + 1)
    assert (watch.resets, watch.picture, watch.revision) == (1, {"old 0": 1, "old 1": 2}, 2)
    await watch.stop()


@in_virtual_time
async def test_a_sign_of_life_that_was_not_sent_is_no_position_after_a_change(department: FakeDepartment) -> None:
    watch = department.watch(5).start()
    await asyncio.sleep(1)
    watch.gate.clear()
    department.change("new")
    await asyncio.sleep(2 * BEAT_SECONDS + 1)
    department.change("newer")
    await asyncio.sleep(1)
    watch.gate.set()
    await asyncio.sleep(1)
    assert [page.revision for _, page in watch.pages] == [5, 6, 7]
    await watch.stop()


@in_virtual_time
async def test_another_menu_reaches_every_watcher_once(department: FakeDepartment) -> None:
    watches = [department.watch(5).start() for _ in range(2)]
    await asyncio.sleep(1)
    department.menu = small_menu(coffee=3)
    department.commits.announce(moved=False)
    await asyncio.sleep(1)
    for watch in watches:
        menus = [page.menu.menu for _, page in watch.pages if page.menu]
        assert menus[1:] == [department.menu]
        await watch.stop()


@in_virtual_time
async def test_a_watch_ends_when_it_is_told_to(department: FakeDepartment) -> None:
    for behind in (5, 0):
        watch = department.watch(behind).start()
        await asyncio.sleep(1)
        began = now()
        watch.watcher.end()
        assert watch.task is not None
        await watch.task
        assert now() == began


@in_virtual_time
async def test_a_failed_read_ends_every_watch_and_the_next_one_goes_on(department: FakeDepartment) -> None:
    watches = [department.watch(5).start() for _ in range(2)]
    await asyncio.sleep(1)
    department.error = DatabaseError("the disk is full")
    department.change("new")
    await asyncio.sleep(1)
    for watch in watches:
        assert watch.task is not None
        with pytest.raises(DatabaseError):
            await watch.task
    department.error = None
    again = department.watch(watches[0].revision).start()
    await asyncio.sleep(1)
    assert again.changes == [("new", 6)]
    await again.stop()


@in_virtual_time
async def test_only_so_many_may_watch(department: FakeDepartment) -> None:
    watches = [department.watch(5).start() for _ in range(MOST_WATCHERS)]
    await asyncio.sleep(1)
    one_more = department.watch(5)
    with pytest.raises(TooManyWatchers):
        await anext(one_more.messages())
    for watch in watches:
        await watch.stop()


@in_virtual_time
async def test_a_watcher_that_is_ahead_of_the_feed_gets_no_older_position(department: FakeDepartment) -> None:
    """As one that comes from another replica, right after a commit there."""
    first = department.watch(5).start()
    await asyncio.sleep(1)
    department.change("other replica's", announce=False)
    ahead = department.watch(6).start()
    await asyncio.sleep(1)
    assert first.changes == [("other replica's", 6)]
    assert ahead.changes == []
    assert {page.revision for _, page in ahead.pages} == {6}
    department.change("new")
    await asyncio.sleep(1)
    assert first.changes[1:] == ahead.changes == [("new", 7)]
    for watch in (first, ahead):
        await watch.stop()


@in_virtual_time
async def test_watchers_of_moved_tickets_are_told_every_few_seconds_how_many_tickets_wait(
    department: FakeDepartment,
) -> None:
    """Also while steps are taken all the time; watchers of everything see the tickets themselves."""
    moved, everything = department.watch(moved_only=True).start(), department.watch().start()
    for number in range(120):
        department.change(f"new {number % 4}", moved=True)
        await asyncio.sleep(0.1)
    told = [(at, page.waiting) for at, page in moved.pages if page.waiting is not None]
    assert told[-1][1] == 9
    assert all(4 < after - before < 6 for (before, _), (after, _) in pairwise(told))
    assert len(told) == 3
    assert {page.waiting for _, page in everything.pages} == {None}
    await moved.stop()
    await everything.stop()
