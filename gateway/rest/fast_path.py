"""The fast path: an ASGI layer that calls a route's handler without Litestar's routing.

A route is declared for it: `@post("/orders", ..., fast_path=True)`. For such a route, what Litestar does in general
(routing, a request object, validation of the handler's signature, a response in two layers) costs more time than the
gateway's own work, and the route needs little of it. Litestar serves all other routes, and also a request to a route of
the fast path whose path or host is spelt unusually. Both ways make the same checks and respond with the same bytes.

The fast path does what the layers of its route (app, routers, handler) declare:

- It makes the same check of access; for a guest whom nothing limits that is a look for two headers.
- It runs the guards of all layers and the hooks `before_request`, `after_request`, `after_response` and `before_send`,
  and adds headers and cookies. It makes a request object only for a route that has any of these.
- It calls dependencies that take no arguments, and passes headers that are optional text.
- It passes an exception on to Litestar, where a middleware (checks.py) raises it again behind the routing. So Litestar
  runs `after_exception` and the exception handlers of all layers. This happens only before anything is sent: what is
  raised later reaches the server, which closes the connection.

FastPath refuses a route that declares anything else (fast_path_rules.py) when the app is built.
"""

import re
from collections.abc import Awaitable, Callable
from functools import partial
from time import perf_counter
from typing import Any, cast

import msgspec
from litestar import Litestar, Request, Response
from litestar.exceptions import InternalServerException
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from gateway.rest.checks import RAISED, access_of, check_encoding, check_query
from gateway.rest.fast_path_rules import declared_routes
from gateway.rest.json_body import JSON, read_body
from gateway.rest.json_response import JsonResponse
from gateway.rest.request_metrics import STATUS, RequestMetrics, noting_status
from gateway.rest.requester import REQUESTER
from gateway.rest.security_headers import NO_SNIFF, NO_STORE, secured
from infra.http.guard import headers_of
from infra.http.response import read_whole, release_headers, respond
from infra.metrics import Histogram

GO_ON = "comanda.go_on"
"""The key of a scope under which a response of Litestar leaves a function that sends the rest of its body.

It is called as an ASGI app once Litestar has returned, so that a response that goes on for ever does not keep the
objects that Litestar makes for a request.
"""

_PLAIN = (Response, JsonResponse)
_JSON_TYPES = frozenset({None, JSON, "application/problem+json"})

_JSON_HEADER = (b"content-type", JSON.encode("ascii"))

_encode = msgspec.json.Encoder().encode

_is_plain_host = re.compile(rb"[A-Za-z0-9.-]+(:[0-9]+)?").fullmatch
"""Litestar accepts every host that matches; it decides about the others."""

_AnyRequest = Request[Any, Any, Any]
_Headers = dict[bytes, bytes]
_Encoded = tuple[int, list[tuple[bytes, bytes]], bytes]


class FastPath:
    """Serves the routes that are declared for it, and passes everything else on to Litestar."""

    def __init__(self, litestar: Litestar, metrics: RequestMetrics) -> None:
        """Wrap an app whose routes are registered; raises ImproperlyConfiguredException."""
        self._litestar = litestar
        self._metrics = metrics
        self._access = access_of(litestar)
        self._guest = self._access.guest
        self._before_send = litestar.before_send
        self._plain_host = b""  # the host that was last found plain
        self.routes = {route.path: FastRoute(route, litestar, metrics) for route in declared_routes(litestar)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        http = cast("HTTPScope", scope)
        route = self.routes.get(http.get("path", ""))
        headers = headers_of(http)
        host = headers.get(b"host", b"")
        if route is None or http.get("method") != "POST" or not (host == self._plain_host or self._accepts(host)):
            del headers, host  # a stream of events keeps this frame
            await self._serve_slowly(scope, receive, send)
            return
        began = perf_counter()
        request = None
        response: _Encoded | ASGIApp
        try:
            if route.is_open and b"authorization" not in headers and b"cookie" not in headers:
                REQUESTER.set(self._guest)
            else:
                await self._access.admit(http, headers, route.handler)
            _check(http, headers, route.handler)
            if route.needs_request:
                request = route.request(http, receive, send)
                returned = await route.call_with_hooks(http, headers, request)
            else:
                body = read_whole(receive, route.max_body)
                if body is None:
                    body = await _read(receive, route.max_body)
                returned = await route.call(http, headers, body)
            if route.is_decorated or not _is_plain(returned):
                request = request or route.request(http, receive, send)
                response = await route.handler.to_response(app=self._litestar, data=returned, request=request)
            else:
                response = route.encode(returned)
        except Exception as error:  # noqa: BLE001 - the middleware behind the routing raises it again
            cast("dict[str, Any]", scope)[RAISED] = error
            await self._let_litestar_serve(scope, receive, send, began)
            return
        if self._before_send:
            send = self._with_hooks(scope, send)
        if isinstance(response, tuple):
            await respond(send, *response)
            durations = route.durations.get(response[0]) or route.durations_of(response[0])
            durations.observe(perf_counter() - began)
        else:
            await response(scope, receive, noting_status(scope, send))
            scope["path_template"] = route.path
            self._metrics.observe(http, perf_counter() - began)
        if request is not None and route.after_response is not None:
            await route.after_response(request)

    def _accepts(self, host: bytes) -> bool:
        """Return whether Litestar accepts a host without further checks; remember it, as most requests name the same.

        To compare a host with the last one takes 0.2 µs less than to match it.
        """
        if not _is_plain_host(host):
            return False
        self._plain_host = host
        return True

    async def _serve_slowly(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let Litestar serve a request, and then what its response has left to do."""
        await self._let_litestar_serve(scope, receive, send, perf_counter())
        if GO_ON in scope:
            _forget_request(cast("dict[str, Any]", scope))
            # Without a name for what goes on: it would be kept for as long as that takes, with all that it was made of.
            await cast("dict[str, Any]", scope).pop(GO_ON)(scope, receive, send)

    async def _let_litestar_serve(self, scope: Scope, receive: Receive, send: Send, began: float) -> None:
        await self._litestar(scope, receive, self._secured(scope, noting_status(scope, send)))
        self._metrics.observe(scope, perf_counter() - began)

    def _secured(self, scope: Scope, send: Send) -> Send:
        http = cast("HTTPScope", scope)
        return secured(send, is_secure=self._access.proxies.is_secure(http, headers_of(http)))

    def _with_hooks(self, scope: Scope, send: Send) -> Send:
        """Return a `send` that calls the app's `before_send` hooks with each message."""
        scope["app"] = scope["litestar_app"] = self._litestar

        async def send_with_hooks(message: Message) -> None:
            for hook in self._before_send:
                await hook(message, scope)
            await send(message)

        return send_with_hooks


class FastRoute:
    """A handler of the fast path, with what its layers declare for before and after it."""

    def __init__(self, route: HTTPRoute, litestar: Litestar, metrics: RequestMetrics) -> None:
        self.handler, model = route.route_handler_map["POST"]
        handler = self.handler
        used = [
            (name, provide)
            for name, provide in handler.resolve_dependencies().items()
            if name in handler.parsed_fn_signature.parameters
        ]
        self.is_open = access_of(litestar).is_open(handler)
        self.max_body = handler.resolve_request_max_body_size()
        self.after_response: Callable[[_AnyRequest], Awaitable[None]] | None = handler.resolve_after_response()
        self.is_decorated = bool(
            any(layer.after_request for layer in handler.ownership_layers)
            or handler.resolve_response_headers()
            or handler.resolve_response_cookies()
            or handler.resolve_type_encoders()
            or handler.background
            or (handler.media_type or None) not in _JSON_TYPES
        )
        self.durations: dict[int, Histogram] = {}
        """The requests' durations by status; `durations_of` returns those of another."""
        self._metrics = metrics
        self._litestar = litestar
        self.path = route.path
        self._fn = handler.fn
        self._is_async = not handler.has_sync_callable
        self._body_type = cast("Any", handler.parsed_data_field).annotation
        self._headers = [(each.field_alias.lower().encode(), each.field_name) for each in model.expected_header_params]
        self._called = [(name, each.dependency) for name, each in used if each.has_sync_callable and not each.use_cache]
        self._awaited = [(name, each) for name, each in used if not each.has_sync_callable or each.use_cache]
        self.call: Callable[[HTTPScope, _Headers, bytes], Awaitable[Any]] = (
            self._call_in_steps if self._awaited or not self._is_async else partial(self._begin, {})
        )
        """Calls the handler with its body, its headers and its dependencies; by one coroutine less if it can."""
        self._guards = handler.resolve_guards()
        self._before_request = handler.resolve_before_request()
        self.needs_request = bool(
            self._guards or self._before_request or self.after_response is not None or self.is_decorated
        )

    def durations_of(self, status: int) -> Histogram:
        """Return the durations of requests with a status, and keep them in `durations`."""
        found = self.durations[status] = self._metrics.durations("POST", self.path, status)
        return found

    def request(self, scope: HTTPScope, receive: Receive, send: Send) -> _AnyRequest:
        """Make the request object for guards and hooks."""
        scope["app"] = scope["litestar_app"] = self._litestar
        scope.setdefault("state", {})
        scope["route_handler"] = self.handler
        scope["path_params"] = {}
        scope["path_template"] = self.path
        return self.handler.resolve_request_class()(scope, receive, send)

    async def call_with_hooks(self, scope: HTTPScope, headers: _Headers, request: _AnyRequest) -> Any:
        """Call the handler, unless a guard raises or a hook returns a response in its place."""
        if self._guards:
            await self.handler.authorize_connection(connection=request)
        if self._before_request and (returned := await self._before_request(request)):
            return returned
        return await self.call(scope, headers, await request.body())

    async def _call_in_steps(self, scope: HTTPScope, headers: _Headers, body: bytes) -> Any:
        awaited = {name: await provide() for name, provide in self._awaited}
        returned = self._begin(awaited, scope, headers, body)
        return await returned if self._is_async else returned

    def _begin(self, awaited: dict[str, Any], scope: HTTPScope, headers: _Headers, body: bytes) -> Any:
        """Call the handler, and return what it returns: an awaitable if it is async."""
        arguments = {name: provide() for name, provide in self._called}
        if awaited:
            arguments |= awaited
        for header, name in self._headers:
            if header in headers:
                values = [value for key, value in scope["headers"] if key == header]
                arguments[name] = b", ".join(values).decode("latin-1")
        return self._fn(data=read_body(headers.get(b"content-type"), body, self._body_type), **arguments)

    def encode(self, response: "Response[object]") -> _Encoded:
        """Return the status, headers and body of a plain response."""
        body = _encode(response.content)
        media_type = response.media_type
        kind = (b"content-type", media_type.encode("ascii")) if media_type else _JSON_HEADER
        headers = [kind, (b"content-length", b"%d" % len(body)), NO_SNIFF, NO_STORE]
        for name, value in response.headers.items():
            headers.append((name.lower().encode("ascii"), value.encode("latin-1")))
        return response.status_code or self.handler.status_code, headers, body


def _forget_request(scope: dict[str, Any]) -> None:
    """Remove from a scope what nothing needs once a long response has begun: 3 KiB, which it would keep to its end."""
    release_headers(cast("HTTPScope", scope))
    for key in ("state", "path_params", "route_handler", "path_template", STATUS):
        scope.pop(key, None)


def _check(scope: HTTPScope, headers: _Headers, handler: HTTPRouteHandler) -> None:
    if scope["query_string"]:
        check_query(scope, handler)
    if b"content-encoding" in headers:
        check_encoding(scope["headers"])


def _is_plain(returned: Any) -> bool:
    """Return whether a handler returned a JSON response without cookies, background tasks or encoders of its own."""
    return (
        type(returned) in _PLAIN
        and returned.media_type in _JSON_TYPES
        and not (returned.cookies or returned.background or returned.response_type_encoders)
    )


async def _read(receive: Receive, most: int | None) -> bytes:
    """Read a request's body; raises RequestEntityTooLarge if it is longer than `most` bytes."""
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
