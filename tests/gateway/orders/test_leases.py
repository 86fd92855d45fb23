"""When a gateway takes another for dead: by the other's renewals, and by its own monotonic clock."""

from collections.abc import Iterator, Mapping

import pytest

from gateway.domain.order import Order
from gateway.orders.journal import Journal
from gateway.orders.leases import LeaseObserver
from gateway.storage import MIGRATIONS
from tests.support.breakable_database import BreakableDatabase
from tests.support.migrated import prepare
from tests.support.order_path import Hands
from tests.support.orders import order
from tests.support.postgresql import new_postgresql_database

LEASE = 6.0
LOOK = LEASE / 3


class Watcher:
    """A gateway's leases, on a clock that the test moves."""

    def __init__(self) -> None:
        self.hands = Hands()
        self._observer = LeaseObserver(LEASE, self.hands.pair.monotonic)

    def look(self, passed: float, **renewals: int) -> list[str]:
        """Look after so many seconds; return the names of those whose leases have ended."""
        self.hands.now += passed
        names = dict(enumerate(sorted(renewals)))
        return [names[number] for number in self._observer.ended({n: renewals[name] for n, name in names.items()})]


def test_who_renews_no_more_is_taken_for_dead_after_a_whole_lease() -> None:
    watcher = Watcher()
    assert [watcher.look(LOOK, dead=7) for _ in range(5)] == [[], [], [], ["dead"], ["dead"]]


def test_who_goes_on_renewing_lives() -> None:
    watcher = Watcher()
    assert [watcher.look(LOOK, alive=count) for count in range(20)] == [[]] * 20


def test_who_was_quiet_for_less_than_a_lease_starts_over() -> None:
    watcher = Watcher()
    counts = [1, 1, 1, 2, 2, 2, 3]
    assert [watcher.look(LOOK, slow=count) for count in counts] == [[]] * len(counts)


def test_a_lease_lasts_whole_from_when_it_is_first_seen() -> None:
    """Also where the watching gateway has run for long: it knows of no renewal from before."""
    watcher = Watcher()
    watcher.look(1000.0)
    assert [watcher.look(LOOK, new=0) for _ in range(3)] == [[], [], []]


@pytest.mark.parametrize("seconds", [3600.0, -86_400.0])
def test_it_does_not_matter_that_the_time_of_day_is_set(seconds: float) -> None:
    watcher = Watcher()
    assert [watcher.look(LOOK, alive=1, dead=7) for _ in range(2)] == [[], []]
    watcher.hands.set_ahead = seconds
    assert watcher.look(LOOK, alive=2, dead=7) == []
    assert watcher.look(LOOK, alive=3, dead=7) == ["dead"]


def test_a_time_in_which_no_gateway_could_renew_ends_no_lease() -> None:
    """The database was away: whoever comes back first leaves the others time to come back, too."""
    watcher = Watcher()
    watcher.look(LOOK, other=5)
    assert watcher.look(10 * LEASE, other=5) == []
    assert watcher.look(LOOK - 0.1, other=6) == []


@pytest.fixture
def database(database_url: str) -> Iterator[BreakableDatabase]:
    database = BreakableDatabase(database_url)
    prepare(database, MIGRATIONS)
    yield database
    database.close()


@pytest.fixture
def shared(postgresql: str) -> Iterator[BreakableDatabase]:
    """A journal that gateways may share."""
    database = BreakableDatabase(new_postgresql_database(postgresql))
    prepare(database, MIGRATIONS)
    yield database
    database.close()


async def enlisted(database: BreakableDatabase) -> Journal:
    journal = Journal(database)
    await journal.enlist()
    return journal


async def left_behind(journal: Journal) -> Order:
    """Write an order that nobody has finished."""
    left = order("bar coffee")
    await journal.insert(left)
    return left


async def test_each_look_renews_the_own_lease_and_shows_the_others(database: BreakableDatabase) -> None:
    one, other = await enlisted(database), await enlisted(database)
    shown: list[dict[int, int]] = []

    def note(renewals: Mapping[int, int]) -> Mapping[int, int]:
        shown.append(dict(renewals))
        return {}

    for _ in range(3):
        await one.claim(note, 10)
    if one.is_shared:
        assert shown == [{other.number: 0}] * 3
        assert await one.renewals() == {one.number: 3, other.number: 0}
    else:
        assert shown == []  # nobody shares a file: what is there is of the past, and gone at the first look
        assert await one.renewals() == {one.number: 3}


async def test_what_a_gateway_left_whose_lease_has_ended_is_taken_over(database: BreakableDatabase) -> None:
    one, other = await enlisted(database), await enlisted(database)
    left = await left_behind(one)
    claimed = await other.claim(lambda renewals: renewals, 10)
    assert claimed is not None
    assert [(each.order_id, each.owner, each.epoch) for each in claimed] == [(left.order_id, other.number, 1)]
    assert await one.claim(dict, 10) is None


async def test_a_gateway_that_renewed_after_it_was_last_seen_keeps_its_orders(shared: BreakableDatabase) -> None:
    """Its lease ended by what was seen, and it came back before it was struck off."""
    one, other = await enlisted(shared), await enlisted(shared)
    await left_behind(one)
    await one.claim(lambda _: {}, 10)
    assert await other.claim(lambda renewals: {number: count - 1 for number, count in renewals.items()}, 10) == []
    assert await one.claim(lambda _: {}, 10) == []


@pytest.mark.parametrize("seconds", [3600.0, -86_400.0])
async def test_a_lease_does_not_depend_on_any_time_of_day(shared: BreakableDatabase, seconds: float) -> None:
    """Neither the gateways' nor the database's: what the journal keeps of a lease is a number."""
    one, other = await enlisted(shared), await enlisted(shared)
    left = await left_behind(one)
    hands = Hands()
    observer = LeaseObserver(LEASE, hands.pair.monotonic)
    assert await other.claim(observer.ended, 10) == []
    hands.set_ahead = seconds
    for _ in range(2):
        hands.now += LOOK
        assert await other.claim(observer.ended, 10) == []
    hands.now += LOOK
    claimed = await other.claim(observer.ended, 10)
    assert claimed is not None
    assert [each.order_id for each in claimed] == [left.order_id]
