"""Full jitter."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from gateway.orders.backoff import Backoff


def always(number: float) -> Callable[[], float]:
    return lambda: number


def test_the_delay_doubles_with_every_failure_up_to_the_cap() -> None:
    backoff = Backoff(0.1, 2.0, always(1.0))
    assert [backoff.next() for _ in range(7)] == [0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0]


def test_a_success_starts_over() -> None:
    backoff = Backoff(0.1, 2.0, always(1.0))
    for _ in range(5):
        backoff.next()
    backoff.reset()
    assert backoff.next() == 0.1


@given(st.floats(0, 1), st.integers(0, 200))
def test_a_delay_is_a_random_share_and_never_past_the_cap(share: float, failures: int) -> None:
    backoff, most = Backoff(0.1, 2.0, always(share)), Backoff(0.1, 2.0, always(1.0))
    for _ in range(failures):
        backoff.next()
        most.next()
    delay = backoff.next()
    assert 0 <= delay <= 2.0
    assert delay == share * most.next()


def test_a_department_that_is_away_for_weeks_does_not_overflow_the_delay() -> None:
    backoff = Backoff(0.1, 2.0, always(1.0))
    backoff.failures = 1_000_000
    assert backoff.next() == 2.0
