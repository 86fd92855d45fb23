"""Encodes the span of a batch, and those of its sampled orders, for the field that every batch message has."""

from collections.abc import Sequence

from generated.restaurant import v1
from infra.tracing.spans import Span

NO_TRACE = b""
"""The field of a batch in which no order is sampled."""


def encoded_trace(batch: Span, places: list[int], served: Sequence[Span]) -> bytes:
    """Return the field of a batch whose orders at these places, from 0, are served requests."""
    return bytes(
        v1.BatchTrace(
            traceparent=batch.traceparent,
            orders=places,
            order_traceparents=[span.traceparent for span in served],
            request_ids=[span.request_id for span in served],
        )
    )
