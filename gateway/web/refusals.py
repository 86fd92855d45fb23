"""The pages for what is refused: they say why in plain words, and what to do."""

from typing import Any

from litestar import Response

from gateway.domain.access import Action
from gateway.domain.access_errors import ForeignOrigin, NotAllowed, SignInAgain, SignInNeeded, TooOften, WrongSecret
from gateway.rest.problem_schemas import Problem
from gateway.web.document import Page, Site
from gateway.web.icons import icon
from gateway.web.markup import Html, html
from gateway.web.view import View

REFUSED = Page("refused")

_KEYS: dict[type[Exception], str] = {
    SignInNeeded: "sign_in",
    NotAllowed: "not_allowed",
    SignInAgain: "again",
    ForeignOrigin: "foreign",
    WrongSecret: "wrong",
    TooOften: "too_often",
}

_CONTENT = """<section class="card notice" role="alert">
{icon}
<h1>{title}</h1>
<p>{text}</p>
<p class="actions"><a class="button{first}" href="/sign-in">{sign_in}</a>
<a class="button{second}" href="/">{back}</a></p>
</section>"""


def refusal_page(site: Site, view: View, error: Exception, response: Response[Problem]) -> Response[Any]:
    """Return the page for a caller who may not, with the way to sign in or to pair."""
    name = next((_KEYS[kind] for kind in type(error).__mro__ if kind in _KEYS), "not_allowed")
    if isinstance(error, TooOften):
        text = view.t("refused.too_often_text", count=error.retry_after)
    elif isinstance(error, SignInNeeded) and error.args and str(Action.STATION_OPEN) in str(error):
        text = view.t("refused.pair_text")
    else:
        text = view.t(f"refused.{name}_text")
    content = _content(site, view, "lock", view.t(f"refused.{name}"), text, signs_in=isinstance(error, SignInNeeded))
    headers = {name: value for name, value in response.headers.items() if name.lower() != "vary"}
    return site.document(
        view, REFUSED, view.t(f"refused.{name}"), content, status=response.status_code or 403, headers=headers
    )


def not_found_page(site: Site, view: View, _error: Exception, _response: Response[Problem]) -> Response[Any]:
    """Return the page for an address that does not exist."""
    title = view.t("refused.not_found")
    content = _content(site, view, "search", title, view.t("refused.not_found_text"))
    return site.document(view, REFUSED, title, content, status=404)


def _content(site: Site, view: View, name: str, title: str, text: str, *, signs_in: bool = False) -> Html:
    """Return the card; `signs_in`: signing in is what helps most."""
    return html(
        _CONTENT,
        icon=icon(site.assets, name, is_large=True),
        title=title,
        text=text,
        sign_in=view.t("page.sign_in"),
        back=view.t("refused.back"),
        first=Html(" primary" if signs_in else ""),
        second=Html("" if signs_in else " primary"),
    )
