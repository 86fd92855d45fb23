"""Which requests are sampled."""

from collections.abc import Iterable

from infra.tracing.sampling import PARENTS_PER_SECOND, Sampler
from infra.tracing.traceparent import RemoteParent, SpanContext

RECORDED = RemoteParent(SpanContext(1, 1), is_sampled=True)
LEFT_OUT = RemoteParent(SpanContext(1, 1), is_sampled=False)


class Time:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def sampler(
    ratio: float, numbers: Iterable[float] = (), *, follows_parents: bool = True, time: Time | None = None
) -> Sampler:
    chances = iter(numbers)
    return Sampler(ratio, follows_parents=follows_parents, random=lambda: next(chances), monotonic=time or Time())


def test_a_ratio_of_the_requests_is_sampled_by_one_random_number_each() -> None:
    a_tenth = sampler(0.1, [0.0, 0.05, 0.1, 0.5, 0.9999])
    assert [a_tenth.is_sampled(None) for _ in range(5)] == [True, True, False, False, False]


def test_all_or_none_is_exact() -> None:
    assert sampler(1.0, [0.9999999]).is_sampled(None)
    assert not sampler(0.0, [0.0]).is_sampled(None)


def test_a_caller_decides_for_its_request() -> None:
    assert sampler(0.0).is_sampled(RECORDED)
    assert not sampler(1.0).is_sampled(LEFT_OUT)


def test_a_caller_decides_nothing_where_the_sampler_is_not_based_on_parents() -> None:
    assert not sampler(0.5, [0.7], follows_parents=False).is_sampled(RECORDED)
    assert sampler(0.5, [0.3], follows_parents=False).is_sampled(LEFT_OUT)


def test_callers_have_no_more_requests_sampled_than_a_rate_allows() -> None:
    time = Time()
    some = sampler(0.01, [0.5] * 10_000, time=time)
    assert sum(some.is_sampled(RECORDED) for _ in range(1000)) == PARENTS_PER_SECOND
    time.now += 0.5
    assert sum(some.is_sampled(RECORDED) for _ in range(1000)) == PARENTS_PER_SECOND / 2
    time.now += 3600
    assert sum(some.is_sampled(RECORDED) for _ in range(1000)) == PARENTS_PER_SECOND


def test_beyond_the_rate_a_request_is_sampled_by_the_ratio() -> None:
    some = sampler(0.5, [0.1, 0.9, 0.1])
    for _ in range(int(PARENTS_PER_SECOND)):
        assert some.is_sampled(RECORDED)
    assert [some.is_sampled(RECORDED) for _ in range(3)] == [True, False, True]
