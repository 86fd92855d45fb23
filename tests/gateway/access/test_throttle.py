"""Wrong tries are slowed down, up to a cap, and forgotten."""

import pytest

from gateway.access.throttle import FREE, MOST, Throttle
from gateway.domain.access_errors import TooOften
from tests.support.order_path import Hands


def seconds_to_wait(throttle: Throttle, name: str) -> int:
    try:
        throttle.begin(name, "too many")
    except TooOften as error:
        return error.retry_after
    return 0


def test_the_wait_doubles_up_to_the_cap() -> None:
    clock = Hands()
    throttle = Throttle(clock.pair.monotonic, cap=30)
    waits: list[int] = []
    for _ in range(12):
        assert seconds_to_wait(throttle, "Ada") == 0
        wait = seconds_to_wait(throttle, "Ada") if len(waits) >= FREE - 1 else 0
        waits.append(wait)
        clock.now += wait
    assert waits == [0, 0, 0, 0, 1, 2, 4, 8, 16, 30, 30, 30]


def test_one_name_does_not_slow_another() -> None:
    throttle = Throttle(Hands().pair.monotonic, cap=30)
    for _ in range(20):
        seconds_to_wait(throttle, "Ada")
    assert seconds_to_wait(throttle, "Bob") == 0


def test_a_right_try_forgets_the_wrong_ones() -> None:
    throttle = Throttle(Hands().pair.monotonic, cap=30)
    for _ in range(FREE):
        throttle.begin("Ada", "too many")
    throttle.succeeded("Ada")
    assert [seconds_to_wait(throttle, "Ada") for _ in range(FREE)] == [0] * FREE


def test_what_was_long_ago_is_forgotten() -> None:
    clock = Hands()
    throttle = Throttle(clock.pair.monotonic, cap=30)
    for _ in range(FREE):
        throttle.begin("Ada", "too many")
    clock.now += 200
    assert [seconds_to_wait(throttle, "Ada") for _ in range(FREE)] == [0] * FREE


def test_names_do_not_fill_the_memory() -> None:
    throttle = Throttle(Hands().pair.monotonic, cap=30)
    for number in range(MOST + 100):
        throttle.begin(number, "too many")
    assert len(throttle._tries) == MOST


def test_a_try_that_waits_has_its_reason() -> None:
    throttle = Throttle(Hands().pair.monotonic, cap=30)
    for _ in range(FREE):
        throttle.begin("Ada", "too many wrong PINs")
    with pytest.raises(TooOften, match="too many wrong PINs: expected another try after 1 s"):
        throttle.begin("Ada", "too many wrong PINs")
