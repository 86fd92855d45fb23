from collections import deque

import pytest

from departments.domain.errors import LineNotCancellable, LineNotFound, StepNotAllowed, TickNotAllowed
from departments.domain.placing import tombstone, write_ticket
from departments.domain.tickets import (
    NOT_FOR_STAFF,
    NOT_STARTED,
    TRANSITIONS,
    CancelledLine,
    Decision,
    Outcome,
    Ticket,
    TicketState,
    Verb,
)
from tests.support.department_factories import BAR, NEXT, WALKS, coffees, full_stock, new_id, order, ticket_in

ALLOWED = [(state, verb) for state in TicketState for verb in NEXT[state]]
NOT_ALLOWED = [(state, verb) for state in TicketState for verb in Verb if verb not in NEXT[state]]


@pytest.mark.parametrize("state", TicketState)
def test_every_state_is_reached_by_walking_the_workflow(state: TicketState) -> None:
    assert ticket_in(state).state is state


@pytest.mark.parametrize(("state", "verb"), ALLOWED)
def test_a_step_that_is_allowed_leads_where_the_table_says(state: TicketState, verb: Verb) -> None:
    ticket = ticket_in(state)
    ticket.step(verb, 9)
    assert ticket.state is NEXT[state][verb]


@pytest.mark.parametrize("verb", Verb)
@pytest.mark.parametrize("state", TicketState)
def test_a_ticket_knows_its_steps_before_it_takes_them(state: TicketState, verb: Verb) -> None:
    assert ticket_in(state).allows(verb) == (verb in NEXT[state])


@pytest.mark.parametrize(("state", "verb"), NOT_ALLOWED)
def test_a_step_that_is_not_allowed_changes_nothing_and_names_those_of_the_staff_that_are(
    state: TicketState, verb: Verb
) -> None:
    ticket = ticket_in(state)
    with pytest.raises(StepNotAllowed) as refusal:
        ticket.step(verb, 9)
    steps = [step for step in NEXT[state] if step not in NOT_FOR_STAFF and state is not TicketState.HELD]
    rule = f"expected {' or '.join(steps)}" if steps else "nothing is"
    assert str(refusal.value) == f"ticket {ticket.order_id} is {state}: {verb} is not allowed, {rule}"
    assert refusal.value.order_id == ticket.order_id
    assert ticket.state is state


def test_there_is_no_step_beyond_the_table() -> None:
    assert len(TRANSITIONS) == len(ALLOWED)


def test_only_what_is_held_queued_or_being_prepared_can_be_cancelled() -> None:
    assert {state for state, verb in ALLOWED if verb is Verb.CANCEL} == {
        TicketState.HELD,
        TicketState.QUEUED,
        TicketState.PREPARING,
    }
    assert {TRANSITIONS[step] for step in TRANSITIONS if step[1] is Verb.CANCEL} == {TicketState.CANCELLED}


def test_an_order_that_nobody_started_may_be_cancelled() -> None:
    started = {state for state, walk in WALKS.items() if Verb.START in walk}
    assert set(NOT_STARTED) == {TicketState.HELD, TicketState.QUEUED} == set(WALKS) - started - {TicketState.CANCELLED}


def test_recall_undoes_the_step_before() -> None:
    for state, verb in (
        (TicketState.QUEUED, Verb.START),
        (TicketState.PREPARING, Verb.FINISH),
        (TicketState.READY, Verb.SERVE),
    ):
        ticket = ticket_in(state)
        ticket.step(verb, 9)
        ticket.step(Verb.RECALL, 9)
        assert ticket.state is state


def times(ticket: Ticket) -> tuple[int, int, int, int]:
    return ticket.started_at_ms, ticket.ready_at_ms, ticket.served_at_ms, ticket.cancelled_at_ms


TIMES = {
    TicketState.HELD: (0, 0, 0, 0),
    TicketState.QUEUED: (0, 0, 0, 0),
    TicketState.PREPARING: (3, 0, 0, 0),
    TicketState.READY: (3, 4, 0, 0),
    TicketState.SERVED: (3, 4, 5, 0),
    TicketState.CANCELLED: (0, 0, 0, 3),
}


@pytest.mark.parametrize("state", TIMES)
def test_a_ticket_keeps_the_times_of_its_steps(state: TicketState) -> None:
    assert times(ticket_in(state)) == TIMES[state]


@pytest.mark.parametrize(
    ("state", "before"),
    [
        (TicketState.SERVED, TicketState.READY),
        (TicketState.READY, TicketState.PREPARING),
        (TicketState.PREPARING, TicketState.QUEUED),
    ],
)
def test_a_recall_clears_the_time_of_the_step_that_it_undoes(state: TicketState, before: TicketState) -> None:
    ticket = ticket_in(state)
    ticket.step(Verb.RECALL, 9)
    assert times(ticket) == TIMES[before]


def test_a_ticket_that_is_cancelled_after_it_was_started_keeps_both_times() -> None:
    ticket = ticket_in(TicketState.PREPARING)
    ticket.step(Verb.CANCEL, 9)
    assert times(ticket) == (3, 0, 0, 9)


def test_suspend_undoes_confirm_and_nothing_else() -> None:
    assert [state for state, verb in ALLOWED if verb is Verb.SUSPEND] == [TicketState.QUEUED]
    ticket, states = ticket_in(TicketState.HELD), []
    for verb in (Verb.CONFIRM, Verb.SUSPEND, Verb.CONFIRM):
        ticket.step(verb, 9)
        states.append(ticket.state)
    assert states == [TicketState.QUEUED, TicketState.HELD, TicketState.QUEUED]


def test_what_is_suspended_cannot_be_started() -> None:
    ticket = ticket_in(TicketState.QUEUED)
    ticket.step(Verb.SUSPEND, 9)
    assert not ticket.allows(Verb.START)


@pytest.mark.parametrize("state", sorted(set(TicketState) - {TicketState.CANCELLED}))
def test_a_ticket_keeps_the_epoch_of_the_latest_decision_in_any_state(state: TicketState) -> None:
    ticket = ticket_in(state)
    assert ticket.epoch == 0
    for epoch, is_heard, remembered in ((0, True, 0), (3, True, 3), (2, False, 3), (3, True, 3), (7, True, 7)):
        assert ticket.record_epoch(Decision(ticket.order_id, epoch)) is is_heard
        assert (ticket.epoch, ticket.state) == (remembered, state)


def test_what_is_cancelled_hears_of_nothing_any_more() -> None:
    ticket = ticket_in(TicketState.CANCELLED)
    assert not ticket.record_epoch(Decision(ticket.order_id, 7))


def test_every_state_but_none_lies_on_a_way_from_held() -> None:
    reached, open_ends = {TicketState.HELD}, deque([TicketState.HELD])
    while open_ends:
        state = open_ends.popleft()
        for (before, _), after in TRANSITIONS.items():
            if before is state and after not in reached:
                reached.add(after)
                open_ends.append(after)
    assert reached == set(TicketState) - {TicketState.NONE}


def test_the_lines_that_take_stock_are_the_accepted_ones() -> None:
    ticket = write_ticket(order(("coffee", 1), ("beer", 1), ("tea", 1), ("soda", 2)), BAR, full_stock(), 1)
    assert [line.item for line in ticket.accepted()] == ["coffee", "soda"]
    assert {line.outcome for line in ticket.accepted()} == {Outcome.ACCEPTED}


def test_a_tombstone_is_cancelled_and_has_no_lines() -> None:
    order_id = new_id()
    stone = tombstone(order_id, 7)
    assert (stone.order_id, stone.state, stone.lines, stone.placed_at_ms) == (order_id, TicketState.CANCELLED, [], 7)
    assert stone.cancelled_at_ms == 7


def test_a_ticket_is_queued_at_once_where_nothing_waits_for_a_decision() -> None:
    assert write_ticket(coffees(1), BAR, full_stock(), 1).state is TicketState.QUEUED


@pytest.mark.parametrize("state", [TicketState.QUEUED, TicketState.PREPARING, TicketState.READY])
def test_a_line_of_an_open_ticket_is_ticked_on_and_off_and_the_state_stays(state: TicketState) -> None:
    ticket = ticket_in(state)
    for made, is_new in ((False, False), (True, True), (True, False), (False, True)):
        assert ticket.tick(0, made=made) is is_new
        assert (ticket.lines[0].made, ticket.state) == (made, state)


def test_the_last_tick_does_not_finish_the_ticket() -> None:
    ticket = write_ticket(order(("coffee", 1), ("soda", 1)), BAR, full_stock(), 1)
    for line in range(2):
        ticket.tick(line, made=True)
    assert ticket.state is TicketState.QUEUED


@pytest.mark.parametrize("state", [TicketState.HELD, TicketState.SERVED, TicketState.CANCELLED, TicketState.NONE])
def test_a_line_of_a_ticket_that_is_not_open_cannot_be_ticked(state: TicketState) -> None:
    ticket = ticket_in(state)
    with pytest.raises(TickNotAllowed, match=f"ticket {ticket.order_id} is {state}, and line 0 is ") as refusal:
        ticket.tick(0, made=True)
    assert refusal.value.facts["state"] == state
    assert not ticket.lines[0].made


def test_a_line_that_was_refused_cannot_be_ticked() -> None:
    ticket = write_ticket(order(("coffee", 1), ("beer", 1)), BAR, full_stock(), 1)
    with pytest.raises(TickNotAllowed, match="is queued, and line 1 is out_of_stock: only an accepted line"):
        ticket.tick(1, made=True)


def test_a_line_that_a_ticket_does_not_have_cannot_be_ticked() -> None:
    ticket = ticket_in(TicketState.QUEUED)
    with pytest.raises(LineNotFound, match="has no line 1: its lines are 0 to 0"):
        ticket.tick(1, made=True)
    with pytest.raises(LineNotFound, match="has no line 0: it has no lines"):
        tombstone(new_id(), 1).tick(0, made=True)


def test_the_cancel_of_a_line_does_not_pass_for_a_start() -> None:
    ticket = ticket_in(TicketState.PREPARING)
    ticket.step(Verb.CANCEL_LINE, 9)
    assert times(ticket) == TIMES[TicketState.PREPARING]


def test_the_last_accepted_line_is_known_whatever_was_refused_or_cancelled_beside_it() -> None:
    ticket = write_ticket(order(("coffee", 1), ("beer", 1), ("soda", 2)), BAR, full_stock(), 1)
    assert [ticket.is_last_accepted(line) for line in (0, 2)] == [False, False]
    ticket.cancel_line(0, "no milk", wasted=False)
    assert ticket.is_last_accepted(2)
    assert ticket_in(TicketState.QUEUED).is_last_accepted(0)


def test_only_a_line_that_is_accepted_can_be_cancelled() -> None:
    ticket = write_ticket(order(("coffee", 1), ("beer", 1), ("soda", 2)), BAR, full_stock(), 1)
    ticket.cancel_line(0, "", wasted=False)
    for line, outcome in ((0, "cancelled"), (1, "out_of_stock")):
        with pytest.raises(LineNotCancellable) as refusal:
            ticket.is_last_accepted(line)
        reason = f"line {line} of ticket {ticket.order_id} is {outcome}: only an accepted line can be cancelled"
        assert str(refusal.value) == reason
        assert refusal.value.facts["outcome"] == outcome
    with pytest.raises(LineNotFound, match="has no line 3: its lines are 0 to 2"):
        ticket.is_last_accepted(3)


def test_a_cancelled_line_takes_no_stock_and_is_kept_with_its_reason() -> None:
    ticket = write_ticket(order(("coffee", 1), ("soda", 1), ("soda", 2)), BAR, full_stock(), 1)
    ticket.cancel_line(2, "it fell down", wasted=True)
    ticket.cancel_line(0, "", wasted=False)
    assert [(line.item, line.quantity) for line in ticket.accepted()] == [("soda", 1)]
    assert [line.outcome for line in ticket.lines] == [Outcome.CANCELLED, Outcome.ACCEPTED, Outcome.CANCELLED]
    assert ticket.cancelled_lines == [CancelledLine(2, "it fell down", True), CancelledLine(0, "", False)]
    assert [(line.item, line.quantity) for line in ticket.wasted_lines()] == [("soda", 2)]


def test_a_cancelled_line_cannot_be_ticked() -> None:
    ticket = write_ticket(order(("coffee", 1), ("soda", 1)), BAR, full_stock(), 1)
    ticket.cancel_line(1, "", wasted=False)
    with pytest.raises(TickNotAllowed, match="is queued, and line 1 is cancelled: only an accepted line"):
        ticket.tick(1, made=True)
