"""The id of the current request, for log lines, responses and calls to other programs.

A client may send an id of its own (`X-Request-Id`, gRPC metadata `x-request-id`). It is used if it consists of 1 to 128
visible ASCII characters; otherwise one is generated. Tasks that a request starts inherit its id and lose it when the
request ends, because a task that outlives its request may go on to serve others.
"""

import re
import secrets
from collections.abc import Iterable
from contextvars import ContextVar
from itertools import count

from infra.tracing.spans import Span

HEADER = "x-request-id"

_header = HEADER.encode("ascii")
MAX_LENGTH = 128

is_request_id = re.compile(rb"[\x21-\x7e]{1,%d}" % MAX_LENGTH).fullmatch
"""Match an id that a client may choose."""

_prefix = secrets.token_hex(6)
_numbers = count(1)


class RequestId:
    """The id of one request; it has no value any more once the request has ended."""

    __slots__ = ("value",)

    def __init__(self, value: str | None) -> None:
        self.value = value

    @classmethod
    def begin(cls, value: str) -> "RequestId":
        """Set the id of the current request in this task's context."""
        request_id = cls(value)
        _current.set(request_id)
        return request_id

    @property
    def span(self) -> Span | None:
        """The span of the request, where it is sampled for a trace."""
        return None

    def end(self) -> None:
        """Remove the id, also for the tasks that inherited it."""
        self.value = None


class SampledRequestId(RequestId):
    """The id of a request that is sampled for a trace."""

    __slots__ = ("_span",)

    def __init__(self, value: str, span: Span) -> None:
        super().__init__(value)
        self._span: Span | None = span

    @classmethod
    def begin_sampled(cls, value: str, span: Span) -> "SampledRequestId":
        """Set the id and the span of the current request in this task's context."""
        request_id = cls(value, span)
        _current.set(request_id)
        return request_id

    @property
    def span(self) -> Span | None:
        """The span of the request."""
        return self._span

    def end(self) -> None:
        """Remove the id and the span, also for the tasks that inherited them."""
        self.value = self._span = None


_current: ContextVar[RequestId] = ContextVar("request_id", default=RequestId(None))  # noqa: B039 - its value never changes


def current_request_id() -> str | None:
    """Return the id of the current request, or None."""
    return _current.get().value


def current_span() -> Span | None:
    """Return the span of the current request, or None where there is none or it is not sampled."""
    return _current.get().span


def choose_request_id(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Return the id in a request's headers if it is valid, else a new one."""
    for name, value in headers:
        if name == _header and is_request_id(value):
            return value.decode("ascii")
    return make_request_id()


def make_request_id() -> str:
    """Return a new id: random digits of this process, and a number."""
    return f"{_prefix}-{next(_numbers)}"
