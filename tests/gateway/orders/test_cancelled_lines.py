"""Rows of tickets of which the staff cancelled single lines: when they are unsettled, on SQLite and on PostgreSQL."""

from collections.abc import Iterator, Mapping

import pytest

from gateway.domain.lines import Outcome, TicketState
from gateway.domain.tickets import LiveLine, LiveTicket, Position
from gateway.orders.journal import Journal
from gateway.orders.ticket_states import Page, Unsettled, Withdrawal
from gateway.storage import MIGRATIONS
from tests.support.breakable_database import BreakableDatabase
from tests.support.fake_watches import live_ticket
from tests.support.migrated import prepare
from tests.support.orders import new_id

QUEUED, PREPARING, CANCELLED = TicketState.QUEUED, TicketState.PREPARING, TicketState.CANCELLED
FIRST, SECOND = {0: "no milk"}, {0: "no milk", 2: 'it "fell"\\ 우유'}


@pytest.fixture
def journal(database_url: str) -> Iterator[Journal]:
    database = BreakableDatabase(database_url)
    prepare(database, MIGRATIONS)
    yield Journal(database)
    database.close()


@pytest.fixture
def bar(journal: Journal) -> "Bar":
    return Bar(journal)


def ticket_of(
    order_id: str, revision: int, state: TicketState, cancelled: Mapping[int, str], *, withdrawn: bool = False
) -> LiveTicket:
    lines = [
        LiveLine(item, 1, "", False, False, Outcome.CANCELLED, 350, cancelled[place])
        if place in cancelled
        else LiveLine(item, 1, "", False, False, Outcome.ACCEPTED, 350)
        for place, item in enumerate(("coffee", "soda", "tea"))
    ]
    gone = revision if state is CANCELLED else 0
    moved = revision if withdrawn or state is not CANCELLED else 1
    return live_ticket(order_id, revision, state, lines=lines, moved_at_ms=moved, cancelled_at_ms=gone)


class Bar:
    """One ticket of the bar, as it is followed."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.withdrawal = Withdrawal(new_id(), "bar")
        self.revision = 10

    async def follow(
        self,
        state: TicketState,
        cancelled: Mapping[int, str] | None = None,
        *,
        incarnation: str = "",
        withdrawn: bool = False,
    ) -> bool:
        """Follow a change, or the snapshot of another incarnation; return whether the ticket is one to settle."""
        self.revision += 1
        ticket = ticket_of(self.withdrawal.order_id, self.revision, state, cancelled or {}, withdrawn=withdrawn)
        position = Position(incarnation or "first", self.revision)
        page = Page("bar", position.incarnation, [ticket], position, is_snapshot=bool(incarnation))
        return self.withdrawal in await self.journal.write_followed(page)

    async def found(self) -> Unsettled | None:
        return await self.journal.unsettled(self.withdrawal)

    async def settled(self) -> bool:
        found = await self.found()
        assert found is not None
        return await self.journal.settle_withdrawal(self.withdrawal, found)


async def test_a_cancelled_line_is_unsettled_until_the_order_says_so(bar: Bar) -> None:
    assert await bar.follow(PREPARING, SECOND)
    assert await bar.found() == Unsettled(False, "", SECOND, gone=False)
    assert await bar.settled()
    assert await bar.found() is None
    tickets = await bar.journal.tickets([bar.withdrawal.order_id])
    assert tickets[bar.withdrawal.order_id]["bar"].cancelled_lines == SECOND


async def test_a_step_after_it_leaves_it_settled(bar: Bar) -> None:
    await bar.follow(QUEUED, FIRST)
    await bar.settled()
    for state in (PREPARING, TicketState.READY, TicketState.SERVED):
        await bar.follow(state, FIRST)
        assert await bar.found() is None


async def test_a_step_after_it_leaves_it_unsettled(bar: Bar) -> None:
    await bar.follow(QUEUED, FIRST)
    await bar.follow(PREPARING, FIRST)
    assert await bar.found() == Unsettled(False, "", FIRST, gone=False)


async def test_a_ticket_without_a_cancelled_line_is_never_unsettled(bar: Bar) -> None:
    assert not await bar.follow(PREPARING)
    assert await bar.found() is None


async def test_another_line_unsettles_it_again(bar: Bar) -> None:
    await bar.follow(QUEUED, FIRST)
    await bar.settled()
    assert await bar.follow(QUEUED, SECOND)
    assert await bar.found() == Unsettled(False, "", SECOND, gone=False)


async def test_a_line_that_another_gateway_records_meanwhile_is_not_settled_by_what_was_read_before(bar: Bar) -> None:
    await bar.follow(QUEUED, FIRST)
    found = await bar.found()
    assert found is not None
    await bar.follow(QUEUED, SECOND)
    assert not await bar.journal.settle_withdrawal(bar.withdrawal, found)
    assert await bar.found() == Unsettled(False, "", SECOND, gone=False)


async def test_an_older_revision_changes_nothing(bar: Bar) -> None:
    await bar.follow(QUEUED, SECOND)
    await bar.settled()
    bar.revision = 1
    await bar.follow(QUEUED, FIRST)
    assert await bar.found() is None


async def test_a_client_s_cancel_after_it_is_nothing_new(bar: Bar) -> None:
    await bar.follow(QUEUED, FIRST)
    await bar.settled()
    await bar.follow(CANCELLED, FIRST)
    assert await bar.found() is None


async def test_a_client_s_cancel_while_it_is_unsettled_says_that_the_ticket_is_gone(bar: Bar) -> None:
    await bar.follow(QUEUED, FIRST)
    await bar.follow(CANCELLED, FIRST)
    assert await bar.found() == Unsettled(False, "", FIRST, gone=True)


async def test_a_cancel_of_the_rest_is_to_be_settled(bar: Bar) -> None:
    await bar.follow(QUEUED, FIRST)
    await bar.settled()
    assert await bar.follow(CANCELLED, FIRST, withdrawn=True)
    assert await bar.found() == Unsettled(True, "", FIRST, gone=True)
    assert await bar.settled()


async def test_a_restored_department_that_lacks_it_unsettles_it(bar: Bar) -> None:
    await bar.follow(QUEUED, FIRST)
    await bar.settled()
    assert await bar.follow(PREPARING, incarnation="second")
    assert await bar.found() == Unsettled(False, "", {}, gone=False)
    assert await bar.settled()
    assert await bar.found() is None


async def test_a_restored_department_that_has_it_leaves_it_settled(bar: Bar) -> None:
    await bar.follow(QUEUED, FIRST)
    await bar.settled()
    await bar.follow(QUEUED, FIRST, incarnation="second")
    assert await bar.found() is None


async def test_a_ticket_that_is_in_no_snapshot_any_more_lacks_it(bar: Bar) -> None:
    """Its staff have not moved it since the copy was made: nothing is told of it."""
    await bar.follow(QUEUED, FIRST)
    await bar.settled()
    position = Position("second", 5)
    void = await bar.journal.write_followed(Page("bar", "second", [], position, is_snapshot=True))
    assert void == {bar.withdrawal}
    assert await bar.found() == Unsettled(False, "", {}, gone=False)
    assert await bar.settled()
    assert await bar.journal.tickets([bar.withdrawal.order_id]) == {}
