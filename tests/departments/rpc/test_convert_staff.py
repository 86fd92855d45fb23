"""The requests of the staff as domain types, and their results as messages."""

from typing import Any

import pytest

from departments.domain.errors import InvalidRequest, OrderNotFound, StepConflict
from departments.domain.steps import Moved, Tick
from departments.domain.stock import Stock
from departments.domain.stock_changes import ChangeReason, StockChange, StockHistory, StockOrder
from departments.domain.tickets import TicketState, Verb
from departments.rpc import convert_staff
from departments.rpc.limits import Limits
from generated.restaurant import v1
from tests.support.department_factories import new_id, ticket_in

LIMITS = Limits(item_length=6, name_length=5, change_id_length=4, stock=100, moves_per_call=2, changes_per_page=3)
DELIVERY, COUNT, WASTE, CORRECTION = (
    v1.ChangeReason.from_string(name) for name in ("DELIVERY", "COUNT", "WASTE", "CORRECTION")
)


def step(**changes: Any) -> v1.MoveTicketRequest:
    fields: dict[str, Any] = {
        "order_id": new_id(),
        "verb": v1.Verb.from_string("START"),
        "expected_state": v1.TicketState.QUEUED,
        "step_id": "a",
    }
    return v1.MoveTicketRequest(**fields | changes)


def change(**changes: Any) -> v1.ChangeStockRequest:
    fields: dict[str, Any] = {"item": "coffee", "change_id": "a", "reason": DELIVERY, "delta": 5, "changed_by": "Ana"}
    return v1.ChangeStockRequest(**fields | changes)


def test_several_steps_are_read_in_their_order() -> None:
    requests = [step(), step(verb=v1.Verb.from_string("CANCEL"), reason="gone")]
    first, second = convert_staff.moves(v1.MoveTicketsRequest(requests), LIMITS)
    assert (first.order_id, first.verb, first.expected) == (requests[0].order_id, Verb.START, TicketState.QUEUED)
    assert (second.order_id, second.verb, second.reason) == (requests[1].order_id, Verb.CANCEL, "gone")


@pytest.mark.parametrize(
    ("requests", "field", "reason"),
    [
        ([], "moves", "there are 0; 1 to 2 are allowed"),
        ([step(), step(), step()], "moves", "there are 3; 1 to 2 are allowed"),
        ([step(), step(step_id="")], "moves[1].step_id", "'' is not allowed: 1 to 64 characters are allowed"),
        ([step(order_id="7")], "moves[0].order_id", "'7' is not allowed: a UUID in lower case is expected"),
    ],
)
def test_several_steps_with_one_that_is_wrong_are_refused_with_its_place(
    requests: list[v1.MoveTicketRequest], field: str, reason: str
) -> None:
    with pytest.raises(InvalidRequest) as error:
        convert_staff.moves(v1.MoveTicketsRequest(requests), LIMITS)
    assert (error.value.field, error.value.description) == (field, reason)


def test_two_steps_for_one_ticket_are_refused() -> None:
    once = step()
    with pytest.raises(InvalidRequest, match=r"moves\[1\].order_id: .* there is another step for this ticket"):
        convert_staff.moves(v1.MoveTicketsRequest([once, step(order_id=once.order_id, step_id="b")]), LIMITS)


def test_each_step_has_a_result_of_its_own() -> None:
    ticket = ticket_in(TicketState.READY)
    conflict = StepConflict(ticket.order_id, "ready", "queued", "Ana", 1)
    unknown = OrderNotFound(new_id())
    results = [Moved(ticket), Moved(ticket, conflict), Moved(None, unknown)]
    taken, refused, missing = convert_staff.moves_response(results).results
    assert (taken.status, taken.message, taken.reason) == (0, "", "")
    assert taken.ticket is not None
    assert taken.ticket.state is v1.TicketState.READY
    assert (refused.status, refused.message, refused.reason) == (9, str(conflict), "StepConflict")
    assert refused.ticket == taken.ticket
    assert (missing.status, missing.reason, missing.ticket) == (5, "OrderNotFound", None)


def test_a_tick_is_read() -> None:
    order_id = new_id()
    request = v1.TickLineRequest(order_id, 3, True, "Ana")
    assert convert_staff.tick(request, LIMITS) == Tick(order_id, 3, True, "Ana")
    for wrong, field in ((v1.TickLineRequest("7"), "order_id"), (v1.TickLineRequest(order_id, ticked_by="x" * 6), "t")):
        with pytest.raises(InvalidRequest, match=field):
            convert_staff.tick(wrong, LIMITS)


@pytest.mark.parametrize(
    ("request_", "order"),
    [
        (change(), StockOrder("coffee", "a", ChangeReason.DELIVERY, 5, 0, 0, "Ana")),
        (change(reason=WASTE, delta=-100), StockOrder("coffee", "a", ChangeReason.WASTE, -100, 0, 0, "Ana")),
        (change(reason=CORRECTION, delta=-1), StockOrder("coffee", "a", ChangeReason.CORRECTION, -1, 0, 0, "Ana")),
        (change(reason=CORRECTION, delta=100), StockOrder("coffee", "a", ChangeReason.CORRECTION, 100, 0, 0, "Ana")),
        (
            change(reason=COUNT, delta=0, count=12, expected=100),
            StockOrder("coffee", "a", ChangeReason.COUNT, 0, 12, 100, "Ana"),
        ),
    ],
)
def test_a_change_of_the_stock_is_read(request_: v1.ChangeStockRequest, order: StockOrder) -> None:
    assert convert_staff.stock_order(v1.ChangeStockRequest().parse(bytes(request_)), LIMITS) == order


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"item": ""}, "item", "'' is not allowed: 1 to 6 characters are allowed"),
        ({"change_id": "abcde"}, "change_id", "'abcde' is not allowed: 1 to 4 characters are allowed"),
        ({"changed_by": "\0"}, "changed_by", r"'\x00' is not allowed: a NUL character is not"),
        ({"reason": 0}, "reason", "0 is not allowed: expected one of delivery, count, waste, correction"),
        ({"reason": 5}, "reason", "5 is not allowed: expected one of delivery, count, waste, correction"),
        ({"delta": 0}, "delta", "0 is not allowed: with delivery 1 to 100 is"),
        ({"delta": -1}, "delta", "-1 is not allowed: with delivery 1 to 100 is"),
        ({"delta": 101}, "delta", "101 is not allowed: with delivery 1 to 100 is"),
        ({"reason": WASTE, "delta": 1}, "delta", "1 is not allowed: with waste -100 to -1 is"),
        ({"reason": CORRECTION, "delta": 0}, "delta", "0 is not allowed: with correction -100 to 100 is, except 0"),
        ({"reason": COUNT, "delta": 5}, "delta", "5 is not allowed: with count it is 0"),
        ({"count": 3}, "count", "3 is not allowed: only a count has it, not delivery"),
        ({"reason": COUNT, "delta": 0, "expected": 101}, "expected", "101 is not allowed: at most 100 is"),
    ],
)
def test_a_change_of_the_stock_that_is_not_allowed_names_its_field(
    changes: dict[str, Any], field: str, reason: str
) -> None:
    with pytest.raises(InvalidRequest) as error:
        convert_staff.stock_order(change(**changes), LIMITS)
    assert (error.value.field, error.value.description) == (field, reason)


def test_a_page_of_the_history_is_asked_for() -> None:
    assert convert_staff.history(v1.ListStockChangesRequest(), LIMITS) == ("", 2**63 - 1, 3)
    assert convert_staff.history(v1.ListStockChangesRequest("coffee", 9, 2), LIMITS) == ("coffee", 9, 2)
    assert convert_staff.history(v1.ListStockChangesRequest("coffee", 9, 99), LIMITS) == ("coffee", 9, 3)
    with pytest.raises(InvalidRequest, match="before_revision: 9223372036854775808 is not allowed"):
        convert_staff.history(v1.ListStockChangesRequest("", 2**63), LIMITS)


@pytest.mark.parametrize("reason", ChangeReason)
def test_the_history_has_every_reason(reason: ChangeReason) -> None:
    record = StockChange("a", "coffee", reason, -3, 7, "Ana", 1234, 9)
    (sent,) = convert_staff.history_response(StockHistory([record], 9)).changes
    assert sent == v1.StockChange("a", "coffee", v1.ChangeReason.from_string(reason.name), -3, 7, "Ana", 1234, 9)


def test_a_stock_level_has_every_figure() -> None:
    stock = Stock("coffee", 10, 1, 2, 3, 4, off_sale=True, unlimited=True, revision=9)
    assert convert_staff.stock_level(stock) == v1.StockLevel("coffee", 10, 1, 2, 3, 4, True, True, 9)
