"""The tables of responses and decisions: complete, and followed by orders."""

from collections.abc import Sequence

import pytest

from gateway.domain.lines import LineResult, Outcome, TicketResult, TicketState
from gateway.domain.order import Order, Policy
from gateway.domain.transitions import DECISIONS, RESPONSES, SHAPES, Goal, OrderDecision, Response, transition
from tests.support.orders import order

COFFEE = LineResult(Outcome.ACCEPTED, 0, 350)
NO_BEER = LineResult(Outcome.OUT_OF_STOCK, 0, 0)

PENDING, ACCEPTED, OUT, CANCELLED, EXPIRED = "pending", "accepted", "out_of_stock", "cancelled", "expired"

EXPECTED: dict[Goal, dict[Response, Sequence[str]]] = {
    Goal.PLACE: {
        Response.REFUSED: (OUT, OUT),
        Response.HELD: (ACCEPTED, OUT),
        Response.QUEUED: (ACCEPTED, OUT),
        Response.STARTED: (ACCEPTED, OUT),
        Response.CANCELLED: (CANCELLED, OUT),
        Response.TOMBSTONE: (CANCELLED, CANCELLED),
    },
    Goal.HOLD: {
        Response.REFUSED: (OUT, OUT),
        Response.HELD: (PENDING, OUT),
        Response.QUEUED: (PENDING, OUT),
        Response.STARTED: (PENDING, OUT),
        Response.CANCELLED: (CANCELLED, OUT),
        Response.TOMBSTONE: (CANCELLED, CANCELLED),
    },
    Goal.CONFIRM: {
        Response.REFUSED: (OUT, OUT),
        Response.HELD: (ACCEPTED, OUT),
        Response.QUEUED: (ACCEPTED, OUT),
        Response.STARTED: (ACCEPTED, OUT),
        Response.CANCELLED: (CANCELLED, OUT),
        Response.TOMBSTONE: (EXPIRED, EXPIRED),
    },
    Goal.SUSPEND: {
        Response.REFUSED: (OUT, OUT),
        Response.HELD: (ACCEPTED, OUT),
        Response.QUEUED: (ACCEPTED, OUT),
        Response.STARTED: (ACCEPTED, OUT),
        Response.CANCELLED: (CANCELLED, OUT),
        Response.TOMBSTONE: (CANCELLED, CANCELLED),
    },
    Goal.CANCEL: {
        Response.REFUSED: (OUT, OUT),
        Response.HELD: (CANCELLED, OUT),
        Response.QUEUED: (CANCELLED, OUT),
        Response.STARTED: (ACCEPTED, OUT),
        Response.CANCELLED: (CANCELLED, OUT),
        Response.TOMBSTONE: (CANCELLED, CANCELLED),
    },
}
"""What becomes of two pending lines, of which the department has the first only, or, where it refuses all, neither."""


def ticket(response: Response) -> TicketResult:
    if response is Response.TOMBSTONE:
        return TicketResult(TicketState.CANCELLED, [])
    state = next(state for state, shape in SHAPES.items() if shape is response)
    return TicketResult(state, [NO_BEER if response is Response.REFUSED else COFFEE, NO_BEER])


def owing(goal: Goal) -> Order:
    policy = Policy.ALL_OR_NOTHING if goal in (Goal.HOLD, Goal.SUSPEND) else Policy.BEST_EFFORT
    asked = order("bar coffee", "bar beer", "kitchen pizza", policy=policy)
    asked.owed = dict.fromkeys(("bar", "kitchen"), goal)
    return asked


def test_every_goal_has_an_entry_for_every_response() -> None:
    assert RESPONSES.keys() == set(Goal)
    assert all(row.keys() == set(Response) for row in RESPONSES.values())


def test_every_goal_has_a_decision() -> None:
    assert DECISIONS.keys() == set(Goal)


def test_every_state_of_a_ticket_is_a_response() -> None:
    assert SHAPES.keys() == set(TicketState)
    assert {*SHAPES.values(), Response.TOMBSTONE} == set(Response)


@pytest.mark.parametrize("state", TicketState)
def test_a_ticket_has_its_states_shape_and_one_without_lines_is_a_tombstone(state: TicketState) -> None:
    for goal in Goal:
        assert transition(goal, TicketResult(state, [COFFEE])) is RESPONSES[goal][SHAPES[state]]
        assert transition(goal, TicketResult(state, [])) is RESPONSES[goal][Response.TOMBSTONE]


@pytest.mark.parametrize("response", Response)
@pytest.mark.parametrize("goal", Goal)
def test_a_response_does_to_the_lines_what_the_table_says(goal: Goal, response: Response) -> None:
    asked = owing(goal)
    asked.record_response("bar", goal, ticket(response))
    assert [line.outcome.value for line in asked.shares["bar"]] == list(EXPECTED[goal][response])
    assert [line.outcome for line in asked.shares["kitchen"]] == [Outcome.PENDING]


@pytest.mark.parametrize("response", Response)
@pytest.mark.parametrize("goal", Goal)
def test_a_response_ends_what_was_owed_or_has_all_confirmed_again(goal: Goal, response: Response) -> None:
    asked = owing(goal)
    asked.record_response("bar", goal, ticket(response))
    if RESPONSES[goal][response].decision is OrderDecision.CONFIRM_ALL:
        assert asked.owed == {"bar": Goal.CONFIRM}
    else:
        assert asked.owed == {"kitchen": goal}


@pytest.mark.parametrize("goal", Goal)
def test_nothing_is_decided_before_the_last_response_unless_a_department_has_started(goal: Goal) -> None:
    for response in Response:
        asked = owing(goal)
        asked.record_response("bar", goal, ticket(response))
        assert asked.decide(goal) is (RESPONSES[goal][response].decision is not None)


@pytest.mark.parametrize("goal", Goal)
def test_the_last_response_decides_what_the_table_says(goal: Goal) -> None:
    owed = {
        None: {},
        OrderDecision.CONFIRM_IF_ALL_HELD: {"kitchen": Goal.CANCEL},  # the bar has no beer
        OrderDecision.CANCEL_ALL: {"bar": Goal.CANCEL, "kitchen": Goal.CANCEL},
    }
    asked, epoch = owing(goal), 0
    asked.record_response("kitchen", goal, TicketResult(TicketState.HELD, [COFFEE]))
    asked.record_response("bar", goal, ticket(Response.QUEUED if goal is Goal.SUSPEND else Response.REFUSED))
    assert asked.decide(goal) is (DECISIONS[goal] is not None)
    assert asked.owed == owed[DECISIONS[goal]]
    assert asked.epoch == epoch + bool(asked.owed)


def test_the_only_decision_that_follows_at_once_is_to_confirm_all() -> None:
    assert {each.decision for row in RESPONSES.values() for each in row.values()} == {None, OrderDecision.CONFIRM_ALL}
