"""Calls a handler directly with its body's struct and the house: for the routes by which orders come in.

Litestar describes the routes and answers their errors. What it does for handlers in general (routing, a request object,
dependencies, a signature's validation, a response in two layers) is most of what such a route costs, and nothing here
asks for it. So what comes to a route's very path does not go through Litestar at all, unless something is raised.
"""

import re
from collections.abc import Iterable
from typing import Any, cast

import msgspec
from litestar import Response
from litestar.exceptions import InternalServerException
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from gateway.bodies import JSON, demand_json, read_json
from gateway.house import House
from plumbing.http_guard import answer

_RAISED = "comanda.raised"

_encode = msgspec.json.Encoder().encode

_is_plain_host = re.compile(rb"[A-Za-z0-9.-]+(:[0-9]+)?").fullmatch
"""What the hosts that Litestar would refuse do not match."""


class Direct:
    """Serves POST requests to its routes: before Litestar where it can, else behind it, as a middleware."""

    def __init__(self, house: House, max_body: int) -> None:
        """`max_body` in bytes."""
        self._house = house
        self._max_body = max_body

    def before(self, app: ASGIApp, handlers: Iterable[HTTPRouteHandler]) -> ASGIApp:
        """Stand before an app, which serves what is left, and answers what is raised."""
        by_path = {path: handler for handler in handlers for path in handler.paths}

        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            request = cast("HTTPScope", scope)
            handler = by_path.get(request["path"])
            if (
                handler is None
                or request.get("method") != "POST"
                or not _is_plain_host(_header(request, b"host") or b"")
            ):
                await app(scope, receive, send)
                return
            try:
                response = await self._call(handler, request, receive)
            except Exception as error:  # noqa: BLE001 - not swallowed: it is raised again where it is answered
                cast("dict[str, Any]", scope)[_RAISED] = error
                await app(scope, receive, send)
            else:
                await _answer(response, send)

        return serve

    def behind(self, app: ASGIApp) -> ASGIApp:
        """Stand before the app that serves what is no POST; what is wrong with a request is raised."""

        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            request = cast("HTTPScope", scope)
            if _RAISED in request:
                raise cast("dict[str, Any]", scope).pop(_RAISED)  # which would be a cycle: its traceback has the scope
            if request["method"] == "POST":
                handler = cast("HTTPRouteHandler", request["route_handler"])
                await _answer(await self._call(handler, request, receive), send)
            else:
                await app(scope, receive, send)

        return serve

    async def _call(self, handler: HTTPRouteHandler, request: HTTPScope, receive: Receive) -> "Response[object]":
        demand_json(_header(request, b"content-type"))
        data = read_json(await self._body(receive), handler.opt["body"])
        response: Response[object] = await handler.fn(data=data, house=self._house)
        return response

    async def _body(self, receive: Receive) -> bytes:
        body = b""
        while True:
            event = await receive()
            if event["type"] != "http.request":
                raise InternalServerException("client disconnected prematurely")
            body += event["body"]
            if len(body) > self._max_body:
                raise RequestEntityTooLarge
            if not event["more_body"]:
                return body


def _header(request: HTTPScope, name: bytes) -> bytes | None:
    for key, value in request["headers"]:
        if key == name:
            return value
    return None


async def _answer(response: "Response[object]", send: Send) -> None:
    body = _encode(response.content)
    headers = [
        (b"content-type", (response.media_type or JSON).encode("ascii")),
        (b"content-length", b"%d" % len(body)),
        *((name.lower().encode("ascii"), value.encode("latin-1")) for name, value in response.headers.items()),
    ]
    await answer(send, response.status_code or 200, headers, body)
