"""The tables of responses and decisions: complete, and followed by orders."""

from collections.abc import Sequence

import pytest

from gateway.domain.lines import LineResult, Outcome, TicketResult, TicketState
from gateway.domain.order import Order, Policy
from gateway.domain.transitions import (
    DECISIONS,
    RESPONSES,
    SHAPES,
    Goal,
    OrderDecision,
    Response,
    Situation,
    transition,
)
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
        Response.QUEUED: (ACCEPTED, OUT),
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


def test_every_goal_has_a_decision_for_every_situation_or_for_none() -> None:
    assert DECISIONS.keys() == set(Goal)
    assert {goal for goal, row in DECISIONS.items() if row} == {Goal.HOLD, Goal.SUSPEND}
    assert all(row.keys() == set(Situation) for row in DECISIONS.values() if row)


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


NO_PIZZA = TicketResult(TicketState.NONE, [LineResult(Outcome.OUT_OF_STOCK, 0, 0)])
PIZZA = TicketResult(TicketState.HELD, [COFFEE])
BOTH = TicketResult(TicketState.HELD, [COFFEE, COFFEE])
STARTED = TicketResult(TicketState.PREPARING, [COFFEE, COFFEE])

LEADS_TO: dict[tuple[Goal, Situation], Sequence[TicketResult]] = {
    (Goal.HOLD, Situation.WAITING): [BOTH],
    (Goal.HOLD, Situation.HELD): [BOTH, PIZZA],
    (Goal.HOLD, Situation.NOT_HELD): [BOTH, NO_PIZZA],
    (Goal.SUSPEND, Situation.WAITING): [BOTH],
    (Goal.SUSPEND, Situation.STARTED): [STARTED],
    (Goal.SUSPEND, Situation.NOT_HELD): [BOTH, PIZZA],
}
"""The responses of the bar and the kitchen that lead to each situation that there is."""

OWED_AFTER = {
    OrderDecision.CONFIRM_ALL: {"bar": Goal.CONFIRM, "kitchen": Goal.CONFIRM},
    OrderDecision.CANCEL_ALL: {"bar": Goal.CANCEL, "kitchen": Goal.CANCEL},
    OrderDecision.STAY_CONFIRMED: {"bar": Goal.CONFIRM},
}


@pytest.mark.parametrize(("goal", "situation"), LEADS_TO)
def test_a_situation_has_the_decision_that_the_table_says(goal: Goal, situation: Situation) -> None:
    asked = owing(goal)
    for name, result in zip(asked.shares, LEADS_TO[goal, situation], strict=False):
        asked.record_response(name, goal, result)
    assert asked._situation(goal) is situation
    decision = DECISIONS[goal][situation]
    before = dict(asked.owed)
    assert asked.decide(goal) is (decision is not None)
    assert asked.epoch == (decision is not None)
    expected = before if decision is None else OWED_AFTER[decision]
    if situation is Situation.NOT_HELD and goal is Goal.HOLD:
        expected = {"bar": Goal.CANCEL}  # the kitchen has refused its line, and nothing to cancel
    assert asked.owed == expected


@pytest.mark.parametrize("goal", [goal for goal, row in DECISIONS.items() if not row])
def test_where_each_share_stands_by_itself_nothing_is_decided(goal: Goal) -> None:
    asked = owing(goal)
    for name, result in (("bar", BOTH), ("kitchen", PIZZA)):
        asked.record_response(name, goal, result)
    assert not asked.decide(goal)
    assert (asked.owed, asked.epoch) == ({}, 0)


def test_the_only_decision_that_follows_at_once_is_to_confirm_all() -> None:
    assert {each.decision for row in RESPONSES.values() for each in row.values()} == {None, OrderDecision.CONFIRM_ALL}


@pytest.mark.parametrize("goal", [Goal.PLACE, Goal.CONFIRM])
def test_a_response_leaves_a_cancelled_line_the_reason_of_the_staff(goal: Goal) -> None:
    """A department that is asked again about one line says of the others what is known."""
    lines = order("bar coffee", "bar soda").lines
    lines[1].withdraw("no lemon")
    results = [LineResult(Outcome.ACCEPTED, 0, 350), LineResult(Outcome.CANCELLED, 0, 300)]
    RESPONSES[goal][Response.QUEUED].record(lines, TicketResult(TicketState.QUEUED, results))
    assert [(line.outcome, line.reason) for line in lines] == [
        (Outcome.ACCEPTED, None),
        (Outcome.CANCELLED, "bar has withdrawn it: no lemon"),
    ]
