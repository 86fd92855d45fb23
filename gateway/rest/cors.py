"""An ASGI layer for CORS (Fetch standard): which pages of other origins may use the API in a browser.

Origins are compared byte by byte. The response to any other origin has no CORS header; no response has `*` for an
origin or allows credentials.
"""

from collections.abc import Collection, Iterable

from litestar.enums import ScopeType
from litestar.routes import BaseRoute, HTTPRoute
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from gateway.rest.idempotency import HEADER
from infra.http.response import respond

ALLOWED_HEADERS = f"Authorization, Content-Type, {HEADER}, Last-Event-ID, X-Request-Id"
"""Request headers that a page may send, besides those that every page may send."""

MAX_AGE_SECONDS = 600
"""How long a browser may cache the response to a preflight request."""

_EXPOSED = (b"access-control-expose-headers", b"Location, Retry-After, Allow, Accept-Encoding, X-Request-Id")
"""Response headers that a page may read, besides those that every page may read."""

_VARY = (b"vary", b"Origin")
_VARY_OF_PREFLIGHT = (b"vary", b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers")


class Cors:
    """Allows some origins; it is outside of the fast path and the guards, so their responses have the headers, too."""

    def __init__(self, app: ASGIApp, routes: Iterable[BaseRoute], origins: Collection[str]) -> None:
        """Wrap an app that has these routes."""
        self._app = app
        self._origins = {origin.encode("ascii") for origin in origins}
        methods = {method for route in routes if isinstance(route, HTTPRoute) for method in route.methods}
        self._preflight = [
            (b"access-control-allow-methods", ", ".join(sorted(methods)).encode("ascii")),
            (b"access-control-allow-headers", ALLOWED_HEADERS.encode("ascii")),
            (b"access-control-max-age", b"%d" % MAX_AGE_SECONDS),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to a preflight request; pass every other request on, and add the CORS headers to its response."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        origins = [value for name, value in scope["headers"] if name == b"origin"]
        allowed = self._allowed(origins)
        if origins and scope["method"] == "OPTIONS" and _is_preflight(scope):
            await respond(send, 204, [_VARY_OF_PREFLIGHT, *(allowed and [*allowed, *self._preflight])], b"")
        elif origins or scope["method"] != "POST":
            await self._app(scope, receive, _with_headers([_VARY, *allowed, *(allowed and [_EXPOSED])], send))
        else:
            await self._app(scope, receive, send)  # no cache stores it, so it needs no Vary

    def _allowed(self, origins: list[bytes]) -> list[tuple[bytes, bytes]]:
        if len(origins) == 1 and origins[0] in self._origins:
            return [(b"access-control-allow-origin", origins[0])]
        return []


def _is_preflight(scope: HTTPScope) -> bool:
    return any(name == b"access-control-request-method" for name, _ in scope["headers"])


def _with_headers(headers: list[tuple[bytes, bytes]], send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *headers]
        await send(message)

    return send_with_headers
