"""Random changes, and watchers that break at random: in the end every picture is the department's, nothing came twice.

The department is in memory, and time is virtual; test_watch_changes.py does the same with databases and gRPC.
"""

import asyncio
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from departments.feed import Watcher
from tests.departments.fake_changes import FakeDepartment, Watch
from tests.support.samples import examples
from tests.support.virtual_time import run_virtually


class Follower:
    """Follows the changes over one watch after another, each from where the one before ended."""

    def __init__(self, department: FakeDepartment, moved_only: bool) -> None:
        self.watch = Watch(department, Watcher("", 0), moved_only)

    async def go_on(self) -> None:
        """Break, wherever that may be, and begin again."""
        if self.watch.task is not None:
            await self.watch.stop()
        self.watch.watcher = Watcher(self.watch.incarnation, self.watch.revision)
        self.watch.start()


def expected(department: FakeDepartment, moved_only: bool) -> dict[str, int]:
    return {
        order_id: ticket.revision
        for order_id, ticket in department.tickets.items()
        if ticket.moved_at_ms or not moved_only
    }


async def follow(seed: int, steps: int, shared: bool) -> None:
    dice = random.Random(seed)
    department = FakeDepartment(seconds=dice.choice([0.0, 0.0005, 0.01]))
    department.is_shared = shared
    followers = [Follower(department, moved_only) for moved_only in (False, False, True)]
    for follower in followers:
        await follower.go_on()
    for _ in range(steps):
        for _ in range(dice.choice([0, 1, 1, 5])):
            department.change(
                f"{dice.randrange(20)}", moved=dice.random() < 0.3, announce=not (shared and dice.random() < 0.5)
            )
        follower = dice.choice(followers)
        if dice.random() < 0.2:
            await follower.go_on()
        elif dice.random() < 0.1:
            follower.watch.gate.clear()
        else:
            follower.watch.gate.set()
        await asyncio.sleep(dice.choice([0.0, 0.001, 0.03, 0.5, 6.0]))
    for follower in followers:
        follower.watch.gate.set()
    await asyncio.sleep(20)
    for follower in followers:
        watch = follower.watch
        assert watch.task is not None
        if watch.task.done():
            watch.task.result()
        assert watch.picture == expected(department, watch.moved_only)
        assert watch.revision == department.revision
        await watch.stop()


@settings(max_examples=examples(200), deadline=None)
@given(seed=st.integers(0, 2**32), steps=st.integers(1, 60), shared=st.booleans())
def test_a_watcher_that_breaks_at_random_has_every_change_exactly_once(seed: int, steps: int, shared: bool) -> None:
    run_virtually(follow(seed, steps, shared))
