"""The staff cancel a ticket: what becomes of the order's lines."""

import pytest

from gateway.domain.lines import LineResult, Outcome, TicketResult, TicketState
from gateway.domain.order import Order, Policy, Status
from gateway.domain.transitions import RESPONSES, WITHDRAWALS, Goal, Response, Withdrawal
from tests.support.orders import order, outcomes

COFFEE = LineResult(Outcome.ACCEPTED, 0, 350)
PIZZA = LineResult(Outcome.ACCEPTED, 0, 1100)
NO_BEER = LineResult(Outcome.OUT_OF_STOCK, 0, 0)


def accepted(policy: Policy = Policy.BEST_EFFORT) -> Order:
    placed = order("bar coffee 2", "bar beer", "kitchen pizza", policy=policy)
    placed.record_response("bar", Goal.PLACE, TicketResult(TicketState.QUEUED, [COFFEE, NO_BEER]))
    placed.record_response("kitchen", Goal.PLACE, TicketResult(TicketState.QUEUED, [PIZZA]))
    return placed


def test_every_goal_and_nothing_owed_have_an_entry() -> None:
    assert WITHDRAWALS.keys() == {None, *Goal}


@pytest.mark.parametrize("goal", [goal for goal, each in WITHDRAWALS.items() if each is Withdrawal.AWAIT_RESPONSE])
def test_what_is_awaited_tells_that_the_ticket_is_cancelled(goal: Goal) -> None:
    """A cancelled ticket leaves no line of the department open, whatever was owed."""
    placed = order("bar coffee")
    placed.owed = {"bar": goal}
    assert not placed.withdraw("bar", "burnt")
    assert outcomes(placed) == ["pending"]
    RESPONSES[goal][Response.CANCELLED].record(placed.shares["bar"], TicketResult(TicketState.CANCELLED, [COFFEE]))
    assert outcomes(placed) == ["cancelled"]


def test_a_withdrawal_cancels_what_was_accepted_and_lowers_the_total() -> None:
    placed = accepted()
    assert placed.withdraw("bar", "the machine is broken")
    assert outcomes(placed) == ["cancelled", "out_of_stock", "accepted"]
    assert placed.lines[0].reason == "bar has withdrawn it: the machine is broken"
    assert placed.lines[1].reason == "none left"
    assert (placed.total, placed.status, placed.epoch, placed.owed) == (1100, Status.PARTLY_ACCEPTED, 1, {})


def test_a_withdrawal_that_is_recorded_changes_nothing_again() -> None:
    placed = accepted()
    assert placed.withdraw("kitchen", "")
    assert placed.lines[2].reason == "kitchen has withdrawn it"
    assert not placed.withdraw("kitchen", "another word")
    assert (placed.epoch, placed.lines[2].reason) == (1, "kitchen has withdrawn it")


def test_an_order_of_which_all_is_withdrawn_is_cancelled() -> None:
    placed = accepted()
    assert placed.withdraw("bar", "")
    assert placed.withdraw("kitchen", "")
    assert (placed.status, placed.total) == (Status.CANCELLED, 0)


def settled_all_or_nothing() -> Order:
    placed = order("bar coffee", "kitchen pizza", policy=Policy.ALL_OR_NOTHING)
    placed.record_response("bar", Goal.HOLD, TicketResult(TicketState.HELD, [COFFEE]))
    placed.record_response("kitchen", Goal.HOLD, TicketResult(TicketState.HELD, [PIZZA]))
    assert placed.decide(Goal.HOLD)
    placed.record_response("bar", Goal.CONFIRM, TicketResult(TicketState.QUEUED, [COFFEE]))
    placed.record_response("kitchen", Goal.CONFIRM, TicketResult(TicketState.QUEUED, [PIZZA]))
    return placed


def test_an_all_or_nothing_order_of_which_a_part_was_withdrawn_stands_with_the_rest() -> None:
    placed = settled_all_or_nothing()
    assert placed.withdraw("kitchen", "the oven is broken")
    assert placed.lines[1].reason == "kitchen has withdrawn it: the oven is broken"
    assert (outcomes(placed), placed.status, placed.total) == (["accepted", "cancelled"], Status.PARTLY_ACCEPTED, 350)
    assert not placed.owed


def test_a_held_part_that_is_withdrawn_before_the_decision_cancels_the_order() -> None:
    placed = order("bar coffee", "kitchen pizza", policy=Policy.ALL_OR_NOTHING)
    placed.record_response("bar", Goal.HOLD, TicketResult(TicketState.HELD, [COFFEE]))
    assert placed.withdraw("bar", "")
    placed.record_response("kitchen", Goal.HOLD, TicketResult(TicketState.HELD, [PIZZA]))
    assert placed.decide(Goal.HOLD)
    assert placed.owed == {"kitchen": Goal.CANCEL}
    assert outcomes(placed) == ["cancelled", "cancelled"]


def test_a_cancel_by_the_client_leaves_out_what_was_withdrawn() -> None:
    placed = settled_all_or_nothing()
    placed.withdraw("bar", "")
    placed.cancel()
    assert placed.owed == {"kitchen": Goal.SUSPEND}
    placed.record_response("kitchen", Goal.SUSPEND, TicketResult(TicketState.HELD, [PIZZA]))
    assert placed.decide(Goal.SUSPEND)
    assert placed.owed == {"kitchen": Goal.CANCEL}
    assert placed.lines[0].reason == "bar has withdrawn it"


def test_a_cancel_that_a_restored_department_lacks_is_owed_to_it_once() -> None:
    placed = accepted()
    assert not placed.cancel_again("bar")
    assert placed.withdraw("bar", "the machine is broken")
    assert placed.cancel_again("bar")
    assert (placed.owed, placed.epoch) == ({"bar": Goal.CANCEL}, 2)
    assert not placed.cancel_again("bar")
    placed.record_response("bar", Goal.CANCEL, TicketResult(TicketState.CANCELLED, [COFFEE, NO_BEER]))
    assert outcomes(placed) == ["cancelled", "out_of_stock", "accepted"]
    assert placed.lines[0].reason == "bar has withdrawn it: the machine is broken"
    assert (placed.total, placed.owed) == (1100, {})


def test_a_cancel_that_comes_too_late_after_a_restore_is_taken_back() -> None:
    placed = accepted()
    assert placed.withdraw("bar", "")
    assert placed.cancel_again("bar")
    placed.record_response("bar", Goal.CANCEL, TicketResult(TicketState.PREPARING, [COFFEE, NO_BEER]))
    assert outcomes(placed) == ["accepted", "out_of_stock", "accepted"]
    assert placed.total == 1800
