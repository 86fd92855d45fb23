"""Builds the REST app: Litestar with the routes, and the ASGI layers around it."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from litestar import Litestar, Response, Router
from litestar.config.app import AppConfig
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import NotFoundException
from litestar.file_system import BaseLocalFileSystem
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import SwaggerRenderPlugin
from litestar.plugins import InitPlugin
from litestar.static_files import create_static_files_router
from litestar.status_codes import HTTP_404_NOT_FOUND
from litestar.types import ASGIApp, ControllerRouterHandler, Middleware
from litestar.types.file_types import FileInfo

from gateway.domain.access import Action
from gateway.orders.service import OrderService
from gateway.rest.access_check import ACTION, require_actions
from gateway.rest.access_codes import CODE_ROUTES
from gateway.rest.access_parts import AccessParts
from gateway.rest.access_routes import ACCESS_ROUTES
from gateway.rest.access_sessions import SESSION_ROUTES
from gateway.rest.checks import ACCESS, JsonRequest, check_request
from gateway.rest.cors import Cors
from gateway.rest.description import describe_api
from gateway.rest.events import get_events
from gateway.rest.fast_path import FastPath
from gateway.rest.health import get_liveness, get_readiness
from gateway.rest.me import get_me
from gateway.rest.menu import get_menu
from gateway.rest.methods import HeadAndOptions
from gateway.rest.orders import cancel_order, get_order, list_orders, place_order
from gateway.rest.problems import HANDLERS
from gateway.rest.readiness import Readiness
from gateway.rest.reports import report_orders, report_preparation_times, report_ready_times, report_sales
from gateway.rest.request_metrics import RequestMetrics
from gateway.rest.requester import requester
from gateway.rest.requests import RequestReader
from gateway.rest.security_headers import policy_of_page
from gateway.rest.set_menu import place_set_menu
from gateway.rest.stock import change_stock, get_stock, get_stock_changes, set_on_sale
from gateway.rest.tickets import get_ticket, get_tickets, move_ticket, move_tickets, tick_line
from gateway.tickets.moves import TicketMoves
from gateway.tickets.staff import StaffDepartments
from gateway.tickets.stock import StockChanges
from gateway.tickets.watching import LiveDepartments
from infra.http.request_log import identify_requests
from infra.http.request_traces import trace_requests
from infra.tracing.spans import Tracer

ASSETS = Path(__file__).parent / "assets"
ASSETS_PATH = "/assets"

_OPEN = {ACTION: Action.PAGE_READ}

HTML = "text/html"

OTHER_LIBRARIES = ("litestar.plugins.pydantic", "litestar.plugins.attrs")
"""The modules of plugins that Litestar adds unasked."""


class _Assets(BaseLocalFileSystem):
    """Reports a file name that the file system refuses as a file that does not exist."""

    async def info(self, path: Any, **kwargs: Any) -> FileInfo:
        try:
            return await super().info(path, **kwargs)
        except (OSError, ValueError) as error:  # a name that is too long, has a NUL, or continues below a file
            raise FileNotFoundError(path) from error


def routes() -> list[ControllerRouterHandler]:
    """Return the product's routes."""
    return [
        place_order,
        place_set_menu,
        get_order,
        list_orders,
        cancel_order,
        report_sales,
        report_ready_times,
        report_preparation_times,
        report_orders,
        get_menu,
        get_events,
        get_tickets,
        get_ticket,
        move_ticket,
        move_tickets,
        tick_line,
        get_stock,
        change_stock,
        set_on_sale,
        get_stock_changes,
        get_liveness,
        get_readiness,
        get_me,
        *ACCESS_ROUTES,
        *CODE_ROUTES,
        *SESSION_ROUTES,
        create_static_files_router(ASSETS_PATH, [ASSETS], _Assets(), include_in_schema=False, opt=_OPEN),
    ]


def create_app(
    service: OrderService,
    requests: RequestReader,
    readiness: Readiness,
    live: LiveDepartments,
    staff: StaffDepartments,
    access: AccessParts,
    *,
    max_body: int,
    cors_origins: Collection[str] = (),
    log_requests: bool = False,
    plugins: Sequence[InitPlugin] = (),
    metrics: RequestMetrics | None = None,
    tracer: Tracer | None = None,
) -> ASGIApp:
    """Build the product's REST app; raises ImproperlyConfiguredException for a route without an action.

    The caller starts and closes `service` and the access, and runs and closes `live`. `max_body` is in bytes. Browsers
    allow pages from `cors_origins` to use the API. `plugins` add routes: the pages. `metrics` counts the requests,
    `tracer` samples them for traces.
    """
    metrics = metrics or RequestMetrics()
    litestar = create_litestar(
        service,
        requests,
        readiness,
        live,
        staff,
        access,
        routes(),
        max_body=max_body,
        plugins=plugins,
        openapi_config=api_description(),
        after_exception=[metrics.note_exception],
    )
    require_actions(litestar.routes)
    return wrap(litestar, cors_origins=cors_origins, log_requests=log_requests, metrics=metrics, tracer=tracer)


def create_litestar(
    service: OrderService,
    requests: RequestReader,
    readiness: Readiness,
    live: LiveDepartments,
    staff: StaffDepartments,
    access: AccessParts,
    routes: Sequence[ControllerRouterHandler],
    *,
    max_body: int,
    middleware: Sequence[Middleware] = (),
    plugins: Sequence[InitPlugin] = (),
    **options: Any,
) -> Litestar:
    """Build a Litestar app of some routes with what every route needs; `options` are those of Litestar."""
    return Litestar(
        route_handlers=routes,
        on_app_init=[without_other_libraries],
        dependencies=dependencies(service, requests, readiness, live, staff, access),
        exception_handlers=dict(HANDLERS),
        middleware=[check_request, *middleware],
        plugins=[HeadAndOptions(), *plugins],
        request_class=JsonRequest,
        state=State({ACCESS: access.check}),
        request_max_body_size=max_body,
        logging_config=None,
        **options,
    )


def dependencies(
    service: OrderService,
    requests: RequestReader,
    readiness: Readiness,
    live: LiveDepartments,
    staff: StaffDepartments,
    access: AccessParts,
) -> dict[str, Provide]:
    """Return what a handler gets by naming it."""
    moves, stock = TicketMoves(staff), StockChanges(staff)
    return {
        "service": Provide(lambda: service, sync_to_thread=False),
        "requests": Provide(lambda: requests, sync_to_thread=False),
        "readiness": Provide(lambda: readiness, sync_to_thread=False),
        "live": Provide(lambda: live, sync_to_thread=False),
        "moves": Provide(lambda: moves, sync_to_thread=False),
        "stock": Provide(lambda: stock, sync_to_thread=False),
        "requester": Provide(requester, sync_to_thread=False),
        "access": Provide(lambda: access.check.access, sync_to_thread=False),
        "signing_in": Provide(lambda: access.signing_in, sync_to_thread=False),
        "administration": Provide(lambda: access.administration, sync_to_thread=False),
        "public_url": Provide(lambda: access.public_url, sync_to_thread=False),
        "currency": Provide(lambda: requests.currency, sync_to_thread=False),
    }


def without_other_libraries(config: AppConfig) -> AppConfig:
    """Remove the plugins that Litestar adds for pydantic and attrs where these happen to be installed.

    The schemas are msgspec structs. The plugins' encoders and decoders would keep every route off the fast path.
    """
    config.plugins[:] = [plugin for plugin in config.plugins if not type(plugin).__module__.startswith(OTHER_LIBRARIES)]
    return config


def wrap(
    litestar: Litestar,
    *,
    cors_origins: Collection[str] = (),
    log_requests: bool = False,
    metrics: RequestMetrics | None = None,
    tracer: Tracer | None = None,
) -> ASGIApp:
    """Put the ASGI layers around a Litestar app: a request passes them from the outside in.

    `tracer` samples the requests of the fast path, which place orders. Raises ImproperlyConfiguredException for a route
    of the fast path that declares what the fast path cannot do.
    """
    fast_path = FastPath(litestar, metrics or RequestMetrics())
    app: ASGIApp = Cors(fast_path, litestar.routes, cors_origins) if cors_origins else fast_path
    if tracer is not None:
        app = trace_requests(app, tracer, fast_path.routes)
    return identify_requests(app, is_logged=log_requests)


async def _complete_page(response: "Response[Any]") -> "Response[Any]":
    """Give the API's page its policy; raise NotFoundException for a page that does not exist.

    Litestar's own response to that is HTML, not problem+json.
    """
    if response.status_code == HTTP_404_NOT_FOUND:
        raise NotFoundException
    content = response.content
    if (response.media_type or "").startswith(HTML) and isinstance(content, (str, bytes)):
        text = content.decode() if isinstance(content, bytes) else content
        response.headers["Content-Security-Policy"] = policy_of_page(text)
    return response


def api_description() -> OpenAPIConfig:
    """Return the configuration of the API's description and of its page."""
    assets = f"{ASSETS_PATH}/swagger-ui"
    page = SwaggerRenderPlugin(
        path="/",
        js_url=f"{assets}/swagger-ui-bundle.js",
        css_url=f"{assets}/swagger-ui.css",
        standalone_preset_js_url=f"{assets}/swagger-ui-standalone-preset.js",
        favicon=f'<link rel="icon" href="{ASSETS_PATH}/favicon-32x32.png">',
    )
    return describe_api(
        openapi_router=Router(
            "/schema", route_handlers=[], include_in_schema=False, after_request=_complete_page, opt=_OPEN
        ),
        render_plugins=[page],
    )
