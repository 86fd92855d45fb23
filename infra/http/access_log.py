"""The access log: one line for each HTTP request, at the level `access`.

It has the method, the path, the names of the query's parameters (not their values, which may be private), the status,
the duration, the length of the response's body, and the client's address.
"""

from collections.abc import Mapping
from typing import Any

import structlog

PATH_LENGTH = 300

TRACE_ID = "trace_id"
"""The key of a trace's id in the ASGI scope of a request that is sampled for it."""

log = structlog.get_logger("access")


def log_request(scope: Mapping[str, Any], request_id: str, status: int, length: int, seconds: float) -> None:
    """Log a request with the status of its response, the length of its body in bytes, and the duration."""
    client = scope.get("client")
    trace = {TRACE_ID: scope[TRACE_ID]} if TRACE_ID in scope else {}
    log.access(
        "request",
        method=scope.get("method"),
        path=_describe_target(scope),
        status=status,
        ms=round(seconds * 1000, 1),
        bytes=length,
        client=client[0] if client else None,
        request_id=request_id,
        **trace,
    )


def _describe_target(scope: Mapping[str, Any]) -> str:
    """Return the path and the query's names, both undecoded: decoded they may have line breaks."""
    path: bytes = scope.get("raw_path", b"")
    if query := scope.get("query_string"):
        path += b"?" + b"&".join(part.partition(b"=")[0] for part in query.split(b"&"))
    return path.decode("latin-1")[:PATH_LENGTH]
