"""How a browser wants its pages: language and theme, by the address, then by the cookie, then by the browser."""

from dataclasses import dataclass
from typing import Annotated, Any

from litestar import Request
from litestar.datastructures import Cookie
from litestar.params import QueryParameter

from gateway.rest.requester import REQUESTER, Requester
from gateway.web.texts import LANGUAGES, Texts, choose_language, texts_of

LANGUAGE_COOKIE, THEME_COOKIE = "comanda_language", "comanda_theme"
COOKIE_SECONDS = 365 * 24 * 3600

THEMES = ("auto", "light", "dark")
"""`auto` is what the browser prefers."""

_AnyRequest = Request[Any, Any, Any]


@dataclass(frozen=True, slots=True)
class View:
    """A browser's language and theme, and the path that it looks at."""

    t: Texts
    theme: str = "auto"
    path: str = "/"
    takes_gzip: bool = False
    cookies: tuple[Cookie, ...] = ()
    """What the address chose, to be kept."""
    requester: Requester | None = None
    """Who looks; None where the request was refused before that was known."""


def provide_view(
    request: _AnyRequest,
    lang: Annotated[str | None, QueryParameter(description="The language from now on.")] = None,
    theme: Annotated[str | None, QueryParameter(description="The theme from now on: auto, light or dark.")] = None,
) -> View:
    """Return how a page is to be shown, as a dependency of its handler; what is not known is ignored."""
    return view_of(request, lang, theme)


def view_of(request: _AnyRequest, lang: str | None = None, theme: str | None = None) -> View:
    """Return how a browser wants its pages."""
    kept = request.cookies
    language = _one_of(LANGUAGES, lang, kept.get(LANGUAGE_COOKIE))
    chosen = [(LANGUAGE_COOKIE, lang, LANGUAGES), (THEME_COOKIE, theme, THEMES)]
    return View(
        t=texts_of(language or choose_language(request.headers.get("accept-language", ""))),
        theme=_one_of(THEMES, theme, kept.get(THEME_COOKIE)) or "auto",
        path=request.url.path,
        takes_gzip="gzip" in request.headers.get("accept-encoding", ""),
        cookies=tuple(_cookie(name, value) for name, value, known in chosen if value is not None and value in known),
        requester=REQUESTER.get(None),
    )


def _one_of(known: Any, *values: str | None) -> str | None:
    return next((value for value in values if value is not None and value in known), None)


def _cookie(name: str, value: str) -> Cookie:
    """Return a cookie that scripts may read: it holds nothing secret."""
    return Cookie(key=name, value=value, path="/", samesite="lax", max_age=COOKIE_SECONDS)
