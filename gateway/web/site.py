"""Puts the pages into the REST app: their routes, what their handlers get, and how they show what is refused."""

from collections.abc import Callable
from typing import Any

from litestar import Request, Response
from litestar.config.app import AppConfig
from litestar.di import Provide
from litestar.exceptions import NotFoundException
from litestar.plugins import InitPlugin
from litestar.types import ControllerRouterHandler

from gateway.domain.access_errors import AccessError
from gateway.domain.currencies import Currency
from gateway.rest.json_body import JSON
from gateway.rest.problems import HANDLERS
from gateway.web.account import get_pairing, get_sign_in, open_table, pair, sign_in, sign_out
from gateway.web.assets import assets
from gateway.web.board_page import get_board
from gateway.web.demo_page import get_demo
from gateway.web.document import HTML, Site
from gateway.web.installing import get_manifest, get_worker
from gateway.web.office_page import get_office, get_office_part
from gateway.web.order_page import get_front
from gateway.web.pass_page import get_pass
from gateway.web.refusals import not_found_page, refusal_page
from gateway.web.static_files import get_icon, get_static
from gateway.web.station_page import get_station, get_stations
from gateway.web.styles_page import get_styles
from gateway.web.table_sheet import get_table_sheet
from gateway.web.view import provide_view, view_of
from gateway.web.waiter_page import get_waiter

_AnyRequest = Request[Any, Any, Any]


def page_routes() -> list[ControllerRouterHandler]:
    """Return the routes of the pages, and of what they load."""
    return [
        get_front,
        get_icon,
        get_static,
        get_manifest,
        get_worker,
        get_station,
        get_stations,
        get_office,
        get_office_part,
        get_styles,
        get_waiter,
        get_pass,
        get_board,
        get_table_sheet,
        get_sign_in,
        sign_in,
        sign_out,
        get_pairing,
        pair,
        open_table,
    ]


class WebPages(InitPlugin):
    """Adds the pages to an app."""

    def __init__(self, zone: str, currency: Currency, wall: Callable[[], float], *, is_demo: bool = False) -> None:
        """`zone` is the restaurant's time zone, as IANA names it; `wall` returns seconds since 1970.

        `is_demo`: there is `/demo`, and pages may frame each other.
        """
        self._site = Site(zone, currency, wall, assets(), is_demo)

    def on_app_init(self, app_config: AppConfig) -> AppConfig:
        """Add routes, dependencies and handlers of exceptions."""
        site = self._site
        app_config.route_handlers.extend(page_routes())
        if site.is_demo:
            app_config.route_handlers.append(get_demo)
        app_config.dependencies["site"] = Provide(lambda: site, sync_to_thread=False)
        app_config.dependencies["view"] = Provide(provide_view, sync_to_thread=False)
        for kind, show in ((AccessError, refusal_page), (NotFoundException, not_found_page)):
            app_config.exception_handlers[kind] = _shown(site, kind, show)
        return app_config


def _shown(site: Site, kind: type[Exception], show: Callable[..., Response[Any]]) -> Callable[..., Response[Any]]:
    """Return a handler that shows a page where a browser asks for one, and what REST responds with to all others."""
    plain = next(HANDLERS[each] for each in kind.__mro__ if each in HANDLERS)

    def respond(request: _AnyRequest, error: Exception) -> Response[Any]:
        response = plain(request, error)
        if request.accept.best_match([JSON, HTML], default=JSON) != HTML:
            return response
        return show(site, view_of(request), error, response)

    return respond
