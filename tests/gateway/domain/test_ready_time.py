"""When an order will be ready: quotes, what they are learned from, and how they are revised."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.lines import Line, Outcome, TicketState
from gateway.domain.order import Order
from gateway.domain.progress import TicketProgress
from gateway.domain.ready_time import (
    FEWEST,
    LONGEST_OPEN_MS,
    MOST_SECONDS,
    REMEMBERED,
    UNKNOWN_SECONDS,
    Finished,
    Pace,
    observed_seconds,
    ready_at_ms,
    seconds_per_ticket,
)
from gateway.domain.tickets import LiveTicket
from tests.support.fake_watches import live_ticket
from tests.support.orders import NOON_MS, order

COFFEE, PIZZA = Line("bar", "coffee"), Line("bar", "pizza")
MINUTE_MS = 60_000

Moments = st.integers(0, 10**8)


def ready(order_id: str, placed_ms: int, started_ms: int, ready_ms: int) -> LiveTicket:
    times = {"placed_at_ms": placed_ms, "started_at_ms": started_ms, "ready_at_ms": ready_ms}
    return live_ticket(order_id, state=TicketState.READY, **times)


def pace(waiting: int = 0, *tickets: LiveTicket, **menu: int) -> Pace:
    made = Pace()
    made.read_menu(menu)
    made.observe(tickets)
    made.waiting = waiting
    return made


@st.composite
def finished_tickets(draw: st.DrawFn) -> list[LiveTicket]:
    times = draw(st.lists(st.tuples(Moments, Moments, Moments).map(sorted), max_size=2 * FEWEST))
    return [ready(str(number), *each) for number, each in enumerate(times)]


def quoted(order: Order, wait: int, own: int) -> Order:
    order.quotes = dict.fromkeys(order.shares, (wait, own))
    for line in order.lines:
        line.outcome = Outcome.ACCEPTED
    return order


def moved(state: TicketState, started_ms: int = 0, ready_ms: int = 0) -> TicketProgress:
    return TicketProgress(state, started_ms, ready_ms, 0, 0, withdrawn=False, cancel_reason="")


@given(
    st.integers(0, 10**6),
    finished_tickets(),
    st.dictionaries(st.sampled_from(["coffee", "pizza"]), st.integers(0, 86_400)),
)
def test_a_quote_is_never_before_now_and_has_a_limit(
    waiting: int, tickets: list[LiveTicket], menu: dict[str, int]
) -> None:
    wait, own = pace(waiting, *tickets, **menu).place([COFFEE, PIZZA])
    assert 0 <= wait <= MOST_SECONDS
    assert 0 <= own <= 86_400


@given(st.integers(0, 5000), st.integers(0, 5000), finished_tickets())
def test_a_longer_queue_is_never_quoted_a_shorter_wait(shorter: int, more: int, tickets: list[LiveTicket]) -> None:
    one, other = (pace(waiting, *tickets, coffee=60).place([COFFEE]) for waiting in (shorter, shorter + more))
    assert one[0] <= other[0]
    assert one[1] == other[1]


@given(finished_tickets())
def test_more_items_never_take_less(tickets: list[LiveTicket]) -> None:
    known = pace(3, *tickets, coffee=60)
    assert known.place([COFFEE])[1] <= known.place([COFFEE, PIZZA])[1]


@given(st.integers(1, 10**12), st.integers(0, MOST_SECONDS), st.integers(0, MOST_SECONDS), st.integers(0, 10**7))
def test_an_order_that_was_started_late_is_ready_later(created_ms: int, wait: int, own: int, late_ms: int) -> None:
    asked = quoted(order("bar coffee", now_ms=created_ms), wait, own)
    started = created_ms + wait * 1000 + late_ms
    asked_at = asked.ready_at_ms
    asked.tickets = {"bar": moved(TicketState.PREPARING, started)}
    assert asked_at is not None
    assert asked.ready_at_ms == asked_at + late_ms


def test_a_quote_is_the_wait_in_the_queue_and_the_longest_item() -> None:
    assert pace(coffee=60, pizza=600).place([COFFEE, PIZZA]) == (0, 600)
    assert pace(2, coffee=60, pizza=60).place([COFFEE]) == (120, 60)
    assert pace(2).place([COFFEE]) == (2 * UNKNOWN_SECONDS, UNKNOWN_SECONDS)
    assert pace(coffee=60, tea=100).place([PIZZA]) == (0, 80)


def test_a_share_is_quoted_by_the_pace_of_its_department_and_the_time_that_its_item_took() -> None:
    """Five coffees were ordered at once, and one became ready each 30 seconds, 20 after its start."""
    tickets = [
        ready(str(n), NOON_MS, NOON_MS + n * 30_000 - 20_000, NOON_MS + n * 30_000) for n in range(1, FEWEST + 1)
    ]
    assert pace(4, *tickets, coffee=60).place([COFFEE]) == (120, 20)
    assert pace(4, *tickets[1:], coffee=60).place([COFFEE]) == (240, 60)


def test_a_ticket_counts_once_and_leaves_the_queue_once() -> None:
    known = pace(10, coffee=60)
    for _ in range(3):
        known.observe([ready("a", 0, 0, MINUTE_MS)])
    assert known.waiting == 9
    known.observe([live_ticket("a", state=TicketState.SERVED), live_ticket("b", state=TicketState.PREPARING)])
    assert known.waiting == 9
    known.observe([live_ticket("c", state=TicketState.CANCELLED, moved_at_ms=5, cancelled_at_ms=5)])
    assert known.waiting == 8


def test_only_the_last_tickets_are_remembered() -> None:
    known = pace(0, *(ready(str(n), n * MINUTE_MS, n * MINUTE_MS, (n + 1) * MINUTE_MS) for n in range(REMEMBERED)))
    known.observe(
        [ready(f"new {n}", (999 + n) * MINUTE_MS, 0, (999 + n) * MINUTE_MS + 1000) for n in range(REMEMBERED)]
    )
    assert known.ticket_seconds == 1


def test_the_time_without_tickets_and_a_ticket_that_was_forgotten_do_not_slow_the_pace() -> None:
    done = [Finished("coffee", at, at, at + MINUTE_MS) for at in range(0, 5 * 60 * MINUTE_MS, 60 * MINUTE_MS)]
    assert seconds_per_ticket(done) == 60
    assert seconds_per_ticket(done[1:]) is None
    day_ms = 24 * 60 * MINUTE_MS
    forgotten = Finished("coffee", 0, 0, 2 * day_ms)
    assert seconds_per_ticket([*done, forgotten]) == (300 + LONGEST_OPEN_MS / 1000) / 6


def test_an_item_that_was_seen_often_enough_has_its_median() -> None:
    seen = [Finished("coffee", 0, 1000, 1000 + seconds * 1000) for seconds in (10, 20, 30, 40, 5000)]
    assert observed_seconds([*seen, Finished("pizza", 0, 0, 1000)]) == {"coffee": 30}


@pytest.mark.parametrize(
    ("tickets", "expected"),
    [
        ({}, NOON_MS + 900_000),
        ({"kitchen": moved(TicketState.PREPARING, NOON_MS + 10_000)}, NOON_MS + 900_000),
        (
            {
                "kitchen": moved(TicketState.PREPARING, NOON_MS + 10_000),
                "bar": moved(TicketState.READY, NOON_MS, NOON_MS + 5000),
            },
            NOON_MS + 610_000,
        ),
        (
            {
                "kitchen": moved(TicketState.SERVED, NOON_MS, NOON_MS + 7000),
                "bar": moved(TicketState.READY, NOON_MS, NOON_MS + 5000),
            },
            NOON_MS + 7000,
        ),
    ],
)
def test_the_time_of_an_order_follows_its_tickets(tickets: dict[str, TicketProgress], expected: int) -> None:
    asked = quoted(order("bar coffee", "kitchen pizza"), 300, 600)
    asked.tickets = tickets
    assert asked.ready_at_ms == expected


def test_a_share_that_is_not_made_does_not_count() -> None:
    asked = quoted(order("bar coffee", "kitchen pizza"), 0, 600)
    asked.quotes = {"bar": (0, 60), "kitchen": (0, 600)}
    asked.lines[1].cancel()
    assert asked.ready_at_ms == NOON_MS + 60_000
    asked.lines[0].cancel()
    assert asked.ready_at_ms is None
    assert ready_at_ms(NOON_MS, {}, asked.shares, {}) is None
