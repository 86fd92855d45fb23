"""`/sign-in`, `/sign-out`, `/pair`, `/t`: pages that work without a script; `/sign-in` takes JSON as well.

Nothing here redirects to an address that a request names.
"""

from typing import Annotated, Any
from urllib.parse import parse_qs

import msgspec
from litestar import HttpMethod, Request, Response, get, post, route
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter
from litestar.status_codes import HTTP_200_OK, HTTP_303_SEE_OTHER

from gateway.access.signing_in import Opened, SigningIn
from gateway.domain.access import Action, Caller, Role
from gateway.domain.access_errors import ForeignOrigin, WrongSecret
from gateway.domain.errors import BodyUnreadable
from gateway.rest.access_check import COOKIE, SECURE_COOKIE
from gateway.rest.access_schemas import SignInRequest, me_response
from gateway.rest.json_body import read_body, read_json
from gateway.rest.requester import Requester
from gateway.web.account_pages import pairing_page, sign_in_page, signed_in_page
from gateway.web.document import Site
from gateway.web.view import View

COOKIE_SECONDS = 365 * 24 * 3600
"""How long a browser keeps the cookie; the gateway decides how long the session lasts."""

FORM = "application/x-www-form-urlencoded"

_FIRST_PAGES = {Role.STATION: "/stations", Role.WAITER: "/waiter", Role.MANAGER: "/office"}
"""By role; the first one of a caller who has several counts."""

_AnyRequest = Request[Any, Any, Any]
_PAGE = [HttpMethod.GET, HttpMethod.HEAD]


@route("/sign-in", http_method=_PAGE, include_in_schema=False, action=Action.SESSION_OPEN)
async def get_sign_in(
    requester: NamedDependency[Requester], site: NamedDependency[Site], view: NamedDependency[View]
) -> Response[Any]:
    """Return the page that asks for a name and a PIN, or says who has signed in."""
    name = requester.caller.person
    return sign_in_page(site, view) if name is None else signed_in_page(site, view, name)


@post("/sign-in", include_in_schema=False, status_code=HTTP_200_OK, action=Action.SESSION_OPEN)
async def sign_in(
    request: _AnyRequest,
    requester: NamedDependency[Requester],
    signing_in: NamedDependency[SigningIn],
    site: NamedDependency[Site],
    view: NamedDependency[View],
) -> Response[Any]:
    """Sign a person in by name and PIN, from the page's form or from JSON."""
    is_form = _is_form(request)
    wanted = (
        _form(await request.body())
        if is_form
        else read_body(_content_type(request), await request.body(), SignInRequest)
    )
    try:
        opened = await signing_in.by_pin(requester.caller, wanted.name, wanted.pin, requester.origin)
    except WrongSecret:
        if is_form:
            return sign_in_page(site, view, is_wrong=True)
        raise
    if is_form:
        return _to_page(requester, opened, _first_page(site, opened.caller))
    return Response(
        me_response(opened.caller), status_code=HTTP_200_OK, cookies=[_cookie(requester, opened.session_id)]
    )


@post("/sign-out", include_in_schema=False, status_code=HTTP_200_OK, action=Action.SESSION_CLOSE)
async def sign_out(
    requester: NamedDependency[Requester],
    signing_in: NamedDependency[SigningIn],
    everywhere: Annotated[bool, QueryParameter(description="All sessions of the person or of the device.")] = False,
) -> Response[Any]:
    """Sign out. A device stays paired, and only the person leaves, unless it is `everywhere`."""
    caller = requester.caller
    if caller.person is not None and caller.key_id is not None and not everywhere:
        return _to_page(requester, await signing_in.leave_device(caller, requester.origin))
    await signing_in.out(caller, requester.origin, everywhere=everywhere)
    return _redirect([_cookie(requester, "", seconds=0)])


@route("/pair/{code:str}", http_method=_PAGE, include_in_schema=False, action=Action.SESSION_OPEN)
async def get_pairing(code: FromPath[str], site: NamedDependency[Site], view: NamedDependency[View]) -> Response[Any]:
    """Return the page whose button uses a pairing code up: a preview of the address does not."""
    return pairing_page(site, view, code[:100])


@post("/pair/{code:str}", include_in_schema=False, action=Action.SESSION_OPEN)
async def pair(
    code: FromPath[str],
    requester: NamedDependency[Requester],
    signing_in: NamedDependency[SigningIn],
    site: NamedDependency[Site],
    view: NamedDependency[View],
) -> Response[Any]:
    """Make this browser the device that a code was made for."""
    try:
        opened = await signing_in.by_pairing_code(requester.caller, code[:100], requester.origin)
    except WrongSecret:
        return pairing_page(site, view, code[:100], is_wrong=True)
    return _to_page(requester, opened, _first_page(site, opened.caller))


@get("/t/{code:str}", include_in_schema=False, action=Action.SESSION_OPEN)
async def open_table(
    request: _AnyRequest,
    code: FromPath[str],
    requester: NamedDependency[Requester],
    signing_in: NamedDependency[SigningIn],
) -> Response[Any]:
    """Sit a guest at the table whose code this is; who has a key or has signed in stays who they are.

    Only a person opens it: not a page of another site that loads it as an image.
    """
    if request.method == "HEAD" or request.headers.get("sec-fetch-dest", "document") != "document":
        raise ForeignOrigin
    code = code[:200]
    if requester.caller.name is not None or signing_in.sits_at(requester.caller, code):
        return _redirect([])
    return _to_page(requester, await signing_in.by_table_code(requester.caller, code, requester.origin))


def _first_page(site: Site, caller: Caller) -> str:
    """Return the page with which somebody begins: whoever signs in on a station's tablet stays at the station.

    A manager in a demo begins with all pages side by side, which others may not open.
    """
    roles = {grant.role for grant in caller.grants}
    if site.is_demo and Role.MANAGER in roles:
        return site.front
    return next((page for role, page in _FIRST_PAGES.items() if role in roles), site.front)


def _to_page(requester: Requester, opened: Opened, path: str = "/") -> Response[Any]:
    return _redirect([_cookie(requester, opened.session_id)], path)


def _redirect(cookies: list[Cookie], path: str = "/") -> Response[Any]:
    return Response(None, status_code=HTTP_303_SEE_OTHER, headers={"Location": path}, cookies=cookies)


def _cookie(requester: Requester, session_id: str, seconds: int = COOKIE_SECONDS) -> Cookie:
    name = SECURE_COOKIE if requester.is_secure else COOKIE
    return Cookie(
        key=name.decode(),
        value=session_id,
        path="/",
        httponly=True,
        samesite="lax",
        secure=requester.is_secure,
        max_age=seconds,
    )


def _content_type(request: _AnyRequest) -> bytes | None:
    kind = request.headers.get("content-type")
    return None if kind is None else kind.encode("latin-1")


def _is_form(request: _AnyRequest) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == FORM


def _form(body: bytes) -> SignInRequest:
    """Read the form of the page; raises FieldNotAllowed."""
    try:
        fields = {name: values[0] for name, values in parse_qs(body.decode(), strict_parsing=True).items()}
    except ValueError as error:
        raise BodyUnreadable("it is no form") from error
    return read_json(msgspec.json.encode(fields), SignInRequest)
