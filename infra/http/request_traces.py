"""ASGI middleware that gives a sampled request a span: it is the request's from its head to the end of its response."""

from collections.abc import Awaitable, Collection
from typing import Any, cast

from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from infra.http.access_log import TRACE_ID
from infra.http.guard import REQUEST_ID, headers_of
from infra.request_ids import SampledRequestId
from infra.tracing.spans import Span, Tracer, recorded

FAILED = 500
"""From this status on a span is a failure."""


def trace_requests(app: ASGIApp, tracer: Tracer, paths: Collection[str]) -> ASGIApp:
    """Wrap an app in which every request has an id, so that POST requests to these paths are sampled."""
    names = {path: f"POST {path}" for path in paths}

    def serve(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        facts = cast("dict[str, Any]", scope)
        name = names.get(facts.get("path", ""))
        if name is None or facts.get("method") != "POST":
            return app(scope, receive, send)
        span = tracer.begin_request(name, headers_of(facts), facts["headers"])
        if span is None:
            return app(scope, receive, send)
        return _serve_sampled(app, span, cast("HTTPScope", scope), receive, send)

    return cast("ASGIApp", serve)


async def _serve_sampled(app: ASGIApp, span: Span, scope: HTTPScope, receive: Receive, send: Send) -> None:
    """Serve a request as the current one of its span."""

    async def send_and_note(message: Message) -> None:
        if message["type"] == "http.response.start":
            status = message["status"]
            span.attributes["http.response.status_code"] = status
            if status >= FAILED:
                span.failure = f"status {status}"
        await send(message)

    facts = cast("dict[str, Any]", scope)
    span.request_id, facts[TRACE_ID] = facts[REQUEST_ID], span.trace_id
    span.attributes |= {
        "http.request.method": scope["method"],
        "http.route": scope["path"],
        "url.path": scope["path"],
        "url.scheme": scope["scheme"],
        "comanda.request_id": span.request_id,
    }
    request = SampledRequestId.begin_sampled(span.request_id, span)
    with recorded(span):
        try:
            await app(scope, receive, send_and_note)
        finally:
            request.end()
