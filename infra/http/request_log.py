"""ASGI middleware, the outermost: gives every request an id, and logs it if wanted.

The id is returned as `X-Request-Id` with every response. Where the HTTP protocol has chosen it (guard.py), which costs
less, the protocol returns it, too.
"""

import time
from typing import Any, cast

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from infra.http.access_log import log_request
from infra.http.guard import REFUSED, REQUEST_ID
from infra.request_ids import HEADER, RequestId, choose_request_id

_HTTP = ScopeType.HTTP.value  # plain text, which compares faster
_HEADER = HEADER.encode("ascii")


def identify_requests(app: ASGIApp, *, is_logged: bool) -> ASGIApp:
    """Wrap an app so that every request has an id; log a line for each if `is_logged`."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != _HTTP:
            await app(scope, receive, send)
            return
        facts = cast("dict[str, Any]", scope)
        request_id = facts.get(REQUEST_ID)
        if request_id is None:
            request_id = facts[REQUEST_ID] = choose_request_id(facts["headers"])
            send = _add_header(send, _HEADER, request_id.encode("ascii"))
        request = RequestId.begin(request_id)
        try:
            if is_logged:
                await _serve_and_log(app, cast("HTTPScope", scope), receive, send)
            else:
                await app(scope, receive, send)
        finally:
            request.end()

    return serve


def _add_header(send: Send, name: bytes, value: bytes) -> Send:
    """Return a `send` that adds a header to the response."""

    async def send_with_header(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), (name, value)]
        await send(message)

    return send_with_header


class _Counted:
    """Records the status and length of a response."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 500  # what uvicorn sends if the app raises
        self.length = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif message["type"] == "http.response.body":
            self.length += len(message.get("body", b""))
        await self._send(message)


async def _serve_and_log(app: ASGIApp, scope: HTTPScope, receive: Receive, send: Send) -> None:
    counted, begin = _Counted(send), time.perf_counter()
    try:
        await app(scope, receive, counted.send)
    finally:
        # A request that the protocol has refused meanwhile (too slow, too long) has the protocol's response.
        facts = cast("dict[str, Any]", scope)
        status, length = facts.get(REFUSED) or (counted.status, 0 if scope["method"] == "HEAD" else counted.length)
        log_request(facts, facts[REQUEST_ID], status, length, time.perf_counter() - begin)
