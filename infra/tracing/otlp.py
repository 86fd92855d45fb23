"""Spans in the messages of OTLP, OpenTelemetry's protocol. The only module that imports `opentelemetry`."""

import time
from collections.abc import Iterable, Mapping, Sequence

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from infra.tracing.spans import Span, Value

SPANS_AT_A_TIME = 32
"""How many spans are encoded, in 0.2 ms, before the thread that serves requests gets a chance to go on."""

_FAILED = Status.STATUS_CODE_ERROR


def encode(resource: Mapping[str, str], spans: Sequence[Span]) -> bytes:
    """Return the body of a request that exports these spans of one program."""
    request = ExportTraceServiceRequest()
    of_program = request.resource_spans.add()
    of_program.resource.attributes.extend(_attributes(resource.items()))
    scope = of_program.scope_spans.add()
    scope.scope.name = "comanda"
    for number, span in enumerate(spans, start=1):
        _fill(scope.spans.add(), span)
        if number % SPANS_AT_A_TIME == 0:
            time.sleep(0)  # gives up the interpreter
    return request.SerializeToString()


def _fill(message: SpanMessage, span: Span) -> None:
    trace_id, span_id = span.context
    message.trace_id, message.span_id = trace_id.to_bytes(16), span_id.to_bytes(8)
    if span.parent is not None:
        message.parent_span_id = span.parent.span_id.to_bytes(8)
    message.name, message.kind = span.name, SpanMessage.SpanKind.ValueType(span.kind)
    message.start_time_unix_nano, message.end_time_unix_nano = span.begin_ns, span.end_ns
    message.attributes.extend(_attributes(span.attributes.items()))
    for linked in span.links:
        message.links.add(trace_id=linked.trace_id.to_bytes(16), span_id=linked.span_id.to_bytes(8))
    if span.failure is not None:
        message.status.code, message.status.message = _FAILED, span.failure


def _attributes(pairs: Iterable[tuple[str, Value]]) -> list[KeyValue]:
    return [KeyValue(key=key, value=_value(value)) for key, value in pairs]


def _value(value: Value) -> AnyValue:
    if isinstance(value, str):
        return AnyValue(string_value=value)
    return AnyValue(bool_value=value) if isinstance(value, bool) else AnyValue(int_value=value)
