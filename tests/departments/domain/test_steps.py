"""Steps of the staff: what each does to a ticket, and the ticket as it was after each."""

import copy
from collections.abc import Sequence

import pytest

from departments.domain.errors import LineNotCancellable, LineNotFound, StepNotAllowed
from departments.domain.placing import write_ticket
from departments.domain.steps import Move, Step, take_step, ticket_after
from departments.domain.tickets import CancelledLine, Outcome, Ticket, TicketState, Verb
from tests.support.department_factories import BAR, full_stock, order, ticket_in

QUEUED, PREPARING = TicketState.QUEUED, TicketState.PREPARING


def ticket_of(*lines: tuple[str, int]) -> Ticket:
    return write_ticket(order(*lines), BAR, full_stock(), 1)


def cancel_line(ticket: Ticket, line: int, step_id: str = "a", reason: str = "no milk") -> Move:
    return Move(ticket.order_id, Verb.CANCEL_LINE, ticket.state, step_id, "Ana", reason, line)


def outcomes(ticket: Ticket) -> Sequence[str]:
    return [line.outcome.value for line in ticket.lines]


@pytest.mark.parametrize(("verbs", "wasted"), [((), False), ((Verb.START,), True), ((Verb.START, Verb.RECALL), False)])
def test_the_cancel_of_a_line_leaves_the_rest_and_wastes_what_was_started(
    verbs: Sequence[Verb], *, wasted: bool
) -> None:
    ticket = ticket_of(("coffee", 1), ("soda", 2))
    for verb in verbs:
        ticket.step(verb, 5)
    state, started = ticket.state, ticket.started_at_ms
    step = take_step(ticket, cancel_line(ticket, 1), 9, 3)
    assert (step.before, step.after, step.line, step.reason) == (state, state, 1, "no milk")
    assert (step.cancels_line, step.cancels_ticket, step.wastes) == (True, False, wasted)
    assert [line.item for line in step.cancelled(ticket)] == ["soda"]
    assert (ticket.state, outcomes(ticket)) == (state, ["accepted", "cancelled"])
    assert ticket.cancelled_lines == [CancelledLine(1, "no milk", wasted)]
    assert (ticket.moved_by, ticket.moved_at_ms, ticket.revision) == ("Ana", 9, 3)
    assert (ticket.cancel_reason, ticket.withdrawn, ticket.wasted) == ("", False, False)
    assert (ticket.started_at_ms, ticket.cancelled_at_ms) == (started, 0)


@pytest.mark.parametrize("state", [QUEUED, PREPARING])
def test_the_cancel_of_the_last_accepted_line_is_the_cancel_of_the_ticket(state: TicketState) -> None:
    by_line, whole = (ticket_of(("coffee", 1), ("beer", 1)) for _ in range(2))
    whole.order_id = by_line.order_id
    for ticket in (by_line, whole):
        if state is PREPARING:
            ticket.step(Verb.START, 5)
    step = take_step(by_line, cancel_line(by_line, 0), 9, 3)
    take_step(whole, Move(whole.order_id, Verb.CANCEL, state, "a", "Ana", "no milk"), 9, 3)
    assert by_line == whole
    assert (by_line.state, by_line.withdrawn, outcomes(by_line)) == (
        TicketState.CANCELLED,
        True,
        ["accepted", "out_of_stock"],
    )
    assert (step.verb, step.cancels_ticket, step.cancels_line) == (Verb.CANCEL_LINE, True, False)
    assert step.wastes is (state is PREPARING)
    assert [line.item for line in step.cancelled(by_line)] == ["coffee"]


def test_a_step_that_cancels_nothing_has_cancelled_no_lines() -> None:
    ticket = ticket_of(("coffee", 1))
    step = take_step(ticket, Move(ticket.order_id, Verb.START, QUEUED, "a"), 9, 3)
    assert (step.cancelled(ticket), step.wastes, step.cancels_line, step.line) == ([], False, False, None)


@pytest.mark.parametrize("state", [TicketState.HELD, TicketState.READY, TicketState.SERVED, TicketState.CANCELLED])
def test_a_line_is_cancelled_only_before_its_ticket_is_ready(state: TicketState) -> None:
    ticket = ticket_in(state)
    before = copy.deepcopy(ticket)
    with pytest.raises(StepNotAllowed, match=f"is {state}: cancel_line is not allowed"):
        take_step(ticket, cancel_line(ticket, 0), 9, 3)
    assert ticket == before


@pytest.mark.parametrize(("line", "error"), [(1, LineNotCancellable), (2, LineNotFound)])
def test_the_cancel_of_a_line_that_is_refused_changes_nothing(line: int, error: type[Exception]) -> None:
    ticket = ticket_of(("coffee", 1), ("beer", 1))
    before = copy.deepcopy(ticket)
    with pytest.raises(error):
        take_step(ticket, cancel_line(ticket, line), 9, 3)
    assert ticket == before


def test_a_step_is_repeated_only_with_the_same_line() -> None:
    ticket = ticket_of(("coffee", 1), ("soda", 2), ("soda", 1))
    step = take_step(ticket, cancel_line(ticket, 0), 9, 3)
    assert step.repeats(cancel_line(ticket, 0))
    assert not step.repeats(cancel_line(ticket, 1))
    assert not step.repeats(Move(ticket.order_id, Verb.CANCEL, QUEUED, "a"))


def test_a_ticket_is_known_as_it_was_after_each_step() -> None:
    ticket = ticket_of(("coffee", 1), ("soda", 2), ("soda", 1), ("beer", 1))
    history: list[Step] = []
    as_it_was: list[Ticket] = []

    def take(verb: Verb, line: int | None = None) -> None:
        number = len(history) + 10
        move = Move(ticket.order_id, verb, ticket.state, str(number), f"cook {number}", "", line)
        history.append(take_step(ticket, move, number, number))
        as_it_was.append(copy.deepcopy(ticket))

    take(Verb.CANCEL_LINE, 1)
    take(Verb.START)
    take(Verb.CANCEL_LINE, 0)
    take(Verb.RECALL)
    take(Verb.CANCEL_LINE, 2)  # the last one that was accepted
    assert [each.state for each in as_it_was] == [QUEUED, PREPARING, PREPARING, QUEUED, TicketState.CANCELLED]
    assert [outcomes(each).count(Outcome.CANCELLED) for each in as_it_was] == [1, 1, 2, 2, 2]
    for count, expected in enumerate(as_it_was, start=1):
        assert ticket_after(ticket, history[:count]) == expected
    assert ticket == as_it_was[-1]
