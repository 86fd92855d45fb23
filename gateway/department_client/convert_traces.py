"""Converts the span of a batch, and those of its sampled orders, to the columns that every batch message has."""

from collections.abc import Sequence
from typing import TypedDict

from infra.tracing.spans import Span


class TraceColumns(TypedDict, total=False):
    """The fields for traces; none where no order of the batch is sampled."""

    traceparent: str
    traced_orders: list[int]
    order_traceparents: list[str]
    order_request_ids: list[str]


NO_TRACE = TraceColumns()


def trace_columns(batch: Span, places: list[int], served: Sequence[Span]) -> TraceColumns:
    """Return the columns of a batch whose orders at these places, from 0, are served requests."""
    return TraceColumns(
        traceparent=batch.traceparent,
        traced_orders=places,
        order_traceparents=[span.traceparent for span in served],
        order_request_ids=[span.request_id for span in served],
    )
