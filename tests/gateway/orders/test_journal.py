"""The journal, on SQLite and on PostgreSQL."""

import asyncio
import time
from collections.abc import Iterator

import pytest

from gateway.domain.currencies import Currency
from gateway.domain.errors import TakenOver
from gateway.domain.lines import LineResult, Outcome, TicketResult, TicketState
from gateway.domain.order import Order, Status
from gateway.domain.transitions import Goal
from gateway.orders.journal import RECORD_SECONDS, Journal, JournalPage
from gateway.storage import MIGRATIONS
from infra.errors import DatabaseError
from tests.support.breakable_database import BreakableDatabase
from tests.support.migrated import prepare
from tests.support.orders import all_or_nothing, new_id, order, outcomes


@pytest.fixture
def database(database_url: str) -> Iterator[BreakableDatabase]:
    database = BreakableDatabase(database_url)
    prepare(database, MIGRATIONS)
    yield database
    database.close()


@pytest.fixture
def journal(database: BreakableDatabase) -> Journal:
    return Journal(database)


def decided(*wishes: str, outcome: Outcome = Outcome.ACCEPTED, table: str | None = None) -> Order:
    """An order that its departments have responded to."""
    new = order(*wishes, table=table)
    for name, lines in new.shares.items():
        responses = [LineResult(outcome, 0, 350 if outcome is Outcome.ACCEPTED else 0)] * len(lines)
        new.record_response(name, Goal.PLACE, TicketResult(TicketState.QUEUED, responses))
    return new


async def write(journal: Journal, *orders: Order) -> None:
    for each in orders:
        await journal.insert(each)


async def test_an_order_is_read_as_it_was_written(journal: Journal) -> None:
    asked = all_or_nothing("bar coffee 2", "kitchen pizza")
    asked.table, asked.lines[1].note = "테이블 7", 'no olives, "extra" cheese\n'
    asked.currency, asked.lines[0].expected_price = Currency("KWD"), 0
    asked.lines[1].allergy = True
    assert await journal.insert(asked) is None
    found = await journal.find(asked.order_id)
    assert found == asked
    assert found is not asked
    assert found is not None
    assert [line.note for line in found.shares["kitchen"]] == [asked.lines[1].note]


async def test_an_unknown_order_is_not_found(journal: Journal) -> None:
    assert await journal.find(new_id()) is None


async def test_a_known_id_returns_the_order_that_has_it_and_writes_nothing(journal: Journal) -> None:
    first = decided("bar coffee")
    await write(journal, first)
    known = await journal.insert(order("kitchen pizza", order_id=first.order_id))
    assert known == first
    assert len((await journal.page(10, None, None, None)).orders) == 1


async def test_in_one_batch_each_new_order_learns_of_its_own_id_alone(journal: Journal) -> None:
    taken = [order("bar coffee"), order("bar soda")]
    await write(journal, *taken)
    batch = [
        order("kitchen pizza"),
        order("kitchen pasta", order_id=taken[0].order_id),
        order("kitchen meat"),
        order("bakery cookie", order_id=taken[1].order_id),
    ]
    known = await asyncio.gather(*map(journal.insert, batch))
    assert known == [None, taken[0], None, taken[1]]
    assert await journal.find(batch[2].order_id) == batch[2]


async def test_a_batch_is_one_transaction(journal: Journal, database: BreakableDatabase) -> None:
    await asyncio.gather(*(journal.insert(order("bar coffee")) for _ in range(50)))
    assert database.writes == 1


async def test_an_update_is_on_disk_when_it_returns(journal: Journal) -> None:
    asked = order("bar coffee", "bar beer")
    await write(journal, asked)
    asked.record_response(
        "bar",
        Goal.PLACE,
        TicketResult(
            TicketState.QUEUED, [LineResult(Outcome.ACCEPTED, 0, 350), LineResult(Outcome.OUT_OF_STOCK, 3, 0)]
        ),
    )
    asked.response_recorded = True
    await journal.update(asked)
    found = await journal.find(asked.order_id)
    assert found == asked
    assert found is not None
    assert found.lines[1].reason == "3 left"
    assert await journal.unfinished() == []


async def test_a_new_order_and_its_update_may_share_a_batch(journal: Journal, database: BreakableDatabase) -> None:
    asked = order("bar coffee")
    insert = journal.insert(asked)
    asked.response_recorded = True
    await asyncio.gather(insert, journal.update(asked))
    found = await journal.find(asked.order_id)
    assert found is not None
    assert found.response_recorded
    assert database.writes == 1


async def test_of_several_words_on_one_order_the_last_one_wins(journal: Journal) -> None:
    asked = order("bar coffee")
    await write(journal, asked)
    words = []
    for reason in ("first", "second", "third"):
        asked.lines[0].reason = reason
        words.append(journal.update_later(asked))
    await asyncio.gather(*words)
    found = await journal.find(asked.order_id)
    assert found is not None
    assert found.lines[0].reason == "third"


async def test_what_is_written_later_is_the_order_as_it_was_when_it_was_submitted(journal: Journal) -> None:
    asked = order("bar coffee")
    await write(journal, asked)
    later = journal.update_later(asked)
    asked.lines[0].reason = "never given"
    await later
    found = await journal.find(asked.order_id)
    assert found is not None
    assert found.lines[0].reason is None


async def test_what_may_be_written_later_goes_with_the_next_batch(
    journal: Journal, database: BreakableDatabase
) -> None:
    asked = order("bar coffee")
    await write(journal, asked)
    asked.response_recorded = True
    later = journal.update_later(asked)
    await journal.insert(order("kitchen pizza"))
    assert later.done()
    assert database.writes == 2


async def test_what_may_be_written_later_does_not_wait_for_ever(journal: Journal) -> None:
    asked = order("bar coffee")
    await write(journal, asked)
    asked.response_recorded = True
    started = time.monotonic()
    await journal.update_later(asked)
    assert time.monotonic() - started >= RECORD_SECONDS * 0.9
    found = await journal.find(asked.order_id)
    assert found is not None
    assert found.response_recorded


async def test_flush_writes_what_may_be_written_later_now(journal: Journal) -> None:
    asked = order("bar coffee")
    await write(journal, asked)
    later = journal.update_later(asked)
    await journal.flush()
    assert later.done()


async def test_flush_does_not_wait_for_what_comes_after_it(journal: Journal) -> None:
    keep_going = True

    async def client() -> None:
        while keep_going:
            await journal.insert(order("bar coffee"))

    clients = [asyncio.create_task(client()) for _ in range(8)]
    await asyncio.sleep(0)
    try:
        async with asyncio.timeout(5):
            await journal.flush()
    finally:
        keep_going = False
        await asyncio.gather(*clients)


async def test_an_update_of_an_order_that_is_not_there_changes_nothing(journal: Journal) -> None:
    with pytest.raises(TakenOver):
        await journal.update(order("bar coffee"))
    assert await journal.page(10, None, None, None) == JournalPage([], None)


async def test_pages_are_newest_first_and_follow_their_cursor(journal: Journal) -> None:
    asked = [order("bar coffee") for _ in range(7)]
    await write(journal, *asked)
    seen: list[Order] = []
    cursor, sizes = None, []
    while True:
        page = await journal.page(3, cursor, None, None)
        seen += page.orders
        sizes.append(len(page.orders))
        cursor = page.cursor
        if cursor is None:
            break
    assert seen == asked[::-1]
    assert sizes == [3, 3, 1]


async def test_a_page_that_is_full_and_last_has_no_cursor(journal: Journal) -> None:
    await write(journal, order("bar coffee"), order("bar soda"))
    page = await journal.page(2, None, None, None)
    assert len(page.orders) == 2
    assert page.cursor is None


async def test_what_is_placed_meanwhile_does_not_shift_the_pages(journal: Journal) -> None:
    asked = [order("bar coffee") for _ in range(4)]
    await write(journal, *asked)
    first = await journal.page(2, None, None, None)
    await write(journal, order("bar soda"))
    second = await journal.page(2, first.cursor, None, None)
    assert first.orders + second.orders == asked[::-1]


async def test_pages_are_filtered_by_status_and_by_table(journal: Journal) -> None:
    made = [decided("bar coffee", table=table) for table in ("7", "8", None)]
    refused = decided("bar beer", outcome=Outcome.OUT_OF_STOCK, table="7")
    pending = order("bar coffee", table="7")
    await write(journal, *made, refused, pending)

    async def ids(status: Status | None, table: str | None) -> list[str]:
        return [each.order_id for each in (await journal.page(50, None, status, table)).orders]

    assert await ids(Status.ACCEPTED, None) == [each.order_id for each in made[::-1]]
    assert await ids(None, "7") == [pending.order_id, refused.order_id, made[0].order_id]
    assert await ids(Status.REFUSED, "7") == [refused.order_id]
    assert await ids(Status.PENDING, "8") == []


async def test_a_filtered_page_has_a_cursor_of_its_own(journal: Journal) -> None:
    asked = [order("bar coffee", table="7" if number % 2 else "8") for number in range(6)]
    await write(journal, *asked)
    first = await journal.page(2, None, None, "7")
    second = await journal.page(2, first.cursor, None, "7")
    assert [each.order_id for each in first.orders + second.orders] == [asked[n].order_id for n in (5, 3, 1)]
    assert second.cursor is None


async def test_the_unfinished_are_those_that_owe_something_oldest_first(journal: Journal) -> None:
    asked = [order("bar coffee") for _ in range(3)]
    await write(journal, asked[0], decided("bar soda"), asked[1], asked[2])
    assert await journal.unfinished() == [each.order_id for each in asked]


@pytest.mark.parametrize("goal", list(Goal))
async def test_what_is_owed_survives_a_restart(database_url: str, goal: Goal) -> None:
    asked = order("bar coffee")
    asked.owed = {"bar": goal}
    first = BreakableDatabase(database_url)
    prepare(first, MIGRATIONS)
    await write(Journal(first), asked)
    first.close()
    second = BreakableDatabase(database_url)
    prepare(second, MIGRATIONS)
    assert await Journal(second).find(asked.order_id) == asked
    second.close()


async def test_a_restart_keeps_every_order_and_their_sequence(database_url: str) -> None:
    asked = [decided("bar coffee 2", "kitchen pizza"), order("bar soda", table="7"), all_or_nothing("bar coffee")]
    first = BreakableDatabase(database_url)
    prepare(first, MIGRATIONS)
    await write(Journal(first), *asked)
    first.close()
    second = BreakableDatabase(database_url)
    prepare(second, MIGRATIONS)
    journal = Journal(second)
    await write(journal, order("bakery cookie"))
    page = await journal.page(10, None, None, None)
    assert page.orders[1:] == asked[::-1]
    second.close()


async def test_a_journal_that_can_be_written_says_so(journal: Journal) -> None:
    assert await journal.is_writable()


async def test_a_journal_that_cannot_be_written_says_so_and_why(journal: Journal, database: BreakableDatabase) -> None:
    database.is_broken = True
    assert not await journal.is_writable()
    for write in (journal.insert, journal.update, journal.update_later):
        with pytest.raises(DatabaseError, match="the disk is gone"):
            await write(order("bar coffee"))
    with pytest.raises(DatabaseError, match="the disk is gone"):
        await journal.find(new_id())
    with pytest.raises(DatabaseError, match="the disk is gone"):
        await journal.page(1, None, None, None)
    with pytest.raises(DatabaseError, match="the disk is gone"):
        await journal.unfinished()


async def test_a_failure_reaches_all_in_its_batch_and_none_after_it(
    journal: Journal, database: BreakableDatabase
) -> None:
    database.is_broken = True
    results = await asyncio.gather(*(journal.insert(order("bar coffee")) for _ in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [DatabaseError] * 3
    database.is_broken = False
    after = order("bar coffee")
    await write(journal, after)
    assert (await journal.page(10, None, None, None)).orders == [after]


async def test_notes_and_items_of_any_characters_are_kept(journal: Journal) -> None:
    asked = order("bar coffee")
    asked.lines[0].note = "".join(map(chr, (1, 0x7F, 0x80, 0x2028, 0xFFFF, 0x1F355))) + "'\"\\$.%s:rows"
    asked.lines[0].item, asked.table = "커피 ☕", "'; --"
    await write(journal, asked)
    found = await journal.find(asked.order_id)
    assert found == asked
    assert outcomes(asked) == ["pending"]
