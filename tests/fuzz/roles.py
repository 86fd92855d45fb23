"""Callers of each role for generated requests, and what the table of access lets them do."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from litestar.handlers import HTTPRouteHandler
from schemathesis import Case

from gateway.domain.access import NAMEABLE, Action, Caller, Grant, Role, Target
from gateway.rest.access_check import actions_of
from gateway.rest.app import routes
from tests.support.processes import environment, run
from tests.support.systems import System
from tests.support.waiting import wait_for

VISITOR = "visitor"
"""The role whose system turns guests away."""

STRANGERS = (Role.VISITOR, Role.GUEST)
"""Roles that need no key."""


@dataclass(frozen=True, slots=True)
class Known:
    """A role, with what its key is made for."""

    grant: Grant
    is_closed: bool = False
    """Whether guests are turned away."""

    def may(self, case: Case[Any]) -> bool:
        """Return whether the caller may do what a request asks, as far as its path says."""
        everyone = Grant(Role.VISITOR if self.is_closed else Role.GUEST)
        path = case.path_parameters or {}
        department, order_id = (None if path.get(name) is None else str(path[name]) for name in TARGETS)
        caller = Caller((everyone, self.grant))
        target = Target(department, order_id)
        return any(caller.could(action, target) for action in ACTIONS[operation_of(case)])

    def headers(self, system: System) -> dict[str, str]:
        """Return what the caller sends, with a key that is made now and that the gateway knows."""
        role = self.grant.role
        return {} if role in STRANGERS else with_new_key(system, role, self.options)

    @property
    def options(self) -> list[str]:
        """The options of the command that makes the key."""
        named = {"-d": self.grant.departments, "--right": self.grant.rights}
        return [part for option, names in named.items() for name in sorted(names) for part in (option, name)]


TARGETS = ("department", "order_id")

ROLES: Mapping[str, Known] = {
    VISITOR: Known(Grant(Role.VISITOR), is_closed=True),
    "guest": Known(Grant(Role.GUEST)),
    "station": Known(Grant(Role.STATION, frozenset({"bar"}))),
    "waiter": Known(Grant(Role.WAITER)),
    "manager": Known(Grant(Role.MANAGER)),
    "service": Known(Grant(Role.SERVICE, rights=frozenset({Action.ORDER_LIST}))),
    "service with all rights": Known(Grant(Role.SERVICE, rights=NAMEABLE)),
}


def operation_of(case: Case[Any]) -> str:
    """Return the id of a request's operation."""
    return str(case.operation.definition.raw["operationId"])


def _actions() -> dict[str, tuple[Action, ...]]:
    handlers: Iterable[HTTPRouteHandler] = (each for each in routes() if isinstance(each, HTTPRouteHandler))
    return {str(handler.operation_id): actions_of(handler) for handler in handlers if handler.operation_id}


ACTIONS = _actions()
"""The actions of each operation."""


def with_new_key(system: System, role: Role, options: list[str]) -> dict[str, str]:
    """Make a key; return the header that sends it, once the gateway knows it."""
    variables = environment(HOME=system.books.store.home, URL=system.url)
    done = run(["-m", "ops", "access", "key", "fuzz", "--role", role, *options], variables)
    assert done.code == 0, done
    headers = {"authorization": f"Bearer {done.stdout.strip()}"}
    with httpx.Client(base_url=system.url, trust_env=False, headers=headers) as client:
        wait_for(lambda: client.get("/me").status_code == 200, "the gateway knows the key")
    return headers
