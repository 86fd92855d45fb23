"""Spans: one for a sampled request, and one for each batch that serves sampled requests.

A span rides on the objects that are there anyway: the request, its order, the entry of a batch. No table of them is
kept, so none is left behind.

    request's span ◀── parent of its first request, and a link to each ── batch's span
    request's span ── a link to each of its batches, but for those whose parent it is ──▶ batch's span
"""

import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum
from typing import TypeVar

from infra.tracing.sampling import Sampler
from infra.tracing.traceparent import HEADER, RemoteParent, SpanContext, find_traceparent, format_traceparent

T = TypeVar("T")
R = TypeVar("R")

Value = str | int | bool


class Kind(IntEnum):
    """What a span stands for, by OpenTelemetry's numbers."""

    INTERNAL = 1
    SERVER = 2
    CLIENT = 3


class Span:
    """One span, which is recorded when it ends. Times are in nanoseconds since 1970.

    `request_id`: the id of the request that it stands for, or "". `failure`: why it failed, or None.
    """

    __slots__ = (
        "_record",
        "attributes",
        "begin_ns",
        "context",
        "end_ns",
        "failure",
        "kind",
        "links",
        "name",
        "parent",
        "request_id",
    )

    def __init__(
        self,
        record: "Callable[[Span], object]",
        name: str,
        kind: Kind,
        context: SpanContext,
        parent: SpanContext | None,
    ) -> None:
        """Begin now; `record` takes the span at its end."""
        self._record = record
        self.name = name
        self.kind = kind
        self.context = context
        self.parent = parent
        self.begin_ns = time.time_ns()
        self.end_ns = 0
        self.attributes: dict[str, Value] = {}
        self.links: list[SpanContext] = []
        self.request_id = ""
        self.failure: str | None = None

    @property
    def trace_id(self) -> str:
        """The id of its trace, as it is written in logs and headers."""
        return f"{self.context.trace_id:032x}"

    @property
    def traceparent(self) -> str:
        """What names it to another program."""
        return format_traceparent(self.context)

    def fail(self, error: BaseException) -> None:
        """Note that what it stands for failed."""
        self.failure = f"{type(error).__name__}: {error}"

    def end(self) -> None:
        """End now, and be recorded."""
        self.end_ns = time.time_ns()
        self._record(self)


class Tracer:
    """Makes the spans of one program."""

    def __init__(self, sampler: Sampler, record: Callable[[Span], object], *, new_bits: Callable[[int], int]) -> None:
        """`record` takes each span that has ended. `new_bits(n)` returns a random number of n bits."""
        self._sampler = sampler
        self._record = record
        self._new_bits = new_bits

    def begin_request(
        self, name: str, headers: dict[bytes, bytes], all_headers: Sequence[tuple[bytes, bytes]]
    ) -> Span | None:
        """Begin the span of a request, or return None where it is not sampled.

        `headers` by their names; `all_headers` are read only where there is a traceparent, which may be repeated.
        """
        parent = find_traceparent(all_headers) if HEADER in headers else None
        if not self._sampler.is_sampled(parent):
            return None
        return self._begin(name, Kind.SERVER, parent.context if parent else None)

    def begin_batch(self, name: str, kind: Kind, served: "Sequence[Span]") -> Span:
        """Begin the span of a batch that serves these requests, one at least, or these batches."""
        first = served[0]
        span = self._begin(name, kind, first.context)
        span.links = [each.context for each in served]
        for each in served[1:]:
            if not each.end_ns:
                each.links.append(span.context)
        return span

    def begin_remote_batch(self, name: str, parent: RemoteParent, served: Sequence[SpanContext]) -> Span:
        """Begin the span of a batch that another program sent, which serves requests of that program."""
        span = self._begin(name, Kind.SERVER, parent.context)
        span.links = list(served)
        return span

    def traced(
        self,
        name: str,
        span_of: Callable[[T], Span | None],
        commit: Callable[[list[T]], Awaitable[Sequence[R | Exception]]],
    ) -> Callable[[list[T]], Awaitable[Sequence[R | Exception]]]:
        """Return the `commit` of a GroupCommit with a span for each batch that has sampled items."""

        def traced_commit(items: list[T]) -> Awaitable[Sequence[R | Exception]]:
            served = [span for span in map(span_of, items) if span is not None]
            return with_span(served, items) if served else commit(items)

        async def with_span(served: list[Span], items: list[T]) -> Sequence[R | Exception]:
            with recorded(self.begin_batch(name, Kind.INTERNAL, served)) as span:
                span.attributes["comanda.batch.size"] = len(items)
                return await commit(items)

        return traced_commit

    def _begin(self, name: str, kind: Kind, parent: SpanContext | None) -> Span:
        trace_id = parent.trace_id if parent else self._new_bits(128) or 1
        return Span(self._record, name, kind, SpanContext(trace_id, self._new_bits(64) or 1), parent)


@contextmanager
def recorded(span: Span) -> Iterator[Span]:
    """End a span with the body, as a failure where the body raises."""
    try:
        yield span
    except BaseException as error:
        span.fail(error)
        raise
    finally:
        span.end()
