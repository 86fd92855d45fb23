"""The staff cancel single lines of a ticket: what becomes of the order's lines."""

import pytest

from gateway.domain.lines import LineResult, Outcome, TicketResult, TicketState
from gateway.domain.order import Order, Policy, Status
from gateway.domain.transitions import Goal
from tests.support.orders import order, outcomes

COFFEE = LineResult(Outcome.ACCEPTED, 0, 350)
SODA = LineResult(Outcome.ACCEPTED, 0, 300)
PIZZA = LineResult(Outcome.ACCEPTED, 0, 1100)
NO_BEER = LineResult(Outcome.OUT_OF_STOCK, 0, 0)
CANCELLED = LineResult(Outcome.CANCELLED, 0, 350)


def accepted() -> Order:
    """An order whose lines of one department have another one's between them."""
    placed = order("bar coffee 2", "kitchen pizza", "bar beer", "bar soda")
    placed.record_response("bar", Goal.PLACE, TicketResult(TicketState.QUEUED, [COFFEE, NO_BEER, SODA]))
    placed.record_response("kitchen", Goal.PLACE, TicketResult(TicketState.QUEUED, [PIZZA]))
    assert placed.total == 2100
    return placed


def all_or_nothing() -> Order:
    placed = order("bar coffee", "bar soda", "kitchen pizza", policy=Policy.ALL_OR_NOTHING)
    placed.record_response("bar", Goal.HOLD, TicketResult(TicketState.HELD, [COFFEE, SODA]))
    placed.record_response("kitchen", Goal.HOLD, TicketResult(TicketState.HELD, [PIZZA]))
    assert placed.decide(Goal.HOLD)
    placed.record_response("bar", Goal.CONFIRM, TicketResult(TicketState.QUEUED, [COFFEE, SODA]))
    placed.record_response("kitchen", Goal.CONFIRM, TicketResult(TicketState.QUEUED, [PIZZA]))
    return placed


def test_a_line_is_cancelled_by_its_place_in_its_department_s_share() -> None:
    placed = accepted()
    assert placed.withdraw_lines("bar", {2: "none left"})
    assert outcomes(placed) == ["accepted", "accepted", "out_of_stock", "cancelled"]
    assert placed.lines[3].reason == "bar has withdrawn it: none left"
    assert (placed.total, placed.status, placed.epoch, placed.owed) == (1800, Status.PARTLY_ACCEPTED, 1, {})


def test_a_cancel_without_a_reason_is_recorded_without_one() -> None:
    placed = accepted()
    assert placed.withdraw_lines("bar", {0: ""})
    assert placed.lines[0].reason == "bar has withdrawn it"


def test_several_cancels_are_one_change() -> None:
    placed = accepted()
    assert placed.withdraw_lines("bar", {2: "b", 0: "a"})
    assert [placed.lines[number].reason for number in (0, 3)] == [
        "bar has withdrawn it: a",
        "bar has withdrawn it: b",
    ]
    assert placed.epoch == 1


def test_what_is_recorded_or_was_refused_changes_nothing_again() -> None:
    placed = accepted()
    assert placed.withdraw_lines("bar", {0: "none left"})
    assert not placed.withdraw_lines("bar", {0: "another word", 1: "it was refused"})
    assert not placed.withdraw_lines("bar", {})
    assert outcomes(placed) == ["cancelled", "accepted", "out_of_stock", "accepted"]
    assert (placed.epoch, placed.lines[0].reason) == (1, "bar has withdrawn it: none left")


@pytest.mark.parametrize("goal", Goal)
def test_nothing_is_recorded_while_the_department_is_owed_something(goal: Goal) -> None:
    placed = accepted()
    placed.owed = {"bar": goal}
    assert not placed.withdraw_lines("bar", {0: ""})
    assert not placed.ask_again("bar", ())
    assert (outcomes(placed)[0], placed.epoch, placed.owed) == ("accepted", 0, {"bar": goal})


def test_an_order_of_which_every_line_is_cancelled_is_cancelled() -> None:
    placed = accepted()
    assert placed.withdraw_lines("bar", {0: "", 2: ""})
    assert placed.withdraw("kitchen", "")
    assert (placed.status, placed.total) == (Status.CANCELLED, 0)


def test_the_rest_of_an_all_or_nothing_order_stands() -> None:
    placed = all_or_nothing()
    assert placed.withdraw_lines("bar", {1: "the machine is broken"})
    assert outcomes(placed) == ["accepted", "cancelled", "accepted"]
    assert (placed.status, placed.total, placed.owed) == (Status.PARTLY_ACCEPTED, 1450, {})


def test_a_client_s_cancel_takes_what_is_left_and_keeps_the_reason() -> None:
    placed = accepted()
    placed.withdraw_lines("bar", {0: "none left"})
    placed.cancel()
    assert placed.owed == {"bar": Goal.CANCEL, "kitchen": Goal.CANCEL}
    placed.record_response("bar", Goal.CANCEL, TicketResult(TicketState.CANCELLED, [CANCELLED, NO_BEER, SODA]))
    placed.record_response("kitchen", Goal.CANCEL, TicketResult(TicketState.CANCELLED, [PIZZA]))
    assert outcomes(placed) == ["cancelled", "cancelled", "out_of_stock", "cancelled"]
    assert [placed.lines[number].reason for number in (0, 3)] == ["bar has withdrawn it: none left", "it was cancelled"]


def test_a_client_s_cancel_that_comes_too_late_brings_no_cancelled_line_back() -> None:
    placed = accepted()
    placed.withdraw_lines("bar", {0: "none left"})
    placed.cancel()
    placed.record_response("bar", Goal.CANCEL, TicketResult(TicketState.PREPARING, [CANCELLED, NO_BEER, SODA]))
    assert outcomes(placed) == ["cancelled", "accepted", "out_of_stock", "accepted"]
    assert placed.lines[0].reason == "bar has withdrawn it: none left"


def test_an_all_or_nothing_order_that_is_started_stays_without_the_cancelled_line() -> None:
    placed = all_or_nothing()
    placed.withdraw_lines("bar", {0: "none left"})
    placed.cancel()
    assert placed.owed == {"bar": Goal.SUSPEND, "kitchen": Goal.SUSPEND}
    placed.record_response("bar", Goal.SUSPEND, TicketResult(TicketState.HELD, [CANCELLED, SODA]))
    placed.record_response("kitchen", Goal.SUSPEND, TicketResult(TicketState.PREPARING, [PIZZA]))
    assert placed.owed == {"bar": Goal.CONFIRM, "kitchen": Goal.CONFIRM}
    placed.record_response("bar", Goal.CONFIRM, TicketResult(TicketState.QUEUED, [CANCELLED, SODA]))
    placed.record_response("kitchen", Goal.CONFIRM, TicketResult(TicketState.PREPARING, [PIZZA]))
    assert (outcomes(placed), placed.owed) == (["cancelled", "accepted", "accepted"], {})


def test_a_response_that_has_the_cancel_already_says_so() -> None:
    """The staff cancelled the line before the response to the placing arrived."""
    placed = order("bar coffee", "bar soda")
    placed.record_response("bar", Goal.PLACE, TicketResult(TicketState.QUEUED, [COFFEE, CANCELLED]))
    assert (outcomes(placed), placed.total) == (["accepted", "cancelled"], 350)
    assert not placed.withdraw_lines("bar", {1: "none left"})


@pytest.mark.parametrize(
    ("state", "there", "expected"),
    [
        (TicketState.QUEUED, COFFEE, "accepted"),
        (TicketState.PREPARING, COFFEE, "accepted"),
        (TicketState.PREPARING, CANCELLED, "cancelled"),
        (TicketState.CANCELLED, COFFEE, "cancelled"),
    ],
)
def test_of_a_cancel_that_a_restored_department_lacks_its_response_counts(
    state: TicketState, there: LineResult, expected: str
) -> None:
    placed = accepted()
    placed.withdraw_lines("bar", {0: "none left"})
    assert placed.ask_again("bar", ())
    assert (outcomes(placed)[0], placed.owed, placed.epoch) == ("pending", {"bar": Goal.CONFIRM}, 2)
    assert placed.lines[0].reason == "bar is asked whether it makes it after all"
    assert not placed.ask_again("bar", ())
    placed.record_response("bar", Goal.CONFIRM, TicketResult(state, [there, NO_BEER, SODA]))
    assert (outcomes(placed)[0], placed.owed) == (expected, {})
    assert outcomes(placed)[2] == "out_of_stock"


def test_a_department_is_asked_only_about_what_it_lacks() -> None:
    placed = accepted()
    placed.withdraw_lines("bar", {0: "none left"})
    assert not placed.ask_again("bar", {0: "none left"})
    assert not accepted().ask_again("bar", ())
    gone = accepted()
    gone.withdraw("bar", "")
    assert not gone.ask_again("bar", ())
    assert gone.cancel_again("bar")


def test_an_all_or_nothing_order_is_suspended_also_while_a_department_is_asked_again() -> None:
    """It is confirmed, though a line is pending once more: so it is cancelled whole or not at all."""
    placed = all_or_nothing()
    placed.withdraw_lines("bar", {0: "none left"})
    assert placed.ask_again("bar", ())
    assert placed.status is Status.PENDING
    for _ in range(2):  # its client may ask twice
        placed.cancel()
        assert placed.owed == {"bar": Goal.SUSPEND, "kitchen": Goal.SUSPEND}
    placed.record_response("bar", Goal.SUSPEND, TicketResult(TicketState.HELD, [COFFEE, SODA]))
    placed.record_response("kitchen", Goal.SUSPEND, TicketResult(TicketState.HELD, [PIZZA]))
    assert placed.decide(Goal.SUSPEND)
    assert placed.owed == {"bar": Goal.CANCEL, "kitchen": Goal.CANCEL}
