"""Short order numbers as the journal gives them: once a day, whatever fails, and however many gateways there are."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from gateway.domain.days import Calendar
from gateway.domain.lines import Outcome, TicketState
from gateway.domain.order import Order
from gateway.domain.tickets import Position
from gateway.orders.journal import Journal
from gateway.orders.numbering import BLOCK
from gateway.orders.ticket_states import Page
from gateway.storage import MIGRATIONS
from infra.db.database import Database
from infra.errors import DatabaseError
from tests.support.breakable_database import BreakableDatabase
from tests.support.fake_watches import live_ticket
from tests.support.migrated import prepare
from tests.support.order_path import Restaurant
from tests.support.orders import NOON_MS, order
from tests.support.postgresql import new_postgresql_database

DAY_MS = 86_400_000
HOUR_MS = 3_600_000


@contextmanager
def opened(url: str) -> Iterator[Database]:
    database = Database(url, "gateway")
    prepare(database, MIGRATIONS)
    try:
        yield database
    finally:
        database.close()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    with opened(database_url) as database:
        yield database


async def insert(journal: Journal, count: int, at: Callable[[int], int] = lambda _: NOON_MS) -> list[Order]:
    placed = [order("bar coffee", now_ms=at(place)) for place in range(count)]
    assert await asyncio.gather(*map(journal.insert, placed)) == [None] * count
    return placed


def numbers(*placed: list[Order]) -> list[int]:
    return [each.number for part in placed for each in part]


async def test_every_order_has_a_number_that_no_other_of_the_day_has(database: Database) -> None:
    journal = Journal(database)
    placed = [await insert(journal, count) for count in (1, 1, BLOCK, 3, 100, 1)]
    given = numbers(*placed)
    assert len(set(given)) == len(given)
    assert all(550 <= number <= 999 for number in given)


async def test_an_order_is_read_with_its_number(database: Database) -> None:
    journal = Journal(database)
    ((placed,),) = (await insert(journal, 1),)
    found = await journal.find(placed.order_id)
    assert found is not None
    assert found.number == placed.number


async def test_an_order_that_is_sent_again_keeps_its_number(restaurant: Restaurant) -> None:
    placed = await restaurant.service.place(order("bar coffee"))
    again = await restaurant.service.place(order("bar coffee", order_id=placed.order_id))
    assert again.number == placed.number != 0
    await restaurant.settle()
    after = await restaurant.service.place(order("bar coffee", order_id=placed.order_id))
    assert after.number == placed.number


async def test_numbers_go_on_after_a_restart(database: Database) -> None:
    first = await insert(Journal(database), 5)
    second = await insert(Journal(database), 5)
    assert len(set(numbers(first, second))) == 10


async def test_orders_around_midnight_have_numbers_of_different_halves(database: Database) -> None:
    journal = Journal(database, calendar=Calendar(ZoneInfo("Asia/Seoul")))
    # 15:06 UTC is 00:06 in Seoul: an hour before is the day before.
    placed = await insert(journal, 12, lambda place: NOON_MS - HOUR_MS * (place % 2))
    later = await insert(journal, 4, lambda _: NOON_MS + DAY_MS)
    halves = [each.number >= 550 for each in placed]
    assert halves == [halves[0], not halves[0]] * 6
    assert all((each.number >= 550) is not halves[0] for each in later)
    assert len(set(numbers(placed[::2], later))) == 10


async def test_a_number_of_a_write_that_failed_is_not_given_again(tmp_path_factory: pytest.TempPathFactory) -> None:
    database = BreakableDatabase(f"sqlite:///{tmp_path_factory.mktemp('journal')}/gateway.db")
    prepare(database, MIGRATIONS)
    journal = Journal(database)
    given: list[int] = []
    for count in (1, 3, BLOCK, 2):
        given += numbers(await insert(journal, count))
        database.is_broken = True
        lost = [order("bar coffee") for _ in range(count)]
        results = await asyncio.gather(*map(journal.insert, lost), return_exceptions=True)
        assert all(isinstance(result, DatabaseError) for result in results)
        database.is_broken = False
        given += [number for number in numbers(lost) if number]
    assert len(set(given)) == len(given)
    database.close()


async def test_gateways_that_share_a_journal_give_no_number_twice(postgresql: str) -> None:
    url = new_postgresql_database(postgresql)
    with opened(url) as one, opened(url) as other:
        placed = await asyncio.gather(*(insert(journal, 40) for journal in (Journal(one), Journal(other))))
    assert len(set(numbers(*placed))) == 80


async def open_order(journal: Journal, at_ms: int) -> Order:
    placed = order("bar coffee", now_ms=at_ms)
    placed.owed, placed.lines[0].outcome = {}, Outcome.ACCEPTED
    assert await journal.insert(placed) is None
    return placed


async def finish(journal: Journal, placed: Sequence[Order], state: TicketState) -> None:
    """Let the staff finish these orders' tickets."""
    tickets = [
        live_ticket(each.order_id, revision, state, moved_at_ms=2, cancelled_at_ms=1)
        for revision, each in enumerate(placed, start=1)
    ]
    await journal.write_followed(Page("bar", "first", tickets, Position("first", len(tickets)), is_snapshot=False))


async def test_an_open_order_of_days_ago_keeps_its_number_for_itself(database: Database) -> None:
    """All numbers of three digits that a day has are held by orders of two days ago, but those of finished orders."""
    journal = Journal(database)
    before = await asyncio.gather(*(open_order(journal, NOON_MS) for _ in range(450)))
    assert max(numbers(before)) <= 999
    await finish(journal, before[:10], TicketState.SERVED)
    await finish(journal, before[10:15], TicketState.CANCELLED)
    later = [await insert(other, 40, lambda _: NOON_MS + 2 * DAY_MS) for other in (journal, Journal(database))]
    held = set(numbers(before[15:]))
    given = numbers(*later)
    assert not held.intersection(given)
    assert len(set(given)) == len(given) == 80
    assert {number for number in given if number <= 999} == set(numbers(before[:15]))


async def test_an_order_that_nobody_served_for_two_weeks_gives_its_number_back(database: Database) -> None:
    journal = Journal(database)
    await asyncio.gather(*(open_order(journal, NOON_MS) for _ in range(450)))
    later = await insert(journal, 40, lambda _: NOON_MS + 16 * DAY_MS)
    assert max(numbers(later)) <= 999


async def test_an_order_that_was_refused_and_one_that_cannot_be_read(database: Database) -> None:
    """The first holds no number; nobody knows about the second, so it keeps its own."""
    journal = Journal(database)
    placed = await asyncio.gather(*(open_order(journal, NOON_MS) for _ in range(450)))

    def write(connection: sa.Connection) -> None:
        change = sa.text("UPDATE orders SET lines = :lines, status = :status WHERE order_id = :order_id")
        for each in placed[:100]:
            connection.execute(change, {"lines": "new", "status": "accepted", "order_id": each.order_id})
        for each in placed[100:]:
            connection.execute(change, {"lines": "[]", "status": "refused", "order_id": each.order_id})

    await database.write(write)
    given = numbers(await insert(journal, 100, lambda _: NOON_MS + 2 * DAY_MS))
    assert not set(numbers(placed[:100])).intersection(given)
    assert max(given) <= 999
