"""Finds out who makes a request, and refuses what the table of access does not allow: on every route.

A route declares its action, `@get("/menu", action=Action.MENU_READ)`, or several, where its requests may mean several;
then its handler checks the one. The check before the handler uses what the path names, a department and an order; where
a request names more, in its query or body, the handler checks that.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from litestar.exceptions import ImproperlyConfiguredException
from litestar.handlers import BaseRouteHandler
from litestar.routes import BaseRoute, HTTPRoute
from litestar.types import HTTPScope

from gateway.access.access import Access
from gateway.access.guest_limits import GuestLimits
from gateway.domain.access import CONFIRMED, Action, Caller, Target
from gateway.domain.access_errors import ForeignOrigin, SignInAgain, SignInNeeded
from gateway.rest.requester import REQUESTER, Requester, refusal
from infra.addresses import network_of
from infra.http.proxies import Proxies

ACTION = "action"
"""The key of a handler's options that `@get(..., action=...)` sets."""

COOKIE, SECURE_COOKIE = b"comanda_session", b"__Host-comanda_session"
"""The session's cookie. Under TLS its prefix keeps other hosts of the domain from setting it."""

MOST_ADDRESSES = 10_000

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_OF_SESSIONS = frozenset({Action.SESSION_OPEN, Action.SESSION_CLOSE})

_Headers = Mapping[bytes, bytes]


class AccessCheck:
    """The check, for Litestar's routes and for the fast path."""

    def __init__(self, access: Access, proxies: Proxies, limits: GuestLimits | None = None) -> None:
        """`limits` are those of guests."""
        self._limits = limits
        self.access = access
        self.proxies = proxies
        self.guest = Requester(access.guest, is_plain=not access.guest.is_limited)
        self._wrong_keys: dict[str, int] = {}

    def is_open(self, handler: BaseRouteHandler) -> bool:
        """Return whether anyone may use a route without limits, so that nothing is to be checked for a guest."""
        return self.guest.is_plain and _may_begin(self.access.guest, actions_of(handler), Target())

    async def admit(self, scope: HTTPScope, headers: _Headers, handler: BaseRouteHandler) -> None:
        """Let a request pass, and set its requester; raises SignInNeeded, NotAllowed, ForeignOrigin, SignInAgain."""
        actions = actions_of(handler)
        is_secure = self.proxies.is_secure(scope, headers)
        is_safe = scope["method"] in _SAFE
        origin = self.proxies.address(scope, headers)
        try:
            caller = await self._caller(headers, is_secure=is_secure, acts=not is_safe)
        except SignInNeeded:
            await self._note_wrong_key(origin)
            raise
        by_cookie = caller.session is not None
        if not is_safe and (by_cookie or not _OF_SESSIONS.isdisjoint(actions)):
            _check_origin(headers, is_secure=is_secure, is_strict=by_cookie)
        is_plain = caller is self.access.guest and self.guest.is_plain
        REQUESTER.set(Requester(caller, origin, is_secure, self._limits, is_plain))
        if not (_may_always(caller, actions) or _may_begin(caller, actions, _target(scope))):
            raise refusal(caller, actions[0])
        if not is_safe and by_cookie and not CONFIRMED.isdisjoint(actions) and not self.access.is_confirmed(caller):
            raise SignInAgain(actions[0], self.access.policy.confirm_seconds)

    async def _caller(self, headers: _Headers, *, is_secure: bool, acts: bool) -> Caller:
        authorization = headers.get(b"authorization")
        if authorization is not None:
            scheme, _, secret = authorization.partition(b" ")
            if scheme.lower() != b"bearer":
                raise SignInNeeded
            return self.access.of_key(secret.strip())
        session_id = _cookie(headers.get(b"cookie", b""), SECURE_COOKIE if is_secure else COOKIE)
        if session_id is None:
            return self.access.guest
        return await self.access.of_session(session_id, acts=acts) or self.access.guest

    async def _note_wrong_key(self, origin: str) -> None:
        """Write wrong keys to the audit log, once a minute for each address: nobody guesses 256 bits."""
        now_ms, network = self.access.now_ms, network_of(origin)
        if now_ms >= self._wrong_keys.get(network, 0):
            if len(self._wrong_keys) >= MOST_ADDRESSES:
                self._wrong_keys.clear()
            self._wrong_keys[network] = now_ms + 60_000
            await self.access.note(self.access.guest, "wrong key", "", origin)


def actions_of(handler: BaseRouteHandler) -> tuple[Action, ...]:
    """Return the actions of a route; raises ImproperlyConfiguredException where it names none."""
    declared = handler.opt.get(ACTION)
    if isinstance(declared, Action):
        return (declared,)
    if isinstance(declared, tuple) and declared and all(isinstance(each, Action) for each in declared):
        return declared
    raise ImproperlyConfiguredException(f"{handler} declares no action: expected @get(..., action=Action...)")


def handlers_of(routes: Iterable[BaseRoute]) -> Iterator[tuple[str, str, BaseRouteHandler]]:
    """Yield (method, path, handler) of every route, without the OPTIONS that Litestar adds to each.

    Raises ImproperlyConfiguredException for a route of another kind, such as a WebSocket: nothing checks those.
    """
    for route in routes:
        if not isinstance(route, HTTPRoute):
            raise ImproperlyConfiguredException(f"{route.path} is no HTTP route: access is not checked there")
        for method, (handler, _) in route.route_handler_map.items():
            if method != "OPTIONS":
                yield method, route.path, handler


def require_actions(routes: Iterable[BaseRoute]) -> None:
    """Raise ImproperlyConfiguredException for a route without an action."""
    for _, _, handler in handlers_of(routes):
        actions_of(handler)


def _may_begin(caller: Caller, actions: tuple[Action, ...], target: Target) -> bool:
    """Return whether a caller may take one of the actions, as far as the path says what it is about."""
    return any(action in caller.allowed and caller.could(action, target) for action in actions)


def _may_always(caller: Caller, actions: tuple[Action, ...]) -> bool:
    """Return whether a caller may take one of the actions whatever it is about."""
    return not caller.unconditional.isdisjoint(actions)


def _target(scope: HTTPScope) -> Target:
    path = cast("dict[str, Any]", scope).get("path_params") or {}
    order_id = path.get("order_id")
    return Target(department=path.get("department"), order_id=None if order_id is None else str(order_id))


def _cookie(header: bytes, name: bytes) -> bytes | None:
    for part in header.split(b";"):
        key, equals, value = part.strip().partition(b"=")
        if equals and key == name:
            return value
    return None


def _check_origin(headers: _Headers, *, is_secure: bool, is_strict: bool) -> None:
    """Raise ForeignOrigin for a change that a page of another site asks for.

    A browser says from where with each request that is not GET: Sec-Fetch-Site, or at least Origin. `is_strict`: it has
    to say it. A program that signs in sends neither.
    """
    site = headers.get(b"sec-fetch-site")
    if site is not None:
        if site != b"same-origin":
            raise ForeignOrigin
        return
    origin = headers.get(b"origin")
    if origin is None:
        if is_strict:
            raise ForeignOrigin
        return
    if origin != (b"https://" if is_secure else b"http://") + headers.get(b"host", b""):
        raise ForeignOrigin
