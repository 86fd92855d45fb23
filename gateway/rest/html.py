"""Plain pages, complete without scripts and styles: signing in, pairing, and what is refused."""

from collections.abc import Mapping
from html import escape

from litestar import Response

HTML = "text/html"

PAGE_POLICY = (
    "default-src 'none'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
"""The Content-Security-Policy of these pages: they load nothing but the icon."""

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="/favicon.ico">
<title>{title} - Comanda</title>
<h1>{title}</h1>
{content}
"""

_NOTE = '<p role="alert">{}</p>\n'

_SIGN_IN = """{note}<form method="post" action="/sign-in">
<p><label>Name <input name="name" autocomplete="username" required maxlength="64"></label></p>
<p><label>PIN <input name="pin" type="password" inputmode="numeric" autocomplete="current-password" required
minlength="4" maxlength="8" pattern="[0-9]*"></label></p>
<p><button>Sign in</button></p>
</form>
<p>A PIN of 4 or 5 digits works on a paired device only. <a href="/">Back</a></p>"""

_PAIR = """{note}<form method="post" action="/pair/{code}">
<p>This address makes this browser one of the restaurant's devices. It can be used once.</p>
<p><button>Pair this device</button></p>
</form>"""

_SIGNED_IN = """<p>You are signed in as {name}.</p>
<form method="post" action="/sign-in">
<input type="hidden" name="name" value="{name}">
<p><label>PIN <input name="pin" type="password" inputmode="numeric" autocomplete="current-password" required
minlength="4" maxlength="8" pattern="[0-9]*"></label> <button>Enter the PIN again</button></p>
<p>It is asked for before keys and people are changed.</p>
</form>
<form method="post" action="/sign-out"><p><button>Sign out</button></p></form>
<p><a href="/">Back</a></p>"""


def page(title: str, content: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response[str]:
    """Return a page; `content` is HTML."""
    return Response(
        _PAGE.format(title=escape(title), content=content),
        status_code=status,
        media_type=HTML,
        headers={"Content-Security-Policy": PAGE_POLICY, **(headers or {})},
    )


def sign_in_page(note: str = "", status: int = 200, headers: Mapping[str, str] | None = None) -> Response[str]:
    """Return the page that asks for a name and a PIN."""
    return page("Sign in", _SIGN_IN.format(note=_note(note)), status, headers)


def pairing_page(code: str, note: str = "", status: int = 200) -> Response[str]:
    """Return the page whose button uses a pairing code up."""
    return page("Pair this device", _PAIR.format(note=_note(note), code=escape(code)), status)


def signed_in_page(name: str) -> Response[str]:
    """Return the page of somebody who has signed in."""
    return page("Signed in", _SIGNED_IN.format(name=escape(name)))


def refusal_page(title: str, detail: str, status: int, headers: Mapping[str, str]) -> Response[str]:
    """Return the page for what is refused, with the way to sign in."""
    content = f'{_note(detail)}<p><a href="/sign-in">Sign in</a>, or go <a href="/">back</a>.</p>'
    return page(title, content, status, headers)


def _note(text: str) -> str:
    return _NOTE.format(escape(text)) if text else ""
