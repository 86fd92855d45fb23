"""Headers that tell a browser what a response may not be used for.

A response that has one of them already keeps its own: a page its policy, an asset its time in caches.
"""

import base64
import hashlib
import re

from litestar.types import Message, Send

NO_SNIFF = (b"x-content-type-options", b"nosniff")

NO_STORE = (b"cache-control", b"no-store")

_OF_DATA = (NO_SNIFF, NO_STORE)
"""Of JSON, which no browser renders."""

_ASSETS = (b"image/", b"text/javascript", b"application/javascript", b"text/css", b"font/")
"""Types of what is the same for everybody, and may be stored."""

_HEADERS = (
    NO_SNIFF,
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    (b"cross-origin-opener-policy", b"same-origin"),
    NO_STORE,
)
_OF_ASSETS = _HEADERS[:-1]
_TLS = (b"strict-transport-security", b"max-age=31536000")

_inline = re.compile(r"<(script|style)[^>]*>(.+?)</\1>", re.DOTALL).finditer


def secured(send: Send, *, is_secure: bool) -> Send:
    """Return a `send` that adds the headers; `is_secure`: the client speaks TLS."""

    async def send_secured(message: Message) -> None:
        if message["type"] == "http.response.start":
            present = {name.lower(): value for name, value in message["headers"]}
            added = (*_headers_of(present.get(b"content-type", b"")), *([_TLS] if is_secure else []))
            message["headers"] = [*message["headers"], *(each for each in added if each[0] not in present)]
        await send(message)

    return send_secured


def _headers_of(kind: bytes) -> tuple[tuple[bytes, bytes], ...]:
    """Return what a response of a type has."""
    if kind.endswith(b"json"):
        return _OF_DATA
    return _OF_ASSETS if kind.startswith(_ASSETS) else _HEADERS


def policy_of_page(html: str) -> str:
    """Return the Content-Security-Policy of the API's page: its own scripts and styles, those within it by hash."""
    hashes: dict[str, list[str]] = {"script": [], "style": []}
    for found in _inline(html):
        digest = base64.b64encode(hashlib.sha256(found[2].encode()).digest()).decode()
        hashes[found[1]].append(f"'sha256-{digest}'")
    return "; ".join(
        [
            "default-src 'none'",
            " ".join(["script-src 'self'", *hashes["script"]]),
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data:",
            "connect-src 'self'",
            "font-src 'self'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        ]
    )
