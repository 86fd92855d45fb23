"""The gateway's decisions in transactions: confirm, suspend, cancel. The fixture checks the stock law every time."""

from itertools import permutations

import pytest

from departments.domain.errors import (
    StepNotAllowed,
)
from departments.domain.stock import Stock
from departments.domain.tickets import Decision, Ticket, TicketState, Verb
from tests.departments.department_database import DepartmentDatabase, state
from tests.support.department_factories import WALKS, coffees, new_id, order

# --- holding, confirming, cancelling ---


async def test_a_held_order_that_is_confirmed_is_queued_and_sold(department: DepartmentDatabase) -> None:
    placement = order(("coffee", 3), ("beer", 1), hold=True)
    held = await department.place_one(placement)
    assert (held.state, await department.stock()) == (TicketState.HELD, Stock("coffee", 10, 7, 3, 0))
    (confirmed,) = await department.confirm(placement.order_id)
    assert state(confirmed) is TicketState.QUEUED
    assert isinstance(confirmed, Ticket)
    assert confirmed.lines == held.lines
    assert confirmed.revision > held.revision
    assert await department.stock() == Stock("coffee", 10, 7, 0, 3)


async def test_confirming_again_changes_nothing(department: DepartmentDatabase) -> None:
    placement = coffees(3, hold=True)
    await department.place(placement)
    first = await department.confirm(placement.order_id, placement.order_id)
    assert first[0] == first[1]
    assert await department.confirm(placement.order_id) == first[:1]
    assert await department.stock() == Stock("coffee", 10, 7, 0, 3)


async def test_confirming_leaves_what_is_not_held_as_it_is(department: DepartmentDatabase) -> None:
    queued, refused, cancelled = coffees(1), order(("beer", 1)), coffees(1, hold=True)
    before = await department.place(queued, refused)
    await department.place(cancelled)
    before += await department.cancel(cancelled.order_id)
    assert await department.confirm(queued.order_id, refused.order_id, cancelled.order_id) == before


async def test_confirming_what_was_not_placed_leaves_a_tombstone(department: DepartmentDatabase) -> None:
    placement, unknown = coffees(1, hold=True), new_id()
    await department.place(placement)
    missing, confirmed = await department.confirm(unknown, placement.order_id)
    assert state(missing) is TicketState.CANCELLED
    assert state(confirmed) is TicketState.QUEUED
    assert state(await department.place_one(coffees(1, order_id=unknown))) is TicketState.CANCELLED


@pytest.mark.parametrize("hold", [True, False])
async def test_cancelling_puts_back_what_is_not_started(department: DepartmentDatabase, hold: bool) -> None:
    placement = order(("coffee", 3), ("beer", 1), ("soda", 2), hold=hold)
    await department.place(placement)
    (result,) = await department.cancel(placement.order_id)
    assert state(result) is TicketState.CANCELLED
    assert await department.stock("coffee") == Stock("coffee", 10, 10, 0, 0)
    assert await department.stock("soda") == Stock("soda", 5, 5, 0, 0)


async def test_cancelling_again_changes_nothing(department: DepartmentDatabase) -> None:
    placement = coffees(3)
    await department.place(placement)
    first = await department.cancel(placement.order_id, placement.order_id)
    assert first[0] == first[1]
    assert await department.cancel(placement.order_id) == first[:1]
    assert await department.stock() == Stock("coffee", 10, 10, 0, 0)


@pytest.mark.parametrize("reached", [TicketState.PREPARING, TicketState.READY, TicketState.SERVED])
async def test_a_client_cannot_cancel_what_was_started(department: DepartmentDatabase, reached: TicketState) -> None:
    placement = coffees(3)
    await department.place(placement)
    before = await department.move(placement.order_id, *WALKS[reached][1:])
    assert await department.cancel(placement.order_id) == [before]
    assert before.state is reached
    assert await department.stock() == Stock("coffee", 10, 7, 0, 3)


async def test_a_late_copy_of_a_cancel_that_was_refused_does_not_cancel_what_was_recalled(
    department: DepartmentDatabase,
) -> None:
    placement = coffees(3)
    await department.place(placement)
    await department.move(placement.order_id, Verb.START)
    await department.cancel(placement.order_id, epoch=2)
    recalled = await department.move(placement.order_id, Verb.RECALL)
    for late in (1, 2):
        assert await department.cancel(placement.order_id, epoch=late) == [recalled]
    assert await department.stock() == Stock("coffee", 10, 7, 0, 3)
    (cancelled,) = await department.cancel(placement.order_id, epoch=3)  # its client has asked once more
    assert state(cancelled) is TicketState.CANCELLED


async def test_a_cancel_without_an_epoch_counts_whatever_was_refused_before(department: DepartmentDatabase) -> None:
    placement = coffees(3)
    await department.place(placement)
    await department.move(placement.order_id, Verb.START)
    before = await department.cancel(placement.order_id, epoch=2)
    assert await department.cancel(placement.order_id) == before
    await department.move(placement.order_id, Verb.RECALL)
    (cancelled,) = await department.cancel(placement.order_id)
    assert state(cancelled) is TicketState.CANCELLED


async def test_what_was_decided_after_a_refused_cancel_counts(department: DepartmentDatabase) -> None:
    placement = coffees(3)
    await department.place(placement)
    await department.move(placement.order_id, Verb.START)
    await department.cancel(placement.order_id, epoch=2)
    await department.move(placement.order_id, Verb.RECALL)
    (suspended,) = await department.suspend(placement.order_id, epoch=3)
    assert state(suspended) is TicketState.HELD


async def test_cancelling_an_order_of_which_nothing_was_accepted_leaves_its_refusal(
    department: DepartmentDatabase,
) -> None:
    placement = order(("beer", 1))
    results = await department.place(placement)
    assert await department.cancel(placement.order_id) == results
    assert await department.place(placement) == results


async def test_cancelling_what_was_never_placed_leaves_a_tombstone_that_refuses_it(
    department: DepartmentDatabase,
) -> None:
    late = order(("coffee", 3), ("beer", 1))
    (stone,) = await department.cancel(late.order_id, now_ms=7)
    revision = (await department.stock_levels()).revision
    assert stone == Ticket(late.order_id, "", TicketState.CANCELLED, [], 7, revision, cancelled_at_ms=7)
    assert await department.place(late) == [stone]
    assert await department.place(coffees(9, order_id=late.order_id, hold=True)) == [stone]
    assert await department.confirm(late.order_id) == [stone]
    assert await department.cancel(late.order_id) == [stone]
    assert await department.stock() == Stock("coffee", 10, 10, 0, 0)


async def test_a_batch_of_cancels_may_mix_known_unknown_started_and_repeated(department: DepartmentDatabase) -> None:
    queued, held, started, unknown = coffees(1), coffees(2, hold=True), coffees(3), new_id()
    await department.place(queued, held, started)
    await department.move(started.order_id, Verb.START)
    ids = [unknown, queued.order_id, started.order_id, held.order_id, unknown, queued.order_id]
    results = await department.cancel(*ids)
    assert [result.order_id for result in results if isinstance(result, Ticket)] == ids
    assert [state(result) for result in results] == [
        TicketState.CANCELLED,
        TicketState.CANCELLED,
        TicketState.PREPARING,
        TicketState.CANCELLED,
        TicketState.CANCELLED,
        TicketState.CANCELLED,
    ]
    assert await department.stock() == Stock("coffee", 10, 7, 0, 3)
    assert await department.cancel(*ids) == results
    revisions = [ticket.revision for ticket in (await department.changes())[0]]
    assert len(set(revisions)) == len(revisions) == 4


# --- suspending, and decisions that overtake each other ---


async def test_a_queued_order_that_is_suspended_is_held_again_and_so_is_its_stock(
    department: DepartmentDatabase,
) -> None:
    placement = order(("coffee", 3), ("beer", 1), ("soda", 2), hold=True)
    await department.place(placement)
    (queued,) = await department.confirm(placement.order_id, epoch=1)
    (suspended,) = await department.suspend(placement.order_id, epoch=2)
    assert isinstance(queued, Ticket)
    assert isinstance(suspended, Ticket)
    assert (suspended.state, suspended.lines) == (TicketState.HELD, queued.lines)
    assert suspended.revision > queued.revision
    assert await department.stock("coffee") == Stock("coffee", 10, 7, 3, 0)
    assert await department.stock("soda") == Stock("soda", 5, 3, 2, 0)
    with pytest.raises(StepNotAllowed, match="is held: start is not allowed, nothing is"):
        await department.move(placement.order_id, Verb.START)


async def test_what_is_suspended_can_be_confirmed_again(department: DepartmentDatabase) -> None:
    placement = coffees(3, hold=True)
    await department.place(placement)
    await department.confirm(placement.order_id, epoch=1)
    await department.suspend(placement.order_id, epoch=2)
    (again,) = await department.confirm(placement.order_id, epoch=3)
    assert state(again) is TicketState.QUEUED
    assert await department.stock() == Stock("coffee", 10, 7, 0, 3)


async def test_what_is_suspended_can_be_cancelled_for_good(department: DepartmentDatabase) -> None:
    placement = coffees(3, hold=True)
    await department.place(placement)
    await department.confirm(placement.order_id, epoch=1)
    await department.suspend(placement.order_id, epoch=2)
    cancelled = await department.cancel(placement.order_id)
    assert state(cancelled[0]) is TicketState.CANCELLED
    for late in (
        await department.confirm(placement.order_id, epoch=1),
        await department.suspend(placement.order_id, epoch=2),
        await department.confirm(placement.order_id, epoch=9),
        await department.suspend(placement.order_id, epoch=9),
    ):
        assert state(late[0]) is TicketState.CANCELLED
    assert await department.stock() == Stock("coffee", 10, 10, 0, 0)


async def test_a_confirm_that_comes_after_the_later_suspend_is_ignored(department: DepartmentDatabase) -> None:
    placement = coffees(3, hold=True)
    await department.place(placement)
    await department.confirm(placement.order_id, epoch=1)
    suspended = await department.suspend(placement.order_id, epoch=2)
    assert await department.confirm(placement.order_id, epoch=1) == suspended
    assert await department.stock() == Stock("coffee", 10, 7, 3, 0)


async def test_a_suspend_that_comes_after_the_later_confirm_is_ignored(department: DepartmentDatabase) -> None:
    placement = coffees(3, hold=True)
    await department.place(placement)
    confirmed = await department.confirm(placement.order_id, epoch=3)
    assert await department.suspend(placement.order_id, epoch=2) == confirmed
    assert await department.stock() == Stock("coffee", 10, 7, 0, 3)


async def test_a_doubled_message_gets_the_same_ticket_and_changes_nothing(department: DepartmentDatabase) -> None:
    placement = coffees(3, hold=True)
    await department.place(placement)
    for settle, epoch in ((department.confirm, 1), (department.suspend, 2), (department.confirm, 3)):
        first = await settle(placement.order_id, placement.order_id, epoch=epoch)
        assert first[0] == first[1]
        before = (await department.stock_levels()).stock, (await department.changes())[0]
        assert await settle(placement.order_id, epoch=epoch) == first[:1]
        assert ((await department.stock_levels()).stock, (await department.changes())[0]) == before


@pytest.mark.parametrize("settled", [(Verb.CONFIRM, TicketState.QUEUED), (Verb.SUSPEND, TicketState.HELD)])
async def test_a_decision_that_changes_nothing_else_is_recorded_against_older_ones(
    department: DepartmentDatabase, settled: tuple[Verb, TicketState]
) -> None:
    verb, reached = settled
    other = Verb.SUSPEND if verb is Verb.CONFIRM else Verb.CONFIRM
    placement = coffees(3, hold=reached is TicketState.HELD)
    before = await department.place_one(placement)
    assert before.state is reached
    (ticket,) = await department.settle(verb, Decision(placement.order_id, 5))
    assert isinstance(ticket, Ticket)
    assert (ticket.state, ticket.epoch, ticket.revision) == (reached, 5, before.revision)  # the staff see no change
    assert await department.settle(other, Decision(placement.order_id, 4)) == [ticket]
    assert state((await department.settle(other, Decision(placement.order_id, 5)))[0]) is not reached


@pytest.mark.parametrize("reached", [TicketState.PREPARING, TicketState.READY, TicketState.SERVED])
async def test_what_was_started_is_not_suspended_and_keeps_its_state(
    department: DepartmentDatabase, reached: TicketState
) -> None:
    placement = coffees(3, hold=True)
    await department.place(placement)
    await department.confirm(placement.order_id, epoch=1)
    before = await department.move(placement.order_id, *WALKS[reached][1:])
    (result,) = await department.suspend(placement.order_id, epoch=2)
    assert isinstance(result, Ticket)
    assert (result.state, result.revision, result.epoch) == (reached, before.revision, 2)
    assert await department.stock() == Stock("coffee", 10, 7, 0, 3)


async def test_a_suspend_that_a_started_order_has_overtaken_is_ignored_also_when_it_is_recalled(
    department: DepartmentDatabase,
) -> None:
    placement = coffees(3, hold=True)
    await department.place(placement)
    await department.confirm(placement.order_id, epoch=1)
    await department.move(placement.order_id, Verb.START)
    await department.suspend(placement.order_id, epoch=2)
    await department.confirm(placement.order_id, epoch=3)
    recalled = await department.move(placement.order_id, Verb.RECALL)
    assert await department.suspend(placement.order_id, epoch=2) == [recalled]
    assert recalled.state is TicketState.QUEUED


async def test_the_staff_cannot_cancel_what_is_held(department: DepartmentDatabase) -> None:
    placement = coffees(2, hold=True)
    await department.place(placement)
    with pytest.raises(StepNotAllowed, match="is held: cancel is not allowed, nothing is"):
        await department.move(placement.order_id, Verb.CANCEL)
    assert await department.stock() == Stock("coffee", 10, 8, 2, 0)


async def test_suspending_leaves_what_is_not_queued_as_it_is(department: DepartmentDatabase) -> None:
    held, refused, cancelled = coffees(1, hold=True), order(("beer", 1)), coffees(1)
    before = await department.place(held, refused)
    await department.place(cancelled)
    before += [*await department.cancel(cancelled.order_id), *await department.cancel(new_id())]
    ids = [ticket.order_id for ticket in before if isinstance(ticket, Ticket)]
    assert await department.suspend(*ids) == before


async def test_suspending_what_was_not_placed_leaves_a_tombstone(department: DepartmentDatabase) -> None:
    placement, unknown = coffees(1), new_id()
    await department.place(placement)
    missing, suspended = await department.suspend(unknown, placement.order_id)
    assert state(missing) is TicketState.CANCELLED
    assert state(suspended) is TicketState.HELD
    assert state(await department.place_one(coffees(1, order_id=unknown))) is TicketState.CANCELLED


async def test_in_whatever_sequence_decisions_arrive_the_latest_counts(department: DepartmentDatabase) -> None:
    rounds = [(Verb.CONFIRM, 1), (Verb.SUSPEND, 2), (Verb.CONFIRM, 3), (Verb.SUSPEND, 4)]
    for latest, reached, taken in ((3, TicketState.QUEUED, (0, 1)), (4, TicketState.HELD, (1, 0))):
        for sequence in permutations(rounds[:latest]):
            placement = coffees(1, hold=True)
            await department.place(placement)
            for verb, epoch in [*sequence, *sequence]:
                (result,) = await department.settle(verb, Decision(placement.order_id, epoch))
            assert state(result) is reached, sequence
            figures = await department.stock()
            assert (figures.held, figures.sold) == taken
            await department.cancel(placement.order_id)


async def test_the_same_order_twice_in_a_batch_counts_with_its_highest_epoch(department: DepartmentDatabase) -> None:
    rising, falling, late = coffees(1), coffees(2), coffees(3)
    await department.place(rising, falling, late)
    await department.confirm(late.order_id, epoch=9)
    epochs = [(rising, 4), (falling, 6), (late, 7), (rising, 5), (falling, 4), (late, 8)]
    results = await department.settle(
        Verb.SUSPEND, *(Decision(placement.order_id, epoch) for placement, epoch in epochs)
    )
    assert [(result.state, result.epoch) for result in results if isinstance(result, Ticket)] == 2 * [
        (TicketState.HELD, 5),
        (TicketState.HELD, 6),
        (TicketState.QUEUED, 9),
    ]
    assert await department.stock() == Stock("coffee", 10, 4, 3, 3)


@pytest.mark.parametrize("epoch", [0, 1, 2**53 + 1, 2**63 - 1])
async def test_an_epoch_outlives_a_restart_however_high_it_is(database_url: str, epoch: int) -> None:
    placement = coffees(1, hold=True)
    first = await DepartmentDatabase.open(database_url)
    await first.place(placement)
    results = await first.confirm(placement.order_id, epoch=epoch)
    first.database.close()
    second = await DepartmentDatabase.open(database_url)
    ticket = await second.place_one(placement)
    assert ([ticket], ticket.epoch) == (results, epoch)
    await second.check_the_law()
    second.database.close()


async def test_a_ticket_that_the_gateway_cancels_has_the_time(department: DepartmentDatabase) -> None:
    held, queued = coffees(1, hold=True), coffees(1)
    await department.place(held, queued)
    await department.cancel(held.order_id, queued.order_id, now_ms=8)
    await department.cancel(held.order_id, queued.order_id, now_ms=9)
    assert [ticket.cancelled_at_ms for ticket in (await department.changes())[0]] == [8, 8]
