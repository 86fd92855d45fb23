"""Signing in and pairing, as pages that work without a script."""

from typing import Any

from litestar import Response
from litestar.status_codes import HTTP_200_OK, HTTP_401_UNAUTHORIZED

from gateway.web.document import Page, Site
from gateway.web.markup import Html, html
from gateway.web.view import View

SIGN_IN, PAIR = Page("sign_in"), Page("pair")

_SIGN_IN = """<section class="card narrow-card">
<h1>{title}</h1>
{note}<form method="post" action="/sign-in" class="form">
<label class="field"><span>{name}</span>
<input name="name" autocomplete="username" autocapitalize="words" required maxlength="64"></label>
<label class="field"><span>{pin}</span>
<input name="pin" type="password" inputmode="numeric" autocomplete="current-password" required
minlength="4" maxlength="8" pattern="[0-9]*"></label>
<button class="button primary large">{sign_in}</button>
</form>
<p class="hint">{hint}</p>
</section>"""

_PAIR = """<section class="card narrow-card">
<h1>{title}</h1>
{note}<p>{text}</p>
<form method="post" action="/pair/{code}" class="form">
<button class="button primary large">{pair}</button>
</form>
<p class="hint">{hint}</p>
</section>"""

_SIGNED_IN = """<section class="card narrow-card">
<h1>{title}</h1>
<p>{text}</p>
<a class="button primary large" href="/">{go_on}</a>
<form method="post" action="/sign-in" class="form">
<input type="hidden" name="name" value="{name}">
<label class="field"><span>{pin}</span>
<input name="pin" type="password" inputmode="numeric" autocomplete="current-password" required
minlength="4" maxlength="8" pattern="[0-9]*"></label>
<button class="button">{again}</button>
<p class="hint">{again_hint}</p>
</form>
<form method="post" action="/sign-out" class="form"><button class="button">{sign_out}</button></form>
</section>"""


def sign_in_page(site: Site, view: View, *, is_wrong: bool = False) -> Response[Any]:
    """Return the page that asks for a name and a PIN."""
    t = view.t
    content = html(
        _SIGN_IN,
        title=t("account.sign_in"),
        note=_note(t("account.wrong_pin")) if is_wrong else None,
        name=t("account.name"),
        pin=t("account.pin"),
        sign_in=t("account.sign_in"),
        hint=t("account.pin_hint"),
    )
    return _page(site, view, SIGN_IN, t("account.sign_in"), content, is_wrong=is_wrong)


def pairing_page(site: Site, view: View, code: str, *, is_wrong: bool = False) -> Response[Any]:
    """Return the page whose button uses a pairing code up."""
    t = view.t
    content = html(
        _PAIR,
        title=t("account.pair"),
        note=_note(t("account.wrong_code")) if is_wrong else None,
        text=t("account.pair_text"),
        code=code,
        pair=t("account.pair_button"),
        hint=t("account.pair_hint"),
    )
    return _page(site, view, PAIR, t("account.pair"), content, is_wrong=is_wrong)


def signed_in_page(site: Site, view: View, name: str) -> Response[Any]:
    """Return the page of somebody who has signed in."""
    t = view.t
    content = html(
        _SIGNED_IN,
        title=t("account.welcome", name=name),
        text=t("page.signed_in_as", name=name),
        go_on=t("account.go_on"),
        name=name,
        pin=t("account.pin"),
        again=t("account.pin_again"),
        again_hint=t("account.pin_again_hint"),
        sign_out=t("page.sign_out"),
    )
    return _page(site, view, SIGN_IN, t("account.welcome", name=name), content)


def _page(site: Site, view: View, page: Page, title: str, content: Html, *, is_wrong: bool = False) -> Response[Any]:
    headers = {"WWW-Authenticate": "Bearer"} if is_wrong else None
    return site.document(
        view, page, title, content, status=HTTP_401_UNAUTHORIZED if is_wrong else HTTP_200_OK, headers=headers
    )


def _note(text: str) -> Html:
    return html('<p class="alert" role="alert">{text}</p>\n', text=text)
