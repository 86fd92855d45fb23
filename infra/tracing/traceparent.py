"""`traceparent`, the header of W3C Trace Context that says to which trace a request belongs.

    00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
    version, trace id, id of the caller's span, flags (01: sampled)

What the specification does not allow is no traceparent: the request begins a trace of its own. Of a version after 00
the first four fields are read, as it prescribes.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

HEADER = b"traceparent"

SAMPLED = 1
"""The flag of a caller that records the trace."""

_is_valid = re.compile(
    r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-[\x20-\x7e]*)?"
).fullmatch


class SpanContext(NamedTuple):
    """Names one span: the id of its trace (128 bits) and its own (64 bits); never 0."""

    trace_id: int
    span_id: int


class RemoteParent(NamedTuple):
    """The span of a caller, and whether the caller records it."""

    context: SpanContext
    is_sampled: bool


def parse_traceparent(text: str) -> RemoteParent | None:
    """Return what a traceparent says, or None where it is malformed."""
    match = _is_valid(text)
    if match is None:
        return None
    version, trace_id, span_id, flags, more = match.groups()
    if more is not None and version == "00":
        return None
    return RemoteParent(SpanContext(int(trace_id, 16), int(span_id, 16)), bool(int(flags, 16) & SAMPLED))


def format_traceparent(context: SpanContext) -> str:
    """Return the traceparent of a span that is recorded."""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-01"


def find_traceparent(headers: Iterable[tuple[bytes, bytes]]) -> RemoteParent | None:
    """Return the caller's span by a request's headers; None without one, and where it is malformed or repeated."""
    found = [value for name, value in headers if name == HEADER]
    return parse_traceparent(found[0].decode("latin-1")) if len(found) == 1 else None
