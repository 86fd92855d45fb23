"""The id of the request that is served at the moment, for log lines, responses and calls to other programs.

A client may send an id of its own (`X-Request-Id`, gRPC metadata `x-request-id`). It is taken if it is 1 to 128 visible
ASCII characters; otherwise one is made. Tasks that a request starts inherit its id and lose it when the request is
over, for a task that outlives its request may go on to serve others.
"""

import re
import secrets
from collections.abc import Iterable
from contextvars import ContextVar
from itertools import count

HEADER = "x-request-id"

_header = HEADER.encode("ascii")
MAX_LENGTH = 128

_is_visible = re.compile(rb"[\x21-\x7e]{1,%d}" % MAX_LENGTH).fullmatch

_prefix = secrets.token_hex(6)
_numbers = count(1)


class RequestId:
    """The id of one request, from its beginning to its end."""

    __slots__ = ("value",)

    def __init__(self, value: str | None) -> None:
        self.value = value

    @classmethod
    def begin(cls, value: str) -> "RequestId":
        """Begin a request in this task's context."""
        request_id = cls(value)
        _current.set(request_id)
        return request_id

    def end(self) -> None:
        """End the request: what still runs in its context has no id any more."""
        self.value = None


_current: ContextVar[RequestId] = ContextVar("request_id", default=RequestId(None))  # noqa: B039 - nobody changes it


def current_request_id() -> str | None:
    """Return the id of the request that this task serves, or None."""
    return _current.get().value


def choose_request_id(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Return the id that a request's client sent, or a new one."""
    for name, value in headers:
        if name == _header and _is_visible(value):
            return value.decode("ascii")
    return make_request_id()


def make_request_id() -> str:
    """Make an id that no other process makes: random digits of this process, and a number."""
    return f"{_prefix}-{next(_numbers)}"
