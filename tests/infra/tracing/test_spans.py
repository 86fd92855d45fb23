"""Spans: parents, links, and when they are recorded."""

import asyncio
from collections.abc import Sequence
from itertools import count

import pytest

from infra.group_commit import GroupCommit
from infra.tracing.sampling import Sampler
from infra.tracing.spans import Kind, Span, Tracer, recorded
from infra.tracing.traceparent import SpanContext

PARENT = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
Headers = Sequence[tuple[bytes, bytes]]


class Recorder:
    """A tracer with ids that count, and what it has recorded."""

    def __init__(self, ratio: float = 1.0) -> None:
        sampler = Sampler(ratio, follows_parents=True, random=lambda: 0.5, monotonic=lambda: 1.0)
        numbers = count(1)
        self.spans: list[Span] = []
        self.tracer = Tracer(sampler, self.spans.append, new_bits=lambda _: next(numbers))

    def begin(self, headers: Headers = ()) -> Span:
        span = self.tracer.begin_request("POST /orders", dict(headers), headers)
        assert span is not None
        return span


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


def test_a_request_begins_a_trace(recorder: Recorder) -> None:
    span = recorder.begin()
    assert (span.context, span.parent) == (SpanContext(1, 2), None)
    assert span.trace_id == "1".zfill(32)


def test_a_request_goes_on_with_its_callers_trace(recorder: Recorder) -> None:
    span = recorder.begin([(b"traceparent", PARENT)])
    assert (span.trace_id, span.parent) == (
        "4bf92f3577b34da6a3ce929d0e0e4736",
        (span.context.trace_id, 0xF067AA0BA902B7),
    )


def test_a_request_that_is_not_sampled_has_no_span() -> None:
    assert Recorder(0.0).tracer.begin_request("POST /orders", {}, ()) is None


def test_a_batch_belongs_to_its_first_request_and_links_to_all_that_link_back(recorder: Recorder) -> None:
    first, second = recorder.begin(), recorder.begin()
    batch = recorder.tracer.begin_batch("journal", Kind.INTERNAL, [first, second])
    assert (batch.context.trace_id, batch.parent) == (first.context.trace_id, first.context)
    assert batch.links == [first.context, second.context]
    assert (first.links, second.links) == ([], [batch.context])


def test_a_request_that_has_ended_gets_no_more_links(recorder: Recorder) -> None:
    first, second = recorder.begin(), recorder.begin()
    second.end()
    for _ in range(100):
        recorder.tracer.begin_batch("place bar", Kind.CLIENT, [first, second])
    assert second.links == []


def test_a_span_that_raises_is_a_failure(recorder: Recorder) -> None:
    with pytest.raises(OSError, match="disk"), recorded(recorder.begin()):
        raise OSError("the disk is full")
    (span,) = recorder.spans
    assert span.failure == "OSError: the disk is full"
    assert 0 < span.begin_ns <= span.end_ns


def itself(span: Span | None) -> Span | None:
    return span


async def test_a_group_commit_records_the_batches_that_serve_samples(recorder: Recorder) -> None:
    batches: list[list[Span | None]] = []

    async def commit(items: list[Span | None]) -> list[int]:
        batches.append(items)
        return [1] * len(items)

    commits: GroupCommit[Span | None, int] = GroupCommit(recorder.tracer.traced("journal", itself, commit), limit=10)
    assert await commits.submit(None) == 1
    assert recorder.spans == []
    request = recorder.begin()
    assert [*await asyncio.gather(*map(commits.submit, [None, request, None]))] == [1, 1, 1]
    (span,) = recorder.spans
    assert (span.name, span.links, span.attributes) == ("journal", [request.context], {"comanda.batch.size": 3})
    assert batches == [[None], [None, request, None]]


async def test_a_group_commit_that_fails_fails_its_span_and_its_items(recorder: Recorder) -> None:
    async def commit(_items: list[Span]) -> list[int]:
        raise OSError("the disk is full")

    commits: GroupCommit[Span, int] = GroupCommit(
        recorder.tracer.traced("journal", lambda item: item, commit), limit=10
    )
    with pytest.raises(OSError, match="disk"):
        await commits.submit(recorder.begin())
    assert [span.failure for span in recorder.spans] == ["OSError: the disk is full"]
