"""Litestar apps of the product's routes that are built once a process, and serve one restaurant after another.

To build one takes longer than most tests. What it has of a restaurant (the dependencies of its handlers, the check of
access and the clock) is exchanged.
"""

from collections import defaultdict
from collections.abc import Callable

from litestar.di import Provide

from gateway.domain.currencies import Currency
from gateway.orders.service import OrderService
from gateway.rest.access_parts import AccessParts
from gateway.rest.app import api_description, create_litestar, dependencies, routes
from gateway.rest.checks import ACCESS
from gateway.rest.readiness import Readiness
from gateway.rest.requests import RequestReader
from gateway.tickets.staff import StaffDepartments
from gateway.tickets.watching import LiveDepartments
from gateway.web.site import WebPages
from infra.clock import Clock
from tests.support.orders import EUR

MAX_BODY = 64 * 1024
"""How many bytes a request's body may have in the tests."""

Parts = tuple[OrderService, RequestReader, Readiness, LiveDepartments, StaffDepartments, AccessParts]
"""What an app is built from."""


class ReadyApp:
    """An app, and the clock of the restaurant that has it."""

    def __init__(self, parts: Parts, clock: Clock) -> None:
        self.clock = clock
        self.currency = parts[1].currency
        shown = pages(lambda: self.clock.wall(), self.currency)
        self.litestar = create_litestar(
            *parts, routes(), max_body=MAX_BODY, plugins=[shown], openapi_config=api_description()
        )

    def pass_to(self, parts: Parts, clock: Clock) -> None:
        """Serve another restaurant of the same currency."""
        self.clock = clock
        for name, provide in dependencies(*parts).items():
            known = self.litestar.dependencies[name]
            assert isinstance(known, Provide)
            known.dependency = provide.dependency
        self.litestar.state[ACCESS] = parts[-1].check


_idle: dict[Currency, list[ReadyApp]] = defaultdict(list)


def take_app(parts: Parts, clock: Clock) -> ReadyApp:
    """Return an app of a restaurant's parts, new or used."""
    idle = _idle[parts[1].currency]
    if not idle:
        return ReadyApp(parts, clock)
    app = idle.pop()
    app.pass_to(parts, clock)
    return app


def give_back(app: ReadyApp) -> None:
    """Let the next restaurant have an app that no request reaches any more."""
    _idle[app.currency].append(app)


def pages(wall: Callable[[], float], currency: Currency = EUR, *, is_demo: bool = False) -> WebPages:
    """Return the pages as the product adds them to its app."""
    return WebPages("Europe/Berlin", currency, wall, is_demo=is_demo)
