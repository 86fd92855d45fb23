"""The metrics of requests: their durations by method, route and code, and why requests were refused.

A route is its template, `/orders/{order_id}`, and what matches none is counted as one, so the series are bounded.
The duration is that until the response was handed to the connection; of a stream of events, until it began.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, cast

from litestar.types import Message, Scope, Send

from infra.http.guard import REFUSED
from infra.metrics import Family, Histogram, by_label

STATUS = "comanda.status"
"""The key, in a request's ASGI scope, of the status with which Litestar responds."""

_LABELS = ("method", "route", "code")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_BOUNDS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class RequestMetrics:
    """Counts requests; a scrape reads the counts."""

    def __init__(self) -> None:
        self._durations: dict[tuple[str, str, str], Histogram] = {}
        self._refused: Counter[str] = Counter()

    def durations(self, method: str, route: str, status: int) -> Histogram:
        """Return the histogram of a method, a route and a status."""
        key = method if method in _METHODS else "other", route, str(status)
        found = self._durations.get(key)
        if found is None:
            found = self._durations[key] = Histogram(_BOUNDS)
        return found

    def observe(self, scope: Mapping[str, Any], seconds: float) -> None:
        """Count a request that Litestar served; one whose client left before the response has no status."""
        status = scope[REFUSED][0] if REFUSED in scope else scope.get(STATUS)
        if status is not None:
            route = scope.get("path_template") or "none"
            self.durations(scope["method"], route, status).observe(seconds)

    async def note_exception(self, error: Exception, _scope: Scope) -> None:
        """Count an exception that becomes a response; Litestar calls this as a hook."""
        self._refused[type(error).__name__] += 1

    def families(self) -> Iterator[Family]:
        """Return what is known of the requests."""
        series = [(key, each.buckets()) for key, each in list(self._durations.items())]
        text = "How long requests took, by method, route and status."
        yield Family("http_request_seconds", "histogram", text, _LABELS, series)
        text = "Requests that ended with an exception, by its class."
        yield by_label("http_refusals_total", "counter", text, "reason", dict(list(self._refused.items())))


def noting_status(scope: Scope, send: Send) -> Send:
    """Return a `send` that notes the status of the response in the scope."""

    async def send_noting(message: Message) -> None:
        if message["type"] == "http.response.start":
            cast("dict[str, Any]", scope)[STATUS] = message["status"]
        await send(message)

    return send_noting
