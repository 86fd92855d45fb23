"""The header of every page: where one is, and language, theme and who one is. It works without scripts."""

from gateway.domain.access import Action
from gateway.web.assets import Assets
from gateway.web.icons import icon
from gateway.web.markup import Html, html, joined
from gateway.web.texts import LANGUAGES
from gateway.web.view import THEMES, View

_HEADER = """<header class="header">
<a class="brand" href="/"><span class="brand-mark" aria-hidden="true"></span><span class="brand-name">Comanda</span></a>
{nav}<details class="menu" id="preferences">
<summary class="button quiet">{icon}<span class="menu-who">{who}</span>
<span class="visually-hidden">{what}</span></summary>
<div class="menu-panel">
<div class="menu-group" role="group" aria-label="{language}"><p class="menu-title">{language}</p>
<div class="segments">{languages}</div></div>
<div class="menu-group" role="group" aria-label="{theme}"><p class="menu-title">{theme}</p>
<div class="segments">{themes}</div></div>
{account}</div>
</details>
</header>
"""

_SERVING = {"waiter": Action.WAITER_OPEN, "pass": Action.PASS_OPEN}
"""The pages of those who serve, and the actions that open them."""

_NAV = """<nav class="header-nav" aria-label="{label}">{links}</nav>
"""

_SIGN_OUT = """<form method="post" action="/sign-out" class="menu-group">
<p class="menu-title">{signed_in}</p><button class="button">{sign_out}</button></form>"""

_SIGN_IN = """<div class="menu-group"><a class="button" href="/sign-in">{sign_in}</a></div>"""


def header(view: View, page: str, assets: Assets) -> Html:
    """Return the header of a page; `page` is its name."""
    t = view.t
    return html(
        _HEADER,
        nav=_nav(view, page),
        icon=icon(assets, "settings"),
        who=_name(view) or LANGUAGES[t.language],
        what=t("page.preferences"),
        language=t("page.language"),
        languages=joined(
            _segment(f"?lang={code}", name, is_current=code == t.language, lang=code)
            for code, name in LANGUAGES.items()
        ),
        theme=t("page.theme"),
        themes=joined(
            _segment(f"?theme={theme}", t(f"page.theme_{theme}"), is_current=theme == view.theme) for theme in THEMES
        ),
        account=_account(view),
    )


def _nav(view: View, page: str) -> Html | None:
    """Return links to the pages that the caller may open, where there are several."""
    places = _places(view)
    if len(places) < 2:
        return None
    links = joined(_link(view, page, name, at) for name, at in places)
    return html(_NAV, label=view.t("page.nav"), links=links)


def _places(view: View) -> list[tuple[str, str]]:
    """Return the pages that the caller may open."""
    caller = view.requester.caller if view.requester else None
    places = [("order", "/")]
    if caller is not None and Action.STATION_OPEN in caller.allowed:
        places.append(("stations", "/stations"))
    for name, action in _SERVING.items():
        if caller is not None and action in caller.allowed:
            places.append((name, f"/{name}"))
    if caller is not None and {Action.BOARD_OPEN, Action.STATION_OPEN} <= caller.allowed:
        places.append(("board", "/board"))
    if caller is not None and Action.OFFICE_OPEN in caller.allowed:
        places.append(("office", "/office"))
    return places


def _link(view: View, page: str, name: str, at: str) -> Html:
    current = Html(' aria-current="page"') if name == page else None
    return html('<a href="{at}"{current}>{text}</a>', at=at, current=current, text=view.t(f"page.to_{name}"))


def _segment(at: str, text: str, *, is_current: bool, lang: str = "") -> Html:
    current = Html(' aria-current="true"') if is_current else None
    language = html(' lang="{lang}"', lang=lang) if lang else None
    return html(
        '<a class="segment" href="{at}"{lang}{current}>{text}</a>', at=at, lang=language, current=current, text=text
    )


def _account(view: View) -> Html:
    name = _name(view)
    if name is None:
        return html(_SIGN_IN, sign_in=view.t("page.sign_in"))
    return html(_SIGN_OUT, signed_in=view.t("page.signed_in_as", name=name), sign_out=view.t("page.sign_out"))


def _name(view: View) -> str | None:
    return None if view.requester is None else view.requester.caller.person or view.requester.caller.name
