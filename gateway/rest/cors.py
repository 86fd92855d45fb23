"""Cross-origin requests (the Fetch standard's CORS): which pages of other origins may use the API in a browser.

Origins are compared byte by byte. The response to any other origin has no CORS header; no response has `*` for an
origin or allows credentials.
"""

from collections.abc import Collection
from typing import cast

from litestar import Litestar
from litestar.routes import HTTPRoute
from litestar.types import HTTPScope, Message, Receive, Scope, Send

from gateway.rest.idempotency import HEADER
from infra.http.response import respond

ALLOWED_HEADERS = f"Content-Type, {HEADER}, X-Request-Id"
"""What a page may send beside what every page may."""

MAX_AGE_SECONDS = 600
"""How long a browser may remember that it may ask."""

_EXPOSED = (b"access-control-expose-headers", b"Location, Retry-After, Allow, Accept-Encoding, X-Request-Id")
"""What a page may read beside what every page may."""

_VARY = (b"vary", b"Origin")
_VARY_OF_PREFLIGHT = (b"vary", b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers")


class Cors:
    """An app that allows some origins; it wraps everything else, the fast path and guards included."""

    def __init__(self, app: Litestar, origins: Collection[str]) -> None:
        """Wrap an app whose routes are registered."""
        self._app = app.asgi_handler
        self._origins = {origin.encode("ascii") for origin in origins}
        methods = {method for route in app.routes if isinstance(route, HTTPRoute) for method in route.methods}
        self._preflight = [
            (b"access-control-allow-methods", ", ".join(sorted(methods)).encode("ascii")),
            (b"access-control-allow-headers", ALLOWED_HEADERS.encode("ascii")),
            (b"access-control-max-age", b"%d" % MAX_AGE_SECONDS),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to a preflight request; pass every other one on, and add to its response who may read it."""
        http = cast("HTTPScope", scope)
        origins = [value for name, value in http["headers"] if name == b"origin"]
        allowed = self._allowed(origins)
        if origins and http["method"] == "OPTIONS" and _is_preflight(http):
            await respond(send, 204, [_VARY_OF_PREFLIGHT, *(allowed and [*allowed, *self._preflight])], b"")
        elif origins or http["method"] != "POST":
            await self._app(scope, receive, _with_headers([_VARY, *allowed, *(allowed and [_EXPOSED])], send))
        else:
            await self._app(scope, receive, send)  # no cache stores the response to a POST, so it need not vary

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
