"""The RPCs of the staff, from the message to the database and back, over a loopback socket."""

from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, PreconditionFailure
from grpclib.const import Status
from grpclib.exceptions import GRPCError

from departments.domain.menu import Menu, MenuItem
from departments.rpc.limits import Limits
from generated.restaurant import v1
from tests.departments.department_servers import open_department, place_request, served
from tests.support.department_factories import new_id

MENU = Menu(
    "bar",
    {"en": "Bar"},
    "Drink",
    {
        "coffee": MenuItem("coffee", {"en": "Coffee"}, 350, 10, category="hot", prep_seconds=90),
        "water": MenuItem("water", {"en": "Water"}, 0, 0, unlimited=True),
    },
    late_seconds=600,
    very_late_seconds=900,
)
QUEUED, PREPARING, READY = (v1.TicketState.from_string(name) for name in ("QUEUED", "PREPARING", "READY"))
DELIVERY, COUNT, WASTE, OFF_SALE = (
    v1.ChangeReason.from_string(name) for name in ("DELIVERY", "COUNT", "WASTE", "OFF_SALE")
)
START, FINISH = v1.Verb.from_string("START"), v1.Verb.from_string("FINISH")

Stub = v1.DepartmentServiceStub


@pytest_asyncio.fixture
async def stub(tmp_path: Path) -> AsyncIterator[Stub]:
    async with (
        open_department(MENU, tmp_path) as department,
        served(department, Limits(changes_per_page=2)) as channel,
    ):
        yield Stub(channel)


async def refusal(call: Coroutine[Any, Any, object]) -> GRPCError:
    with pytest.raises(GRPCError) as error:
        await call
    return error.value


def facts(error: GRPCError) -> tuple[str, dict[str, str]]:
    """The reason and the facts of an error's ErrorInfo."""
    info = error.details[0]
    assert isinstance(info, ErrorInfo)
    return info.reason, dict(info.metadata)


async def placed(stub: Stub, *items: str) -> str:
    order_id = new_id()
    await stub.place_orders(place_request((order_id, [(item, 1) for item in items])))
    return order_id


async def test_the_menu_shows_categories_times_what_is_unlimited_and_what_is_off_sale(stub: Stub) -> None:
    await stub.set_on_sale(v1.SetOnSaleRequest("coffee", False, "Ana"))
    menu = await stub.get_menu(v1.GetMenuRequest())
    coffee, water = menu.items
    assert (menu.late_seconds, menu.very_late_seconds) == (600, 900)
    assert (coffee.category, coffee.prep_seconds, coffee.off_sale, coffee.unlimited) == ("hot", 90, True, False)
    assert (water.category, water.prep_seconds, water.off_sale, water.unlimited) == ("", 0, False, True)


async def test_an_order_keeps_its_number_and_its_allergies_and_off_sale_is_an_outcome(stub: Stub) -> None:
    await stub.set_on_sale(v1.SetOnSaleRequest("coffee", False, "Ana"))
    order_id = new_id()
    request = place_request((order_id, [("coffee", 1), ("water", 900)]))
    request.numbers, request.allergies = [117], [False, True]
    for _ in range(2):
        response = await stub.place_orders(request)
        assert response.outcomes == [v1.Outcome.from_string("OFF_SALE"), v1.Outcome.ACCEPTED]
        assert (response.available, response.unit_prices) == ([0, 0], [0, 0])
    (ticket,) = (await stub.get_tickets(v1.GetTicketsRequest([order_id, new_id()]))).tickets
    assert (ticket.number, [line.allergy for line in ticket.lines]) == (117, [False, True])
    request.allergies = []
    assert (await refusal(stub.place_orders(request))).status is Status.ALREADY_EXISTS


async def test_lines_are_ticked_and_several_tickets_moved_at_once(stub: Stub) -> None:
    first, second = await placed(stub, "coffee", "water"), await placed(stub, "coffee")
    ticked = (await stub.tick_line(v1.TickLineRequest(first, 1, True, "Ana"))).ticket
    assert ticked is not None
    assert [line.made for line in ticked.lines] == [False, True]
    moves = [v1.MoveTicketRequest(each, START, QUEUED, "a", "Ana") for each in (first, second)]
    moves.append(v1.MoveTicketRequest(new_id(), START, QUEUED, "a", "Ana"))
    results = (await stub.move_tickets(v1.MoveTicketsRequest(moves))).results
    assert [result.status for result in results] == [0, 0, Status.NOT_FOUND.value]
    assert [result.reason for result in results] == ["", "", "OrderNotFound"]
    assert results[0].ticket is not None
    assert (results[0].ticket.state, [line.made for line in results[0].ticket.lines]) == (PREPARING, [False, True])
    finish = v1.MoveTicketRequest(first, FINISH, PREPARING, "b", "Bo")
    assert (await stub.move_tickets(v1.MoveTicketsRequest([finish]))).results[0].ticket is not None
    late = v1.MoveTicketRequest(first, FINISH, PREPARING, "c", "Cy")
    (refused,) = (await stub.move_tickets(v1.MoveTicketsRequest([late]))).results
    assert (refused.status, refused.reason) == (Status.FAILED_PRECONDITION.value, "StepConflict")
    assert refused.ticket is not None
    assert (refused.ticket.state, refused.ticket.moved_by) == (READY, "Bo")


async def test_a_line_that_cannot_be_ticked_is_refused_with_the_state(stub: Stub) -> None:
    order_id = await placed(stub, "coffee", "tea")
    error = await refusal(stub.tick_line(v1.TickLineRequest(order_id, 1, True)))
    assert error.status is Status.FAILED_PRECONDITION
    expected = {"order_id": order_id, "state": "queued", "line": "1", "outcome": "not_on_menu"}
    assert facts(error) == ("TickNotAllowed", expected)
    assert isinstance(error.details[1], PreconditionFailure)
    assert (await refusal(stub.tick_line(v1.TickLineRequest(order_id, 2)))).status is Status.OUT_OF_RANGE
    assert (await refusal(stub.tick_line(v1.TickLineRequest(new_id(), 0)))).status is Status.NOT_FOUND


async def test_the_stock_is_changed_once_for_each_change_id(stub: Stub) -> None:
    delivery = v1.ChangeStockRequest("coffee", "a", DELIVERY, 5, changed_by="Ana")
    for _ in range(2):
        stock = (await stub.change_stock(delivery)).stock
        assert stock is not None
        assert (stock.item, stock.received, stock.on_hand) == ("coffee", 15, 15)
    delivery.delta = 6
    error = await refusal(stub.change_stock(delivery))
    assert (error.status, facts(error)[0]) == (Status.ALREADY_EXISTS, "ChangeIdTaken")


async def test_a_count_of_another_figure_and_too_much_waste_are_refused_with_the_figure(stub: Stub) -> None:
    count = v1.ChangeStockRequest("coffee", "a", COUNT, 0, 12, 9)
    waste = v1.ChangeStockRequest("coffee", "b", WASTE, -11)
    error = await refusal(stub.change_stock(count))
    assert (error.status, error.message) == (Status.FAILED_PRECONDITION, "coffee has 10 on hand, not 9")
    assert facts(error) == ("StockConflict", {"item": "coffee", "on_hand": "10", "expected": "9"})
    error = await refusal(stub.change_stock(waste))
    assert facts(error) == ("StockTooLow", {"item": "coffee", "on_hand": "10", "delta": "-11"})
    count.expected = 10
    stock = (await stub.change_stock(count)).stock
    assert stock is not None
    assert (stock.received, stock.on_hand) == (12, 12)


async def test_an_item_that_there_is_not_and_one_without_a_figure_are_refused(stub: Stub) -> None:
    error = await refusal(stub.change_stock(v1.ChangeStockRequest("tea", "a", DELIVERY, 1)))
    assert (error.status, facts(error)) == (Status.NOT_FOUND, ("ItemNotFound", {"item": "tea"}))
    error = await refusal(stub.change_stock(v1.ChangeStockRequest("water", "a", DELIVERY, 1)))
    assert (error.status, facts(error)[0]) == (Status.FAILED_PRECONDITION, "StockUnlimited")


async def test_the_history_is_read_in_pages_of_the_departments_limit(stub: Stub) -> None:
    for number in range(3):
        await stub.change_stock(v1.ChangeStockRequest("coffee", str(number), DELIVERY, 1, changed_by="Ana"))
    taken_off = await stub.set_on_sale(v1.SetOnSaleRequest("coffee", False, "Bo"))
    assert taken_off.stock is not None
    assert taken_off.stock.off_sale
    first = await stub.list_stock_changes(v1.ListStockChangesRequest("coffee", 0, 99))
    assert [(each.reason, each.delta, each.on_hand, each.changed_by) for each in first.changes] == [
        (OFF_SALE, 0, 13, "Bo"),
        (DELIVERY, 1, 13, "Ana"),
    ]
    rest = await stub.list_stock_changes(v1.ListStockChangesRequest("coffee", first.next))
    assert [each.change_id for each in rest.changes] == ["1", "0"]
    last = await stub.list_stock_changes(v1.ListStockChangesRequest("coffee", rest.next))
    assert [(each.delta, each.changed_by) for each in last.changes] == [(10, "menu file")]
    assert last.next == 0


@pytest.mark.parametrize(
    ("call", "request_", "field"),
    [
        ("move_tickets", v1.MoveTicketsRequest(), "moves"),
        ("tick_line", v1.TickLineRequest("7"), "order_id"),
        ("get_tickets", v1.GetTicketsRequest(), "order_ids"),
        ("get_tickets", v1.GetTicketsRequest(["7"]), "order_ids[0]"),
        ("change_stock", v1.ChangeStockRequest("coffee", "a", DELIVERY, -1), "delta"),
        ("set_on_sale", v1.SetOnSaleRequest("", True), "item"),
        ("list_stock_changes", v1.ListStockChangesRequest("x" * 65), "item"),
    ],
)
async def test_an_invalid_request_names_the_field(stub: Stub, call: str, request_: object, field: str) -> None:
    error = await refusal(getattr(stub, call)(request_))
    assert error.status is Status.INVALID_ARGUMENT
    (details,) = error.details
    assert isinstance(details, BadRequest)
    assert details.field_violations[0].field == field
