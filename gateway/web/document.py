"""The shell of every page: head, header, the page's content, and the data that its modules begin with."""

import gzip
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from litestar import Response

from gateway.domain.access import Action
from gateway.domain.currencies import Currency
from gateway.web.assets import Assets
from gateway.web.header import header
from gateway.web.markup import Html, data_block, html, joined
from gateway.web.texts import LANGUAGES, Text
from gateway.web.view import View

HTML = "text/html"
DEMO_PATH = "/demo"

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; manifest-src 'self'; "
    "worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types lit-html comanda"
)
"""The Content-Security-Policy of the pages: all that they load is ours; nothing in a document is executed."""

DEMO_POLICY = POLICY.replace("frame-ancestors 'none'", "frame-src 'self'; frame-ancestors 'self'")
"""The same in a demo, whose pages frame each other."""

STYLES = ("styles/tokens.css", "styles/base.css", "styles/components.css")
SHELL_TEXTS = ("ui",)
SHORTEST_COMPRESSED = 1024

_DOCUMENT = """<!doctype html>
<html lang="{language}" dir="{direction}" data-theme="{theme}" data-page="{name}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<meta name="color-scheme" content="{schemes}">
<title>{title} - Comanda</title>
<meta name="theme-color" media="(prefers-color-scheme: light)" content="#faf7f2">
<meta name="theme-color" media="(prefers-color-scheme: dark)" content="#16130f">
<link rel="icon" href="{icon}" type="image/svg+xml">
<link rel="icon" href="/favicon.ico" sizes="32x32">
<link rel="apple-touch-icon" href="{touch_icon}">
<link rel="manifest" href="/app.webmanifest{start}">
{styles}{modules}</head>
<body>
<a class="skip" href="#content">{skip}</a>
{header}<div id="banners" class="banners"></div>
<main id="content" class="{main_class}" tabindex="-1">
{content}
</main>
<div id="toasts" class="toasts" role="status" aria-live="polite"></div>
{data}{script}</body>
</html>
"""


@dataclass(frozen=True, slots=True)
class Page:
    """A page: its name, its module, its styles beside those of all, and which parts of the texts its modules need."""

    name: str
    module: str = "shell.js"
    styles: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    is_wide: bool = False
    """Whether the page uses the whole width, as a wall does."""


class PageData(msgspec.Struct, kw_only=True):
    """What every page's modules begin with; `static/page.js` reads it."""

    page: str
    language: str
    languages: dict[str, str]
    theme: str
    zone: str
    currency: str
    exponent: int
    now_ms: int
    static: str
    """The address under which this version's files are."""
    rights: list[Action]
    """The actions that the caller may take, perhaps under a condition."""
    person: str | None
    device: str | None
    texts: dict[str, Text]
    data: Any


@dataclass(frozen=True)
class Site:
    """What the documents of a restaurant have in common. `wall` returns seconds since 1970."""

    zone: str
    currency: Currency
    wall: Callable[[], float]
    assets: Assets
    is_demo: bool = False
    """Whether `/demo` shows pages in frames."""

    @property
    def front(self) -> str:
        """Return the page to which those who have signed in or paired are led."""
        return DEMO_PATH if self.is_demo else "/"

    @property
    def now_ms(self) -> int:
        """The server's time of day, in milliseconds since 1970."""
        return int(self.wall() * 1000)

    def document(
        self,
        view: View,
        page: Page,
        title: str,
        content: Html,
        *,
        data: Any = None,
        station: str | None = None,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> Response[bytes]:
        """Return a page; `data` is what its modules begin with beside what all have.

        An app that is installed from it opens `station`, or else the order page.
        """
        text = html(
            _DOCUMENT,
            language=view.t.language,
            direction=view.t.direction,
            theme=view.theme,
            schemes="light dark" if view.theme == "auto" else view.theme,
            name=page.name,
            title=title,
            icon=self.assets.address("icon.svg"),
            touch_icon=self.assets.address("icon-192.png"),
            start=f"?station={station}" if station else "",
            styles=joined(self._style(name) for name in (*STYLES, *page.styles)),
            modules=joined(self._preload(name) for name in self.assets.modules(page.module)),
            skip=view.t("page.skip"),
            header=header(view, page.name, self.assets),
            main_class="wide" if page.is_wide else "narrow",
            content=content,
            data=data_block("page-data", self._data(view, page, data)),
            script=html('\n<script type="module" src="{at}"></script>\n', at=self.assets.address(page.module)),
        )
        policy = DEMO_POLICY if self.is_demo else POLICY
        return _respond(view, text.encode(), status, {"Content-Security-Policy": policy, **(headers or {})})

    def _data(self, view: View, page: Page, data: Any) -> PageData:
        requester = view.requester
        caller = None if requester is None else requester.caller
        return PageData(
            page=page.name,
            language=view.t.language,
            languages=dict(LANGUAGES),
            theme=view.theme,
            zone=self.zone,
            currency=self.currency.code,
            exponent=self.currency.exponent,
            now_ms=self.now_ms,
            static=self.assets.address(page.module).removesuffix(page.module),
            rights=[] if caller is None else sorted(caller.allowed),
            person=None if caller is None else caller.person,
            device=None if caller is None else caller.name,
            texts=view.t.of((*SHELL_TEXTS, *page.texts)),
            data=data,
        )

    def _style(self, name: str) -> Html:
        return html('<link rel="stylesheet" href="{at}">\n', at=self.assets.address(name))

    def _preload(self, name: str) -> Html:
        return html('<link rel="modulepreload" href="{at}">\n', at=self.assets.address(name))


def to_place(path: str) -> Response[Any]:
    """Lead to another page of this site; `path` comes from no request."""
    return Response(None, status_code=303, headers={"Location": path, "Vary": "Accept, Cookie"})


def _respond(view: View, body: bytes, status: int, headers: Mapping[str, str]) -> Response[bytes]:
    all_headers = {"Vary": "Accept, Accept-Encoding, Accept-Language, Cookie"}
    if view.takes_gzip and len(body) >= SHORTEST_COMPRESSED:
        body = gzip.compress(body, 6, mtime=0)
        all_headers["Content-Encoding"] = "gzip"
    return Response(
        body,
        status_code=status,
        media_type=HTML,
        headers=all_headers | dict(headers),
        cookies=list(view.cookies),
    )
