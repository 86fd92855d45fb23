"""`/` and `/favicon.ico`: a page for people, links for programs, and the icon that browsers request."""

from pathlib import Path
from typing import Any

from litestar import HttpMethod, Request, Response, route

from gateway.domain.access import Action
from gateway.rest.html import HTML, PAGE_POLICY
from gateway.rest.json_body import JSON

ICON = Path(__file__).parent / "assets" / "favicon-32x32.png"

LINKS = {
    "menu": "/menu",
    "orders": "/orders",
    "api": "/schema",
    "description": "/schema/openapi.json",
    "live": "/health/live",
    "ready": "/health/ready",
}

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="/favicon.ico">
<title>Comanda</title>
<h1>Comanda</h1>
<p>A restaurant's orders.
<ul>
<li><a href="/menu">The menu</a>: what can be ordered at this moment
<li><a href="/schema">The API</a>: every operation, to read and to try
<li><a href="/sign-in">Sign in</a>: for the restaurant's staff
<li><a href="/health/ready">Health</a>: whether orders can be placed, and which departments can be reached
</ul>
"""


@route(
    "/",
    http_method=[HttpMethod.GET, HttpMethod.HEAD],
    include_in_schema=False,
    sync_to_thread=False,
    action=Action.PAGE_READ,
)
def get_front(request: Request[Any, Any, Any]) -> Response[Any]:
    """Return the links as a page to clients that prefer HTML, as JSON to all others."""
    kind = request.accept.best_match([JSON, HTML], default=JSON)
    content = PAGE if kind == HTML else {"name": "Comanda", "links": LINKS}
    headers = {"Vary": "Accept"} | ({"Content-Security-Policy": PAGE_POLICY} if kind == HTML else {})
    return Response(content, status_code=200, media_type=kind, headers=headers)


@route(
    "/favicon.ico",
    http_method=[HttpMethod.GET, HttpMethod.HEAD],
    include_in_schema=False,
    sync_to_thread=False,
    action=Action.PAGE_READ,
)
def get_icon() -> Response[bytes]:
    """Return the icon."""
    return Response(
        _ICON_BYTES, status_code=200, media_type="image/png", headers={"Cache-Control": "public, max-age=86400"}
    )


_ICON_BYTES = ICON.read_bytes()
