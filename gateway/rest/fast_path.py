"""The fast path: calls a handler with its body and its dependencies, without Litestar's routing in between.

A route takes it by saying so where it is declared: `@post("/orders", ..., fast_path=True)`. What Litestar does for
handlers in general (routing, a request object, a signature's validation, a response in two layers) is most of what such
a route costs, and these routes need little of it. Every other route is served by Litestar alone. So is a request to a
route of the fast path whose path or host is spelt unusually: both ways check the same and refuse with the same body.

The fast path does what the layers of its route declare:

- It runs the guards of all layers and the hooks `before_request`, `after_request` and `after_response`, and adds
  headers and cookies. It makes a request object for a route that has any of these, and for no other.
- What is raised is raised again behind Litestar's routing (requests.py), which runs `after_exception` and the exception
  handlers of all layers.
- It calls dependencies that take no arguments, and passes headers that are optional text.

A route that declares anything else (fast_path_rules.py) is refused when the app is built.
"""

import re
from collections.abc import Awaitable, Callable
from typing import Any, cast

import msgspec
from litestar import Litestar, Request, Response
from litestar.exceptions import InternalServerException
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.routes import HTTPRoute
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from gateway.rest.checks import RAISED, check_encoding, check_query
from gateway.rest.fast_path_rules import declared
from gateway.rest.json_body import JSON, read_body
from infra.http.response import respond

_JSON_KINDS = frozenset({None, JSON, "application/problem+json"})

_encode = msgspec.json.Encoder().encode

_is_plain_host = re.compile(rb"[A-Za-z0-9.-]+(:[0-9]+)?").fullmatch
"""What the hosts that Litestar would refuse do not match."""

_AnyRequest = Request[Any, Any, Any]
_Headers = dict[bytes, bytes]
_Reply = tuple[int, list[tuple[bytes, bytes]], bytes]


class FastPath:
    """An app that serves the routes that are declared for it, and passes the rest on to Litestar."""

    def __init__(self, app: Litestar) -> None:
        """Wrap an app whose routes are registered; raises ImproperlyConfiguredException."""
        self._app = app.asgi_handler
        self._routes = {route.path: _Route(route) for route in declared(app)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        http = cast("HTTPScope", scope)
        route = self._routes.get(http["path"])
        if route is None or http.get("method") != "POST":
            await self._app(scope, receive, send)
            return
        headers = dict(http["headers"])
        if not _is_plain_host(headers.get(b"host", b"")):
            await self._app(scope, receive, send)
            return
        request = None
        reply: _Reply | ASGIApp
        try:
            if http["query_string"]:
                check_query(http, route.handler)
            if b"content-encoding" in headers:
                check_encoding(http["headers"])
            if route.needs_request:
                request = route.request(http, receive, send)
                made = await route.call_with_hooks(http, headers, request)
            else:
                made = await route.call(http, headers, await _read(receive, route.most))
            if route.is_decorated or not _is_plain(made):
                request = request or route.request(http, receive, send)
                reply = await route.handler.to_response(app=http["litestar_app"], data=made, request=request)
            else:
                reply = route.encoded(made)
        except Exception as error:  # noqa: BLE001 - it is raised again behind the routing
            cast("dict[str, Any]", scope)[RAISED] = error
            await self._app(scope, receive, send)
            return
        if isinstance(reply, tuple):
            await respond(send, *reply)
        else:
            await reply(scope, receive, send)
        if request is not None and route.after_response is not None:
            await route.after_response(request)


class _Route:
    """A handler, with what its layers declare for before and after it; `most` is the largest body, in bytes."""

    def __init__(self, route: HTTPRoute) -> None:
        self.handler, model = route.route_handler_map["POST"]
        handler = self.handler
        used = [
            (name, provide)
            for name, provide in handler.resolve_dependencies().items()
            if name in handler.parsed_fn_signature.parameters
        ]
        self.most = handler.resolve_request_max_body_size()
        self.after_response: Callable[[_AnyRequest], Awaitable[None]] | None = handler.resolve_after_response()
        self.is_decorated = bool(
            any(layer.after_request for layer in handler.ownership_layers)
            or handler.resolve_response_headers()
            or handler.resolve_response_cookies()
            or handler.resolve_type_encoders()
            or handler.background
            or (handler.media_type or None) not in _JSON_KINDS
        )
        self._path = route.path
        self._fn = handler.fn
        self._is_async = not handler.has_sync_callable
        self._kind = cast("Any", handler.parsed_data_field).annotation
        self._headers = [(each.field_alias.lower().encode(), each.field_name) for each in model.expected_header_params]
        self._called = [(name, each.dependency) for name, each in used if each.has_sync_callable and not each.use_cache]
        self._awaited = [(name, each) for name, each in used if not each.has_sync_callable or each.use_cache]
        self._guards = handler.resolve_guards()
        self._before_request = handler.resolve_before_request()
        self.needs_request = bool(
            self._guards or self._before_request or self.after_response is not None or self.is_decorated
        )

    def request(self, scope: HTTPScope, receive: Receive, send: Send) -> _AnyRequest:
        """Make the request object that guards and hooks look at."""
        scope["route_handler"] = self.handler
        scope["path_params"] = {}
        scope["path_template"] = self._path
        return self.handler.resolve_request_class()(scope, receive, send)

    async def call_with_hooks(self, scope: HTTPScope, headers: _Headers, request: _AnyRequest) -> Any:
        """Call the handler, unless a guard raises or a hook returns a response in its place."""
        if self._guards:
            await self.handler.authorize_connection(connection=request)
        if self._before_request and (made := await self._before_request(request)):
            return made
        return await self.call(scope, headers, await request.body())

    async def call(self, scope: HTTPScope, headers: _Headers, body: bytes) -> Any:
        """Call the handler with its body, its dependencies and its headers."""
        arguments = {name: provide() for name, provide in self._called}
        for name, provide in self._awaited:
            arguments[name] = await provide()
        for header, name in self._headers:
            if header in headers:
                values = [value for key, value in scope["headers"] if key == header]
                arguments[name] = b", ".join(values).decode("latin-1")
        made: Any = self._fn(data=read_body(headers.get(b"content-type"), body, self._kind), **arguments)
        return await made if self._is_async else made

    def encoded(self, response: "Response[object]") -> _Reply:
        """Encode a response that needs nothing of Litestar."""
        body = _encode(response.content)
        headers = [
            (b"content-type", (response.media_type or JSON).encode("ascii")),
            (b"content-length", b"%d" % len(body)),
            *((name.lower().encode("ascii"), value.encode("latin-1")) for name, value in response.headers.items()),
        ]
        return response.status_code or self.handler.status_code, headers, body


def _is_plain(made: object) -> bool:
    """Tell whether nothing of Litestar is needed to write a response."""
    return (
        type(made) is Response
        and made.media_type in _JSON_KINDS
        and not (made.cookies or made.background or made.response_type_encoders)
    )


async def _read(receive: Receive, most: int | None) -> bytes:
    body = b""
    while True:
        event = await receive()
        if event["type"] != "http.request":
            raise InternalServerException("client disconnected prematurely")
        body += event["body"]
        if most is not None and len(body) > most:
            raise RequestEntityTooLarge
        if not event["more_body"]:
            return body
