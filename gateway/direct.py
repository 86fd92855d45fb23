"""Calls a handler directly with its body's struct and the house: for the routes by which orders come in.

Litestar finds the route, describes it and answers its errors. What it does in between for handlers in general (a
request object, dependencies, a signature's validation, a response in two layers) is most of what such a route costs,
and nothing here asks for it.
"""

from typing import cast

import msgspec
from litestar import Response
from litestar.exceptions import InternalServerException
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from gateway.bodies import JSON, demand_json, read_json
from gateway.house import House

_encode = msgspec.json.Encoder().encode


class Direct:
    """Stands in the way of POST requests to its routes, as a middleware, and serves them."""

    def __init__(self, app: ASGIApp, house: House, max_body: int) -> None:
        """`app` serves what is no POST; `max_body` in bytes."""
        self._app = app
        self._house = house
        self._max_body = max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request; what is wrong with it is raised, for Litestar to answer."""
        request = cast("HTTPScope", scope)
        if request["method"] != "POST":
            await self._app(scope, receive, send)
            return
        demand_json(_content_type(request))
        handler = request["route_handler"]
        data = read_json(await self._body(receive), handler.opt["body"])
        await _answer(await handler.fn(data=data, house=self._house), send)

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


def _content_type(scope: HTTPScope) -> str | None:
    for name, value in scope["headers"]:
        if name == b"content-type":
            return value.decode("latin-1")
    return None


async def _answer(response: "Response[object]", send: Send) -> None:
    body = _encode(response.content)
    headers = [
        (b"content-type", (response.media_type or JSON).encode("ascii")),
        (b"content-length", b"%d" % len(body)),
        *((name.lower().encode("ascii"), value.encode("latin-1")) for name, value in response.headers.items()),
    ]
    await send({"type": "http.response.start", "status": response.status_code or 200, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
