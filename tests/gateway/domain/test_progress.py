"""How far an order is, by its lines and by the tickets that the staff have moved."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from gateway.domain.lines import Line, Outcome, TicketState
from gateway.domain.progress import OrderProgress, Progress, TicketProgress, order_progress, share_progress
from tests.support.orders import order

LINE_PROGRESS = {
    TicketState.QUEUED: "queued",
    TicketState.PREPARING: "preparing",
    TicketState.READY: "ready",
    TicketState.SERVED: "served",
}


def moved(state: TicketState, *, withdrawn: bool = False) -> TicketProgress:
    return TicketProgress(state, 0, 0, 0, 0, withdrawn, "")


def progress_of(outcome: Outcome, ticket: TicketProgress | None) -> Progress | None:
    """How far one line is."""
    (progress,) = share_progress([Line("bar", "coffee", outcome=outcome)], ticket)
    return progress


@pytest.mark.parametrize(("state", "expected"), LINE_PROGRESS.items())
def test_an_accepted_line_is_as_far_as_its_ticket(state: TicketState, expected: str) -> None:
    assert progress_of(Outcome.ACCEPTED, moved(state)) == expected


def test_an_accepted_line_whose_ticket_nobody_moved_is_queued() -> None:
    assert progress_of(Outcome.ACCEPTED, None) is Progress.QUEUED


@pytest.mark.parametrize("outcome", [each for each in Outcome if each is not Outcome.ACCEPTED])
def test_a_line_that_is_not_accepted_has_no_progress(outcome: Outcome) -> None:
    assert progress_of(outcome, moved(TicketState.PREPARING)) is None


def test_a_line_is_withdrawn_where_the_staff_cancelled_its_ticket_and_not_where_it_was_refused() -> None:
    ticket = moved(TicketState.CANCELLED, withdrawn=True)
    assert progress_of(Outcome.CANCELLED, ticket) is Progress.WITHDRAWN
    assert progress_of(Outcome.OUT_OF_STOCK, ticket) is None
    assert progress_of(Outcome.CANCELLED, moved(TicketState.CANCELLED)) is None


def test_a_line_is_withdrawn_where_the_staff_cancelled_it_alone_whatever_became_of_its_ticket() -> None:
    lines = [Line("bar", "coffee", outcome=Outcome.ACCEPTED), Line("bar", "tea", outcome=Outcome.CANCELLED)]
    ticket = replace(moved(TicketState.READY), cancelled_lines={1: "no tea"})
    assert share_progress(lines, ticket) == [Progress.READY, Progress.WITHDRAWN]
    lines[0].cancel()
    gone = replace(ticket, state=TicketState.CANCELLED)
    assert share_progress(lines, gone) == [None, Progress.WITHDRAWN]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], None),
        (["queued", "queued"], "queued"),
        (["preparing", "queued"], "preparing"),
        (["ready", "queued"], "partly_ready"),
        (["ready", "preparing", "served"], "partly_ready"),
        (["ready", "ready"], "ready"),
        (["ready", "served"], "ready"),
        (["served", "queued"], "preparing"),
        (["served", "preparing"], "preparing"),
        (["served", "served"], "served"),
        (["served", "withdrawn"], "served"),
        (["queued", "withdrawn"], "queued"),
        (["withdrawn"], "withdrawn"),
    ],
)
def test_an_order_is_as_far_as_a_waiter_can_act_on(lines: Sequence[str], expected: str | None) -> None:
    steps = [None, *map(Progress, lines)]
    assert order_progress(steps) == (expected and OrderProgress(expected))


def test_an_order_takes_the_progress_of_its_departments() -> None:
    asked = order("bar coffee", "bar soda", "kitchen pizza")
    for each in asked.lines:
        each.outcome = Outcome.ACCEPTED
    assert asked.line_progress() == ["queued"] * 3
    asked.tickets = {"bar": moved(TicketState.READY)}
    assert asked.line_progress() == ["ready", "ready", "queued"]
    assert asked.progress is OrderProgress.PARTLY_READY
