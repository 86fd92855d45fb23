"""The transactions on both databases. The fixture checks the stock law, from the tickets, after every test."""

from itertools import permutations

import pytest
from sqlalchemy import Connection, text

from departments import tables
from departments.domain.errors import (
    OrderIdTaken,
    OrderNotFound,
    StepConflict,
    StepIdTaken,
    StepNotAllowed,
    TicketUnreadable,
)
from departments.domain.placing import Placement, RequestedLine
from departments.domain.positions import Position
from departments.domain.steps import Move
from departments.domain.stock import Stock
from departments.domain.tickets import Decision, Outcome, Ticket, TicketLine, TicketState, Verb
from tests.departments.department_database import DepartmentDatabase, state
from tests.departments.factories import BAR, NEXT, WALKS, coffees, new_id, order, small_menu

# --- opening ---


async def test_opening_stock_is_laid_in_as_the_menu_says(department: DepartmentDatabase) -> None:
    assert (await department.stock_levels()).stock == {
        "coffee": Stock("coffee", 10, 10, 0, 0),
        "soda": Stock("soda", 5, 5, 0, 0),
        "beer": Stock("beer", 0, 0, 0, 0),
    }


async def test_opening_again_refills_nothing_and_lays_in_only_what_is_new(database_url: str) -> None:
    first = await DepartmentDatabase.open(database_url, small_menu(coffee=10, soda=5))
    await first.place_one(coffees(4))
    first.database.close()
    second = await DepartmentDatabase.open(database_url, small_menu(coffee=99, tea=7))
    assert (await second.stock_levels()).stock == {
        "coffee": Stock("coffee", 10, 6, 0, 4),
        "soda": Stock("soda", 5, 5, 0, 0),
        "tea": Stock("tea", 7, 7, 0, 0),
    }
    await second.check_the_law()
    second.database.close()


async def test_tickets_outlive_a_restart(database_url: str) -> None:
    first = await DepartmentDatabase.open(database_url)
    placement = Placement(
        new_id(), [RequestedLine("coffee", 2, "no sugar"), RequestedLine("tea", 1)], table="7", hold=True
    )
    ticket = await first.place_one(placement)
    first.database.close()
    second = await DepartmentDatabase.open(database_url)
    assert await second.place_one(placement) == ticket
    await second.confirm(placement.order_id)
    await second.check_the_law()
    second.database.close()


# --- placing ---


async def test_each_order_of_a_batch_has_its_own_result(department: DepartmentDatabase) -> None:
    first, second, third = order(("coffee", 2), table="7"), order(("soda", 5), ("beer", 1)), order(("tea", 1))
    results = await department.place(first, second, third, now_ms=1234)
    revision = (await department.stock_levels()).revision
    assert results == [
        Ticket(
            first.order_id,
            "7",
            TicketState.QUEUED,
            [TicketLine("coffee", 2, "", Outcome.ACCEPTED, unit_price=350)],
            1234,
            revision - 2,
        ),
        Ticket(
            second.order_id,
            "",
            TicketState.QUEUED,
            [
                TicketLine("soda", 5, "", Outcome.ACCEPTED, unit_price=300),
                TicketLine("beer", 1, "", Outcome.OUT_OF_STOCK, available=0),
            ],
            1234,
            revision - 1,
        ),
        Ticket(third.order_id, "", TicketState.NONE, [TicketLine("tea", 1, "", Outcome.NOT_ON_MENU)], 1234, revision),
    ]
    assert await department.stock("coffee") == Stock("coffee", 10, 8, 0, 2)
    assert await department.stock("soda") == Stock("soda", 5, 0, 0, 5)


async def test_orders_of_one_batch_share_the_stock_in_their_order(department: DepartmentDatabase) -> None:
    results = await department.place(*(coffees(4) for _ in range(4)))
    assert [state(result) for result in results] == [
        TicketState.QUEUED,
        TicketState.QUEUED,
        TicketState.NONE,
        TicketState.NONE,
    ]
    assert await department.stock() == Stock("coffee", 10, 2, 0, 8)


async def test_an_order_that_is_known_gets_the_same_ticket_and_takes_nothing(department: DepartmentDatabase) -> None:
    batch = [
        Placement(new_id(), [RequestedLine("coffee", 2, "hot"), RequestedLine("soda", 9)], table="7"),
        order(("beer", 1)),
        order(("tea", 1)),
        coffees(3, hold=True),
    ]
    results = await department.place(*batch, now_ms=1)
    before = await department.stock_levels()
    assert await department.place(*batch, now_ms=99) == results
    assert await department.place(*reversed(batch), now_ms=99) == results[::-1]
    assert (await department.stock_levels()).stock == before.stock
    assert (await department.changes())[0] == results


async def test_a_refusal_is_kept_also_when_there_is_stock_again(department: DepartmentDatabase) -> None:
    buys, comes_late = coffees(10), coffees(1)
    await department.place(buys, comes_late)
    await department.cancel(buys.order_id)
    assert (await department.stock()).on_hand == 10
    assert (await department.place_one(comes_late)).lines == [
        TicketLine("coffee", 1, "", Outcome.OUT_OF_STOCK, unit_price=0, available=0)
    ]
    assert (await department.stock()).on_hand == 10


async def test_an_order_that_is_known_keeps_its_price_when_the_menu_changes(department: DepartmentDatabase) -> None:
    placement = coffees(1)
    ticket = await department.place_one(placement)
    department.menu = small_menu(coffee=10)
    assert (await department.place_one(placement)).lines == ticket.lines
    assert (await department.place_one(coffees(1))).lines[0].unit_price == 100


async def test_an_order_that_is_known_keeps_its_ticket_as_it_is(department: DepartmentDatabase) -> None:
    placement = coffees(1)
    await department.place(placement)
    await department.move(placement.order_id, Verb.START)
    assert (await department.place_one(placement)).state is TicketState.PREPARING


async def test_an_id_that_is_known_with_other_lines_is_refused_for_that_order_alone(
    department: DepartmentDatabase,
) -> None:
    known, new = coffees(1), coffees(2)
    ticket = await department.place_one(known)
    results = await department.place(coffees(3, order_id=known.order_id), known, new)
    assert isinstance(results[0], OrderIdTaken)
    assert results[0].order_id == known.order_id
    assert known.order_id in str(results[0])
    assert results[1] == ticket
    assert state(results[2]) is TicketState.QUEUED
    assert (await department.stock()).sold == 3


@pytest.mark.parametrize(
    "lines",
    [
        [RequestedLine("coffee", 1, "hot"), RequestedLine("soda", 1)],
        [RequestedLine("coffee", 1), RequestedLine("soda", 1), RequestedLine("soda", 1)],
        [RequestedLine("soda", 1), RequestedLine("coffee", 1)],
        [RequestedLine("coffee", 1)],
        [RequestedLine("coffee", 2), RequestedLine("soda", 1)],
    ],
    ids=["another note", "one more line", "another sequence", "one line less", "another quantity"],
)
async def test_any_difference_in_the_lines_makes_another_order(
    department: DepartmentDatabase, lines: list[RequestedLine]
) -> None:
    known = order(("coffee", 1), ("soda", 1))
    await department.place(known)
    (result,) = await department.place(Placement(known.order_id, lines))
    assert isinstance(result, OrderIdTaken)


async def test_an_order_that_stands_twice_in_one_batch_is_placed_once(department: DepartmentDatabase) -> None:
    placement = coffees(3)
    first, second, third = await department.place(placement, placement, coffees(4, order_id=placement.order_id))
    assert first == second
    assert state(first) is TicketState.QUEUED
    assert isinstance(third, OrderIdTaken)
    assert await department.stock() == Stock("coffee", 10, 7, 0, 3)
    assert len((await department.changes())[0]) == 1


async def test_an_item_that_left_the_menu_is_not_sold_but_its_tickets_go_on(department: DepartmentDatabase) -> None:
    placement = order(("soda", 2), hold=True)
    await department.place(placement)
    department.menu = small_menu(coffee=10)
    assert (await department.place_one(order(("soda", 1)))).lines[0].outcome is Outcome.NOT_ON_MENU
    await department.confirm(placement.order_id)
    assert await department.stock("soda") == Stock("soda", 5, 3, 0, 2)
    await department.cancel(placement.order_id)
    assert await department.stock("soda") == Stock("soda", 5, 5, 0, 0)


async def test_words_of_any_script_are_kept_as_they_were_written(department: DepartmentDatabase) -> None:
    note = 'ohne "Zucker", \\ 얼음 없이 🧊\n-- O\'Neill'
    placement = Placement(
        new_id(), [RequestedLine("coffee", 1, note), RequestedLine("없음'", 1, "")], table="테라스 7'"
    )
    ticket = await department.place_one(placement)
    assert await department.place_one(placement) == ticket
    assert (ticket.lines[0].note, ticket.lines[1].item, ticket.table) == (note, "없음'", "테라스 7'")


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
async def test_a_guest_cannot_cancel_what_was_started(department: DepartmentDatabase, reached: TicketState) -> None:
    placement = coffees(3)
    await department.place(placement)
    before = await department.move(placement.order_id, *WALKS[reached][1:])
    assert await department.cancel(placement.order_id) == [before]
    assert before.state is reached
    assert await department.stock() == Stock("coffee", 10, 7, 0, 3)


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
    assert stone == Ticket(late.order_id, "", TicketState.CANCELLED, [], 7, (await department.stock_levels()).revision)
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
async def test_a_decision_that_changes_nothing_else_is_remembered_against_older_ones(
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
async def test_what_was_started_is_not_suspended_and_its_state_tells_so(
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


# --- the staff's steps ---


async def test_staff_walk_a_ticket_to_the_table_and_back(department: DepartmentDatabase) -> None:
    placement = coffees(3)
    await department.place(placement)
    for verb, after in (
        (Verb.START, TicketState.PREPARING),
        (Verb.FINISH, TicketState.READY),
        (Verb.SERVE, TicketState.SERVED),
        (Verb.RECALL, TicketState.READY),
        (Verb.RECALL, TicketState.PREPARING),
        (Verb.RECALL, TicketState.QUEUED),
    ):
        assert (await department.move(placement.order_id, verb)).state is after
        assert await department.stock() == Stock("coffee", 10, 7, 0, 3)


async def test_staff_who_cancel_what_is_not_started_put_its_stock_back(department: DepartmentDatabase) -> None:
    placement = order(("coffee", 3), ("beer", 1), ("soda", 2))
    await department.place(placement)
    ticket = await department.take(
        Move(placement.order_id, Verb.CANCEL, TicketState.QUEUED, "1", "Ana", "the guest has left")
    )
    assert (ticket.state, ticket.withdrawn, ticket.wasted) == (TicketState.CANCELLED, True, False)
    assert (ticket.moved_by, ticket.moved_at_ms, ticket.cancel_reason) == ("Ana", 3, "the guest has left")
    assert await department.stock("coffee") == Stock("coffee", 10, 10, 0, 0)
    assert await department.stock("soda") == Stock("soda", 5, 5, 0, 0)
    assert (await department.changes())[0] == [ticket]


async def test_staff_who_cancel_what_was_started_waste_its_stock(department: DepartmentDatabase) -> None:
    placement = order(("coffee", 3), ("beer", 1), ("soda", 2))
    await department.place(placement, coffees(1))
    await department.move(placement.order_id, Verb.START)
    ticket = await department.take(
        Move(placement.order_id, Verb.CANCEL, TicketState.PREPARING, "2", "Bo", "it fell down")
    )
    assert (ticket.state, ticket.withdrawn, ticket.wasted) == (TicketState.CANCELLED, True, True)
    assert (ticket.moved_by, ticket.moved_at_ms, ticket.cancel_reason) == ("Bo", 3, "it fell down")
    assert await department.stock("coffee") == Stock("coffee", 10, 6, 0, 1, wasted=3)
    assert await department.stock("soda") == Stock("soda", 5, 3, 0, 0, wasted=2)
    assert (await department.place_one(placement)) == ticket


async def test_what_is_started_and_recalled_goes_back_into_stock_when_it_is_cancelled(
    department: DepartmentDatabase,
) -> None:
    by_staff, by_guest = coffees(2), coffees(3)
    await department.place(by_staff, by_guest)
    for placement in (by_staff, by_guest):
        await department.move(placement.order_id, Verb.START, Verb.RECALL)
    cancelled = await department.move(by_staff.order_id, Verb.CANCEL), *await department.cancel(by_guest.order_id)
    for ticket, withdrawn in zip(cancelled, (True, False), strict=True):
        assert isinstance(ticket, Ticket)
        assert (ticket.state, ticket.withdrawn, ticket.wasted) == (TicketState.CANCELLED, withdrawn, False)
    assert await department.stock() == Stock("coffee", 10, 10, 0, 0)


async def test_a_recall_that_is_sent_twice_goes_back_one_step(department: DepartmentDatabase) -> None:
    placement = coffees(1)
    await department.place(placement)
    await department.move(placement.order_id, Verb.START, Verb.FINISH)
    recall = Move(placement.order_id, Verb.RECALL, TicketState.READY, "recall-1", "Ana")
    first = await department.take(recall, now_ms=5)
    assert (first.state, first.moved_by, first.moved_at_ms) == (TicketState.PREPARING, "Ana", 5)
    assert await department.take(recall, now_ms=99) == first
    assert await department.state(placement.order_id) is TicketState.PREPARING


async def test_a_step_that_is_repeated_after_later_steps_returns_what_it_returned_and_takes_none(
    department: DepartmentDatabase,
) -> None:
    placement = coffees(1)
    await department.place(placement)
    steps = [
        Move(placement.order_id, Verb.START, TicketState.QUEUED, "a", "Ana"),
        Move(placement.order_id, Verb.RECALL, TicketState.PREPARING, "b", "Bo"),
        Move(
            placement.order_id, Verb.START, TicketState.QUEUED, "c", "Cy"
        ),  # the state that the first one expects, again
        Move(placement.order_id, Verb.CANCEL, TicketState.PREPARING, "d", "Di", "no milk"),
    ]
    returned = [await department.take(step, now_ms=number) for number, step in enumerate(steps, start=10)]
    before = await department.changes(), (await department.stock_levels()).stock
    for step, ticket in zip(steps, returned, strict=True):
        assert await department.take(step, now_ms=99) == ticket
    assert ((await department.changes())[0], (await department.stock_levels()).stock) == (before[0][0], before[1])
    assert [ticket.state for ticket in returned] == [
        TicketState.PREPARING,
        TicketState.QUEUED,
        TicketState.PREPARING,
        TicketState.CANCELLED,
    ]


async def test_steps_are_remembered_across_a_restart(database_url: str) -> None:
    placement = coffees(1)
    first = await DepartmentDatabase.open(database_url)
    await first.place(placement)
    start = Move(placement.order_id, Verb.START, TicketState.QUEUED, "a", "Ana")
    started = await first.take(start)
    await first.move(placement.order_id, Verb.RECALL)
    first.database.close()
    second = await DepartmentDatabase.open(database_url)
    assert await second.take(start) == started
    assert await second.state(placement.order_id) is TicketState.QUEUED
    await second.check_the_law()
    second.database.close()


async def test_a_step_id_is_of_one_ticket(department: DepartmentDatabase) -> None:
    one, other = coffees(1), coffees(2)
    await department.place(one, other)
    for placement in (one, other):
        ticket = await department.take(Move(placement.order_id, Verb.START, TicketState.QUEUED, "a"))
        assert (ticket.order_id, ticket.state) == (placement.order_id, TicketState.PREPARING)


async def test_a_step_id_that_is_known_with_another_step_is_refused(department: DepartmentDatabase) -> None:
    placement = coffees(1)
    await department.place(placement)
    await department.take(Move(placement.order_id, Verb.START, TicketState.QUEUED, "a"))
    for verb, expected in ((Verb.FINISH, TicketState.PREPARING), (Verb.START, TicketState.PREPARING)):
        with pytest.raises(StepIdTaken, match=r"step 'a' of ticket .* was start from queued; a new step needs an id"):
            await department.take(Move(placement.order_id, verb, expected, "a"))
    assert await department.state(placement.order_id) is TicketState.PREPARING


async def test_of_two_cooks_one_wins_and_the_other_is_told_who_and_when(department: DepartmentDatabase) -> None:
    placement = coffees(1)
    await department.place(placement)
    await department.take(
        Move(placement.order_id, Verb.START, TicketState.QUEUED, "a", "Ana"), now_ms=1_800_000_000_000
    )
    with pytest.raises(StepConflict) as refusal:
        await department.take(Move(placement.order_id, Verb.START, TicketState.QUEUED, "b", "Bo"))
    moved = "; Ana moved it at 2027-01-15T08:00:00+00:00"
    assert str(refusal.value) == f"ticket {placement.order_id} is preparing, not queued{moved}"
    assert refusal.value.facts == {
        "order_id": placement.order_id,
        "state": "preparing",
        "expected_state": "queued",
        "moved_by": "Ana",
        "moved_at_ms": "1800000000000",
    }


async def test_a_cook_is_not_named_for_what_the_gateway_did(department: DepartmentDatabase) -> None:
    placement, untouched = coffees(1), coffees(1)
    await department.place(placement, untouched)
    await department.take(Move(placement.order_id, Verb.START, TicketState.QUEUED, "a", "Ana"))
    await department.take(Move(placement.order_id, Verb.RECALL, TicketState.PREPARING, "b", "Ana"))
    await department.cancel(placement.order_id)
    for order_id, expected, reached in (
        (placement.order_id, TicketState.QUEUED, TicketState.CANCELLED),
        (untouched.order_id, TicketState.READY, TicketState.QUEUED),
    ):
        with pytest.raises(StepConflict) as refusal:
            await department.take(Move(order_id, Verb.START, expected, "c"))
        assert str(refusal.value) == f"ticket {order_id} is {reached}, not {expected}"
        assert (refusal.value.facts["moved_by"], refusal.value.facts["moved_at_ms"]) == ("", "0")


async def test_a_step_that_is_refused_is_not_remembered(department: DepartmentDatabase) -> None:
    placement = coffees(1)
    await department.place(placement)
    finish = Move(placement.order_id, Verb.FINISH, TicketState.PREPARING, "a")
    with pytest.raises(StepConflict):
        await department.take(finish)
    await department.move(placement.order_id, Verb.START)
    assert (await department.take(finish)).state is TicketState.READY


@pytest.mark.parametrize("reached", [*WALKS, TicketState.NONE])
async def test_a_step_that_is_not_allowed_leaves_no_trace(department: DepartmentDatabase, reached: TicketState) -> None:
    placement = order(("beer", 1)) if reached is TicketState.NONE else coffees(3, hold=True)
    await department.place(placement)
    if reached is not TicketState.NONE and WALKS[reached]:
        await department.move(placement.order_id, *WALKS[reached])
    before = await department.stock_levels(), await department.changes()
    for verb in set(Verb) - set(NEXT[reached]):
        with pytest.raises(StepNotAllowed, match=f"is {reached}: {verb} is not allowed"):
            await department.take(Move(placement.order_id, verb, reached, new_id()))
    assert (await department.stock_levels(), await department.changes()) == before


async def test_a_step_with_a_ticket_that_is_unknown_is_refused(department: DepartmentDatabase) -> None:
    unknown = new_id()
    with pytest.raises(OrderNotFound, match=unknown):
        await department.move(unknown, Verb.START)
    assert (await department.changes())[0] == []


# --- the database's own guard ---


@pytest.mark.parametrize(
    "figure", ["on_hand = -1", "held = 1", "received = 11", "on_hand = 11, sold = -1", "on_hand = 11, wasted = -1"]
)
async def test_the_database_itself_refuses_to_break_the_law(department: DepartmentDatabase, figure: str) -> None:
    def break_the_law(connection: Connection) -> None:
        connection.execute(text(f"UPDATE stock SET {figure} WHERE item = 'coffee'"))

    with pytest.raises(Exception, match=r"stock_law|stock_not_below_zero"):
        await department.database.write(break_the_law)
    assert await department.stock() == Stock("coffee", 10, 10, 0, 0)


# --- tickets that another version of the program wrote ---


@pytest.mark.parametrize(
    "change", ["state = 'plated'", "source = 'kiosk'", """lines = replace(lines, '"accepted"', '"promised"')"""]
)
async def test_a_ticket_with_unknown_values_stops_no_other_order(database_url: str, change: str) -> None:
    department = await DepartmentDatabase.open(database_url)
    strange, known, new = coffees(1), coffees(2), coffees(3)
    await department.place(strange, known)
    await department.database.write(_falsify, f"{change} WHERE order_id = '{strange.order_id}'")
    results = await department.place(known, strange, new)
    assert [state(results[0]), state(results[2])] == [TicketState.QUEUED, TicketState.QUEUED]
    for use_case in (department.place, department.confirm, department.suspend, department.cancel):
        asked = [strange] if use_case == department.place else [strange.order_id]
        (result,) = await use_case(*asked)
        assert isinstance(result, TicketUnreadable)
        assert (result.order_id, result.revision) == (strange.order_id, 2)
    with pytest.raises(TicketUnreadable, match=f"ticket {strange.order_id} cannot be read by this version"):
        await department.take(Move(strange.order_id, Verb.START, TicketState.QUEUED, "a"))
    assert await department.stock() == Stock("coffee", 10, 4, 0, 6)
    department.database.close()


async def test_a_ticket_with_unknown_values_is_left_out_of_the_list_and_told(database_url: str) -> None:
    department = await DepartmentDatabase.open(database_url)
    orders = [coffees(1) for _ in range(5)]
    await department.place(*orders)
    strange = orders[1].order_id
    await department.database.write(_falsify, f"state = 'plated' WHERE order_id = '{strange}'")
    listed, left_out, position = [], [], Position()
    while True:
        page = await department.page(position, limit=2)
        listed += [ticket.order_id for ticket in page.tickets]
        left_out += [ticket.order_id for ticket in page.unreadable]
        position = Position(page.revision, page.incarnation, page.snapshot)
        if not page.snapshot:
            break
    assert listed == [placement.order_id for placement in orders if placement.order_id != strange]
    assert left_out == [strange]
    department.database.close()


async def test_a_step_of_an_unknown_verb_is_not_taken_again(database_url: str) -> None:
    department = await DepartmentDatabase.open(database_url)
    placement = coffees(1)
    await department.place(placement)
    start = Move(placement.order_id, Verb.START, TicketState.QUEUED, "a")
    await department.take(start)
    await department.database.write(
        lambda connection: connection.exec_driver_sql("UPDATE steps SET verb = 'plate'").rowcount
    )
    with pytest.raises(TicketUnreadable, match="'plate' is not a valid Verb"):
        await department.take(start)
    department.database.close()


def _falsify(connection: Connection, change: str) -> None:
    connection.execute(text(f"UPDATE tickets SET {change}".replace(":", "\\:")))


async def test_writing_nothing_is_no_statement(department: DepartmentDatabase) -> None:
    def write_nothing(connection: Connection) -> None:
        tables.insert_tickets(connection, [])
        tables.update_tickets(connection, [])
        tables.insert_stock(connection, [], 1)
        tables.update_stock(connection, [], 1)

    before = await department.stock_levels()
    await department.database.write(write_nothing)
    assert await department.stock_levels() == before


def test_the_bar_that_these_tests_know_is_the_one_that_ships() -> None:
    assert {item.id: (item.price, item.stock) for item in BAR.items.values()} == {
        "coffee": (350, 10),
        "soda": (300, 5),
        "beer": (550, 0),
    }
