"""Reads the field for traces, which every batch message has. What is malformed in it never refuses a batch."""

from collections.abc import Sequence
from typing import TypeVar

from departments.domain.placing import Placement
from departments.domain.tickets import Decision
from departments.traces import Traced
from generated.restaurant import v1
from infra.request_ids import MAX_LENGTH
from infra.tracing.spans import Tracer
from infra.tracing.traceparent import parse_traceparent

Batch = (
    v1.PlaceOrdersRequest
    | v1.StreamOrdersRequest
    | v1.ConfirmOrdersRequest
    | v1.SuspendOrdersRequest
    | v1.CancelOrdersRequest
)

O = TypeVar("O", Placement, Decision)  # noqa: E741


def traced_batch(tracer: Tracer, name: str, request: Batch, orders: Sequence[O]) -> Traced[O] | None:
    """Begin the span of a batch, and return its orders with it; None where no order is sampled."""
    try:
        trace = v1.BatchTrace().parse(request.trace)
    except RuntimeError:  # what betterproto's codec raises for bytes that are no message
        return None
    parent = parse_traceparent(trace.traceparent)
    if parent is None:
        return None
    links = []
    sampled = []
    for place, traceparent, request_id in zip(trace.orders, trace.order_traceparents, trace.request_ids, strict=False):
        of_order = parse_traceparent(traceparent)
        if of_order is None or place >= len(orders):
            continue
        links.append(of_order.context)
        ids = {"order_id": orders[place].order_id, "trace_id": f"{of_order.context.trace_id:032x}"}
        sampled.append(ids | {"request_id": request_id[:MAX_LENGTH]})
    span = tracer.begin_remote_batch(name, parent, links)
    span.attributes["comanda.batch.size"] = len(orders)
    return Traced(orders, span, sampled)
