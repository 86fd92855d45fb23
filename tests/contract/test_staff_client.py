"""What the staff ask of a real department over a real socket, and the error that each refusal becomes."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from grpclib.const import Status
from grpclib.exceptions import GRPCError

from gateway.department_client.client import DepartmentClient
from gateway.department_client.staff import StaffClient
from gateway.domain.errors import FieldNotAllowed
from gateway.domain.lines import Outcome, TicketState
from gateway.domain.staff import ChangeReason, Move, RecordedReason, StockOrder, Verb
from gateway.domain.staff_errors import (
    ChangeIdTaken,
    DepartmentAway,
    ItemNotFound,
    LineNotFound,
    StepIdTaken,
    StepRefused,
    StockRefused,
    TicketNotFound,
)
from gateway.domain.transitions import Goal
from infra.grpc.peer_guard import WatchedChannel
from tests.contract.department_programs import HOST, DepartmentProgram, free_port
from tests.support.orders import new_id, order


@pytest.fixture
async def staff(bar: DepartmentProgram) -> AsyncIterator[StaffClient]:
    channel = WatchedChannel(HOST, bar.port)
    yield StaffClient("bar", channel)
    channel.close()


@pytest.fixture
def client(bar: DepartmentProgram) -> DepartmentClient:
    return bar.client()


async def place(client: DepartmentClient, *wishes: str) -> str:
    placed = order(*(wishes or ("bar coffee 2",)))
    await client.submit(Goal.PLACE, placed)
    return placed.order_id


def start(order_id: str, step_id: str = "s1", **fields: Any) -> Move:
    return Move(order_id, Verb.START, TicketState.QUEUED, step_id, **fields)


async def test_a_step_returns_the_ticket_after_it_and_again_when_it_is_repeated(
    staff: StaffClient, client: DepartmentClient
) -> None:
    order_id = await place(client)
    moved = await staff.move(start(order_id, moved_by="Ada"))
    assert (moved.state, moved.moved_by, moved.department) == (TicketState.PREPARING, "Ada", "bar")
    assert moved.started_at_ms == moved.moved_at_ms > 0
    assert [(line.item, line.quantity) for line in moved.lines] == [("coffee", 2)]
    assert await staff.move(start(order_id, moved_by="Ada")) == moved
    assert await staff.find(order_id) == moved


async def test_of_two_cooks_the_second_learns_who_was_first(staff: StaffClient, client: DepartmentClient) -> None:
    order_id = await place(client)
    await staff.move(start(order_id, "s1", moved_by="Ada"))
    with pytest.raises(StepRefused, match="is preparing, not queued; Ada moved it at ") as refused:
        await staff.move(start(order_id, "s2", moved_by="Bob"))
    assert refused.value.ticket is not None
    assert (refused.value.ticket.state, refused.value.ticket.moved_by) == (TicketState.PREPARING, "Ada")
    with pytest.raises(StepIdTaken) as taken:
        await staff.move(Move(order_id, Verb.FINISH, TicketState.PREPARING, "s1"))
    assert taken.value.ticket == refused.value.ticket


async def test_several_steps_have_a_result_each(staff: StaffClient, client: DepartmentClient) -> None:
    first, second, unknown = await place(client), await place(client), new_id()
    await staff.move(start(second))
    results = await staff.move_all([start(each, f"again-{each[:8]}") for each in (first, second, unknown)])
    assert results[0].ticket is not None
    assert results[0].ticket.state is TicketState.PREPARING
    assert [type(result.error) for result in results] == [type(None), StepRefused, TicketNotFound]


async def test_a_line_is_ticked_and_a_line_that_there_is_not_is_named(
    staff: StaffClient, client: DepartmentClient
) -> None:
    order_id = await place(client, "bar coffee", "bar soda")
    assert [line.made for line in (await staff.tick(order_id, 1, made=True)).lines] == [False, True]
    with pytest.raises(LineNotFound, match=r"no line 2: its lines are 0 \(coffee\), 1 \(soda\)"):
        await staff.tick(order_id, 2, made=True)
    with pytest.raises(TicketNotFound):
        await staff.tick(new_id(), 0, made=True)
    await staff.move(Move(order_id, Verb.CANCEL, TicketState.QUEUED, "s1", reason="no milk"))
    with pytest.raises(StepRefused, match="cancelled") as refused:
        await staff.tick(order_id, 0, made=True)
    assert refused.value.ticket is not None
    assert refused.value.ticket.cancel_reason == "no milk"


def cancel_line(order_id: str, line: int, step_id: str = "c1", reason: str = "no milk") -> Move:
    return Move(order_id, Verb.CANCEL, TicketState.QUEUED, step_id, "Ada", reason, line)


async def test_a_line_is_cancelled_with_a_reason_and_the_rest_stands(
    staff: StaffClient, client: DepartmentClient
) -> None:
    order_id = await place(client, "bar coffee", "bar soda")
    ticket = await staff.move(cancel_line(order_id, 0))
    assert (ticket.state, ticket.moved_by, ticket.cancel_reason) == (TicketState.QUEUED, "Ada", "")
    assert ticket.cancelled_lines == {0: "no milk"}
    assert [line.outcome for line in ticket.lines] == [Outcome.CANCELLED, Outcome.ACCEPTED]
    assert await staff.move(cancel_line(order_id, 0)) == ticket == await staff.find(order_id)
    last = await staff.move(cancel_line(order_id, 1, "c2", "fire"))
    assert (last.state, last.withdrawn, last.cancel_reason) == (TicketState.CANCELLED, True, "fire")
    assert last.cancelled_lines == {0: "no milk"}


async def test_the_first_line_is_named_by_its_place_too(staff: StaffClient, client: DepartmentClient) -> None:
    """0 is what the message has where nothing is set: the verb tells it from a cancel of the ticket."""
    order_id = await place(client, "bar coffee", "bar soda")
    await staff.move(cancel_line(order_id, 0, reason=""))
    assert (await staff.find(order_id)).state is TicketState.QUEUED


async def test_what_cannot_be_cancelled_of_a_ticket_says_why(staff: StaffClient, client: DepartmentClient) -> None:
    order_id = await place(client, "bar coffee", "bar soda")
    await staff.move(cancel_line(order_id, 0))
    with pytest.raises(LineNotFound, match=r"no line 2: its lines are 0 \(coffee\), 1 \(soda\)"):
        await staff.move(cancel_line(order_id, 2, "c2"))
    with pytest.raises(StepRefused, match=r"line 0 of ticket .* is cancelled: only an accepted line") as refused:
        await staff.move(cancel_line(order_id, 0, "c2"))
    assert refused.value.ticket is not None
    assert refused.value.ticket.cancelled_lines == {0: "no milk"}
    with pytest.raises(StepIdTaken):
        await staff.move(cancel_line(order_id, 1))
    with pytest.raises(StepIdTaken):
        await staff.move(Move(order_id, Verb.CANCEL, TicketState.QUEUED, "c1"))


async def test_a_ticket_that_there_is_not_is_not_found(staff: StaffClient) -> None:
    with pytest.raises(TicketNotFound, match="bar has no ticket of order"):
        await staff.find(new_id())


async def test_a_delivery_a_count_and_waste_are_made_once_and_are_on_record(staff: StaffClient) -> None:
    delivery = StockOrder("coffee", "c1", ChangeReason.DELIVERY, 24, changed_by="Ada")
    assert (await staff.change_stock(delivery)).on_hand == 34
    assert (await staff.change_stock(delivery)).on_hand == 34
    counted = await staff.change_stock(StockOrder("coffee", "c2", ChangeReason.COUNT, count=30, expected=34))
    wasted = await staff.change_stock(StockOrder("coffee", "c3", ChangeReason.WASTE, -2))
    assert (counted.on_hand, wasted.on_hand, wasted.wasted) == (30, 28, 2)
    page = await staff.stock_changes("coffee", 0, 2)
    assert [(each.reason, each.delta, each.on_hand) for each in page.changes] == [
        (RecordedReason.WASTE, -2, 28),
        (RecordedReason.COUNT, -4, 30),
    ]
    rest = await staff.stock_changes("coffee", page.next, 10)
    assert [(each.reason, each.changed_by) for each in rest.changes] == [
        (RecordedReason.DELIVERY, "Ada"),
        (RecordedReason.DELIVERY, "menu file"),
    ]
    assert rest.next == 0


async def test_a_count_of_another_figure_gets_the_stock_as_it_is_and_who_changed_it(staff: StaffClient) -> None:
    await staff.change_stock(StockOrder("coffee", "c1", ChangeReason.DELIVERY, 5, changed_by="Ada"))
    with pytest.raises(StockRefused, match="coffee has 15 on hand, not 10") as refused:
        await staff.change_stock(StockOrder("coffee", "c2", ChangeReason.COUNT, count=9, expected=10))
    assert refused.value.stock is not None
    assert (refused.value.stock.on_hand, refused.value.stock.received) == (15, 15)
    assert refused.value.last_change is not None
    assert refused.value.last_change.changed_by == "Ada"
    with pytest.raises(StockRefused, match="would leave less than none"):
        await staff.change_stock(StockOrder("coffee", "c3", ChangeReason.WASTE, -16))
    with pytest.raises(ChangeIdTaken, match="c1") as taken:
        await staff.change_stock(StockOrder("coffee", "c1", ChangeReason.DELIVERY, 6))
    assert taken.value.stock is not None
    assert taken.value.stock.on_hand == 15
    assert taken.value.last_change == refused.value.last_change


async def test_an_item_that_there_is_not_is_named_with_those_that_there_are(staff: StaffClient) -> None:
    known = "bar has no item latte: it has coffee, soda, beer"
    with pytest.raises(ItemNotFound, match=known):
        await staff.change_stock(StockOrder("latte", "c1", ChangeReason.DELIVERY, 1))
    with pytest.raises(ItemNotFound, match=known):
        await staff.set_on_sale("latte", on_sale=False)
    with pytest.raises(ItemNotFound, match=known):
        await staff.stock_changes("latte", 0, 10)


async def test_an_item_is_taken_off_sale_and_put_back(staff: StaffClient) -> None:
    assert (await staff.set_on_sale("coffee", on_sale=False, changed_by="Ada")).on_sale is False
    assert (await staff.set_on_sale("coffee", on_sale=True)).on_sale is True
    page = await staff.stock_changes("coffee", 0, 2)
    assert [each.reason for each in page.changes] == [RecordedReason.ON_SALE, RecordedReason.OFF_SALE]


async def test_a_value_that_the_department_does_not_allow_is_named_as_the_gateway_names_it(staff: StaffClient) -> None:
    with pytest.raises(FieldNotAllowed) as wrong:
        await staff.move(Move(new_id(), Verb.START, TicketState.NONE, "s1"))
    assert wrong.value.field == "moves[0].expected_state"
    with pytest.raises(FieldNotAllowed) as wrong:
        await staff.tick(new_id(), 0, made=True, moved_by="x" * 65)
    assert wrong.value.field == "moved_by"


async def test_a_call_without_a_response_is_made_once_more_and_takes_one_step(
    bar: DepartmentProgram, staff: StaffClient, client: DepartmentClient
) -> None:
    order_id = await place(client)
    await staff.find(order_id)
    await bar.stop()
    await bar.open()
    assert (await staff.move(start(order_id))).state is TicketState.PREPARING


async def test_a_department_that_does_not_respond_is_away(bar: DepartmentProgram) -> None:
    away = StaffClient("bar", WatchedChannel(HOST, free_port()))
    with pytest.raises(DepartmentAway, match="sending it again, with the same id, is safe"):
        await away.find(new_id())
    channel = WatchedChannel(HOST, bar.port)
    slow = StaffClient("bar", channel, deadline=0.2)
    bar.network.gate.clear()
    with pytest.raises(DepartmentAway):
        await asyncio.wait_for(slow.stock_changes("latte", 0, 10), 5)
    bar.network.gate.set()
    channel.close()


@pytest.mark.parametrize("status", [Status.INTERNAL, Status.UNIMPLEMENTED, Status.RESOURCE_EXHAUSTED])
async def test_a_status_that_decides_nothing_counts_as_away(
    bar: DepartmentProgram, staff: StaffClient, status: Status
) -> None:
    def fail() -> None:
        raise GRPCError(status, "as the test asks")

    bar.network.on_call = fail
    with pytest.raises(DepartmentAway, match=status.name):
        await staff.stock_changes("latte", 0, 10)


async def test_a_refusal_of_what_no_department_refuses_counts_as_away(
    bar: DepartmentProgram, staff: StaffClient
) -> None:
    def fail() -> None:
        raise GRPCError(Status.FAILED_PRECONDITION, "as the test asks")

    bar.network.on_call = fail
    with pytest.raises(DepartmentAway, match="as the test asks"):
        await staff.stock_changes("latte", 0, 10)
