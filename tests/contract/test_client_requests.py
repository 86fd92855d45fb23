"""The client's requests against the real service: goals, batches, and an order that is refused alone."""

import asyncio
from collections.abc import Callable

import pytest

from gateway.department_client.client import CallPolicy
from gateway.department_client.convert import order_columns
from gateway.department_client.errors import IdTaken, Refused
from gateway.domain.lines import Line, LineResult, Outcome, TicketResult, TicketState
from gateway.domain.order import Order
from gateway.domain.transitions import Goal
from tests.contract.department_programs import DepartmentProgram
from tests.support.orders import order
from tests.support.waiting import until

COFFEE = LineResult(Outcome.ACCEPTED, 0, 350)
SODA = LineResult(Outcome.ACCEPTED, 0, 300)
NO_BEER = LineResult(Outcome.OUT_OF_STOCK, 0, 0)
NO_WINE = LineResult(Outcome.NOT_ON_MENU, 0, 0)


async def test_an_order_is_placed_with_an_outcome_for_each_line(bar: DepartmentProgram) -> None:
    requested = order("bar coffee 2", "kitchen pizza", "bar beer", "bar wine", "bar soda 6", "bar soda 5")
    requested.lines[0].note = "뜨겁게"
    result = await bar.client().submit(Goal.PLACE, requested)
    assert result == TicketResult(
        TicketState.QUEUED, [COFFEE, NO_BEER, NO_WINE, LineResult(Outcome.OUT_OF_STOCK, 5, 0), SODA]
    )
    stock = await bar.stock()
    assert (stock["coffee"].on_hand, stock["coffee"].sold) == (8, 2)


async def test_an_order_of_which_nothing_can_be_had_has_no_ticket(bar: DepartmentProgram) -> None:
    assert await bar.client().submit(Goal.PLACE, order("bar beer")) == TicketResult(TicketState.NONE, [NO_BEER])


async def test_a_line_whose_price_has_changed_takes_nothing_and_the_others_are_placed(bar: DepartmentProgram) -> None:
    changed, plain = order("bar coffee 2", "bar soda", "bar coffee"), order("bar coffee")
    for line, price in zip(changed.lines, (340, None, 350), strict=True):
        line.expected_price = price
    department = bar.client()
    now = LineResult(Outcome.PRICE_CHANGED, 0, 350)
    results = await asyncio.gather(*(department.submit(Goal.PLACE, each) for each in (changed, plain)))
    assert results == [
        TicketResult(TicketState.QUEUED, [now, SODA, COFFEE]),
        TicketResult(TicketState.QUEUED, [COFFEE]),
    ]
    assert await department.submit(Goal.PLACE, changed) == results[0]
    stock = await bar.stock()
    assert (stock["coffee"].on_hand, stock["coffee"].sold) == (8, 2)


async def test_a_price_is_expected_of_a_department_that_knows_no_streams_too(bar: DepartmentProgram) -> None:
    bar.network.implements_streams = False
    requested = order("bar coffee")
    requested.lines[0].expected_price = 0
    result = await bar.client().submit(Goal.HOLD, requested)
    assert result == TicketResult(TicketState.NONE, [LineResult(Outcome.PRICE_CHANGED, 0, 350)])
    assert (await bar.stock())["coffee"].held == 0


@pytest.mark.parametrize("streams", [True, False])
async def test_a_department_gets_the_allergies_of_the_lines_that_have_one(
    bar: DepartmentProgram, streams: bool
) -> None:
    bar.network.implements_streams = streams
    allergic, plain = order("bar coffee", "bar soda"), order("bar coffee")
    allergic.lines[1].allergy = True
    department = bar.client()
    await asyncio.gather(*(department.submit(Goal.PLACE, each) for each in (allergic, plain)))
    tickets, _ = await bar.app.tickets_of([allergic.order_id, plain.order_id])
    assert [[line.allergy for line in ticket.lines] for ticket in tickets] == [[False, True], [False]]
    allergic.lines[1].allergy = False
    with pytest.raises(IdTaken):
        await department.submit(Goal.PLACE, allergic)


def test_the_columns_of_prices_and_allergies_are_left_out_where_no_line_has_any() -> None:
    columns = order_columns("bar", Goal.PLACE, [order("bar coffee", "bar soda"), order("bar tea")])
    assert (columns["expected_prices"], columns["allergies"]) == ([], [])


async def test_an_item_that_is_off_sale_takes_nothing(bar: DepartmentProgram) -> None:
    await bar.app.set_on_sale("coffee", "Ana", on_sale=False)
    result = await bar.client().submit(Goal.HOLD, order("bar coffee", "bar soda"))
    assert result == TicketResult(TicketState.HELD, [LineResult(Outcome.OFF_SALE, 0, 0), SODA])
    assert (await bar.stock())["coffee"].on_hand == 10


async def test_an_order_is_held_then_confirmed(bar: DepartmentProgram) -> None:
    department, requested = bar.client(), order("bar coffee 3")
    assert await department.submit(Goal.HOLD, requested) == TicketResult(TicketState.HELD, [COFFEE])
    assert (await bar.stock())["coffee"].held == 3
    for _ in range(2):
        assert await department.submit(Goal.CONFIRM, requested) == TicketResult(TicketState.QUEUED, [COFFEE])
    assert (await bar.stock())["coffee"].sold == 3


async def test_an_order_is_held_then_cancelled(bar: DepartmentProgram) -> None:
    department, requested = bar.client(), order("bar coffee 3")
    await department.submit(Goal.HOLD, requested)
    for _ in range(2):
        assert await department.submit(Goal.CANCEL, requested) == TicketResult(TicketState.CANCELLED, [COFFEE])
    assert (await bar.stock())["coffee"].on_hand == 10


async def test_a_cancel_leaves_a_tombstone_that_refuses_a_late_place(bar: DepartmentProgram) -> None:
    department, requested = bar.client(), order("bar coffee")
    tombstone = TicketResult(TicketState.CANCELLED, [])
    assert await department.submit(Goal.CANCEL, requested) == tombstone
    assert await department.submit(Goal.PLACE, requested) == tombstone
    assert (await bar.stock())["coffee"].on_hand == 10


async def test_what_has_been_started_is_not_taken_back(bar: DepartmentProgram) -> None:
    department, requested = bar.client(), order("bar coffee")
    await department.submit(Goal.PLACE, requested)
    await bar.start(requested.order_id)
    assert await department.submit(Goal.CANCEL, requested) == TicketResult(TicketState.PREPARING, [COFFEE])
    assert await department.submit(Goal.PLACE, requested) == TicketResult(TicketState.PREPARING, [COFFEE])


async def test_the_same_order_again_gets_the_same_ticket(bar: DepartmentProgram) -> None:
    department, requested = bar.client(), order("bar soda 4", "bar beer")
    first = await department.submit(Goal.PLACE, requested)
    assert [await department.submit(Goal.PLACE, requested) for _ in range(3)] == [first] * 3
    assert (await bar.stock())["soda"].on_hand == 1


@pytest.mark.parametrize("goal", [Goal.CONFIRM, Goal.SUSPEND, Goal.CANCEL])
async def test_what_was_never_placed_leaves_a_tombstone(bar: DepartmentProgram, goal: Goal) -> None:
    requested = order("bar coffee")
    assert await bar.client().submit(goal, requested) == TicketResult(TicketState.CANCELLED, [])
    assert await bar.client().submit(Goal.PLACE, requested) == TicketResult(TicketState.CANCELLED, [])


async def test_a_request_carries_the_epoch_at_which_it_was_submitted(bar: DepartmentProgram) -> None:
    department, requested = bar.client(), order("bar coffee")
    await department.submit(Goal.PLACE, requested)
    requested.epoch = 2
    suspension = department.submit(Goal.SUSPEND, requested)
    requested.epoch = 5  # decided before the call leaves
    assert await suspension == TicketResult(TicketState.HELD, [COFFEE])
    requested.epoch = 3
    assert await department.submit(Goal.CONFIRM, requested) == TicketResult(TicketState.QUEUED, [COFFEE])


async def test_many_orders_go_in_few_calls(full_bar: DepartmentProgram) -> None:
    department = full_bar.client()
    results = await asyncio.gather(*(department.submit(Goal.PLACE, order("bar coffee")) for _ in range(300)))
    assert results == [TicketResult(TicketState.QUEUED, [COFFEE])] * 300
    sizes = full_bar.network.sizes("place")
    assert sum(sizes) == 300
    assert len(sizes) <= 3
    assert department.mean_orders_per_call == 300 / len(sizes)


async def test_sixty_four_clients_that_order_again_and_again_share_their_calls(full_bar: DepartmentProgram) -> None:
    department = full_bar.client()

    async def ordering_client() -> None:
        for _ in range(8):
            await department.submit(Goal.PLACE, order("bar coffee"))

    await asyncio.gather(*(ordering_client() for _ in range(64)))
    assert department.mean_orders_per_call > 4
    assert full_bar.network.most_in_flight <= 2
    assert (await full_bar.stock())["coffee"].sold == 512


async def test_the_mean_before_the_first_call_is_zero(bar: DepartmentProgram) -> None:
    assert bar.client().mean_orders_per_call == 0


async def test_a_call_carries_no_more_than_it_may_and_no_more_are_made_at_once(full_bar: DepartmentProgram) -> None:
    department = full_bar.client(CallPolicy(calls_in_flight=3, orders_per_call=16))
    await asyncio.gather(*(department.submit(Goal.PLACE, order("bar coffee")) for _ in range(100)))
    sizes = full_bar.network.sizes("place")
    assert max(sizes) == 16
    assert sum(sizes) == 100
    assert full_bar.network.most_in_flight == 3


async def test_each_order_gets_its_own_ticket_whatever_its_lines(full_bar: DepartmentProgram) -> None:
    department = full_bar.client()
    lines = ["bar coffee", "bar wine", "bar soda"]
    requested = [order(*lines[: number % 3 + 1]) for number in range(60)]
    results = await asyncio.gather(*(department.submit(Goal.PLACE, each) for each in requested))
    for number, result in enumerate(results):
        assert result.lines == [COFFEE, NO_WINE, SODA][: number % 3 + 1]


async def test_goals_do_not_wait_for_each_other(full_bar: DepartmentProgram) -> None:
    department = full_bar.client()
    held = order("bar coffee")
    await department.submit(Goal.HOLD, held)
    full_bar.network.gate.clear()
    placing = [department.submit(Goal.PLACE, order("bar coffee")) for _ in range(3)]
    confirming = department.submit(Goal.CONFIRM, held)
    await until(lambda: {name for name, _ in full_bar.network.calls} == {"place", "confirm"})
    full_bar.network.gate.set()
    await asyncio.gather(confirming, *placing)


async def test_an_order_whose_id_is_taken_is_refused_alone(full_bar: DepartmentProgram) -> None:
    department = full_bar.client()
    taken = order("bar coffee")
    await department.submit(Goal.PLACE, taken)
    batch = [order("bar soda") for _ in range(9)]
    batch.insert(4, order("bar soda 2", order_id=taken.order_id))
    results = await asyncio.gather(*(department.submit(Goal.PLACE, each) for each in batch), return_exceptions=True)
    assert [type(result) for result in results] == [TicketResult] * 4 + [IdTaken] + [TicketResult] * 5
    assert str(results[4]).startswith(f"bar refused it: order {taken.order_id} is known here with other lines")
    assert (await full_bar.stock())["soda"].sold == 9
    assert department.is_reachable


def _too_many(requested: Order) -> None:
    requested.lines[0].quantity = 1_000_000


def _note_too_long(requested: Order) -> None:
    requested.lines[0].note = "x" * 500


def _without_item(requested: Order) -> None:
    requested.lines[0].item = ""


def _nul(requested: Order) -> None:
    requested.table = "a\0b"


def _no_uuid(requested: Order) -> None:
    requested.order_id = "7"


def _too_many_lines(requested: Order) -> None:
    requested.shares["bar"].extend(Line("bar", "soda") for _ in range(60))


@pytest.mark.parametrize("spoil", [_too_many, _note_too_long, _without_item, _nul, _no_uuid, _too_many_lines])
async def test_an_order_that_the_department_does_not_take_is_refused_alone(
    full_bar: DepartmentProgram, spoil: Callable[[Order], None]
) -> None:
    department = full_bar.client()
    batch = [order("bar coffee") for _ in range(6)]
    spoil(batch[2])
    results = await asyncio.gather(*(department.submit(Goal.PLACE, each) for each in batch), return_exceptions=True)
    assert [type(result) for result in results] == [
        TicketResult,
        TicketResult,
        Refused,
        TicketResult,
        TicketResult,
        TicketResult,
    ]
    assert (await full_bar.stock())["coffee"].sold == 5
    assert department.is_reachable


async def test_an_attempt_refuses_one_order_alone_too(full_bar: DepartmentProgram) -> None:
    department = full_bar.client()
    good, bad = order("bar coffee"), order("bar coffee")
    _note_too_long(bad)
    results = await department.attempt(Goal.PLACE, [bad, good])
    assert [type(result) for result in results] == [Refused, TicketResult]
