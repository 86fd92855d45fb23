"""The span of the request that placed an order: from the request to the order, and on to batches and log lines."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from gateway.domain.order import Order
from infra.request_ids import current_span
from infra.tracing.spans import Span, Tracer

R = TypeVar("R")


class Entry(Protocol):
    """An order that waits for a batch of the journal."""

    order: Order
    is_new: bool


E = TypeVar("E", bound=Entry)


def carry_span(order: Order) -> None:
    """Let an order carry the span of the current request, where that is sampled for a trace."""
    span = current_span()
    if span is not None:
        order.span = span
        span.attributes["comanda.order_id"] = order.order_id


def traced_journal(
    commit: Callable[[list[E]], Awaitable[Sequence[R | Exception]]], tracer: Tracer | None
) -> Callable[[list[E]], Awaitable[Sequence[R | Exception]]]:
    """Return the journal's `commit` with a span for each batch for which sampled orders wait."""
    return commit if tracer is None else tracer.traced("journal", _span_of, commit)


def _span_of(entry: Entry) -> Span | None:
    """Return the span of a new order, and of one about which a decision is written: both wait for the batch."""
    order = entry.order
    span: Span | None = order.span if entry.is_new or order.decision_unwritten else None
    return span


def log_ids(order: Order) -> dict[str, str]:
    """Return the fields that name an order in the log: with its trace and request, where it is sampled."""
    ids = {"order_id": order.order_id}
    if order.span is not None:
        ids |= {"request_id": order.span.request_id, "trace_id": order.span.trace_id}
    return ids
