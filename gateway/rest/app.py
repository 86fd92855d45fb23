"""Puts the Litestar app together."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from litestar import Litestar, Response, Router
from litestar.di import Provide
from litestar.exceptions import NotFoundException
from litestar.file_system import BaseLocalFileSystem
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import SwaggerRenderPlugin
from litestar.static_files import create_static_files_router
from litestar.status_codes import HTTP_404_NOT_FOUND
from litestar.types import ControllerRouterHandler, Middleware
from litestar.types.file_types import FileInfo

from gateway.rest.checks import JsonRequest, check_request
from gateway.rest.cors import Cors
from gateway.rest.description import describe_api
from gateway.rest.fast_path import FastPath
from gateway.rest.front import get_front, get_icon
from gateway.rest.health import get_liveness, get_readiness
from gateway.rest.menu import get_menu
from gateway.rest.methods import EveryMethod
from gateway.rest.orders import cancel_order, get_order, list_orders, place_order
from gateway.rest.problems import HANDLERS
from gateway.rest.restaurant import House
from gateway.rest.set_menu import place_set_menu
from infra.http.request_log import identify_requests

ASSETS = Path(__file__).parent / "assets"
ASSETS_PATH = "/assets"


class _Assets(BaseLocalFileSystem):
    """Finds no file under a name that no file can have."""

    async def info(self, path: Any, **kwargs: Any) -> FileInfo:
        try:
            return await super().info(path, **kwargs)
        except (OSError, ValueError) as error:  # too long, with a NUL, below a file
            raise FileNotFoundError(path) from error


def create_app(
    house: House, *, max_body: int, cors_origins: Collection[str] = (), log_requests: bool = False
) -> Litestar:
    """Build the app of a house, whose order path is started and closed elsewhere.

    `max_body` in bytes; pages from `cors_origins` may use the API in a browser.
    """
    routes: list[ControllerRouterHandler] = [
        place_order,
        place_set_menu,
        get_order,
        list_orders,
        cancel_order,
        get_menu,
        get_liveness,
        get_readiness,
        get_front,
        get_icon,
        create_static_files_router(ASSETS_PATH, [ASSETS], _Assets(), include_in_schema=False),
    ]
    app = assemble(house, routes, max_body=max_body, cors_origins=cors_origins, openapi_config=_openapi())
    app.asgi_handler = identify_requests(app.asgi_handler, is_logged=log_requests)
    return app


def assemble(
    house: House,
    routes: Sequence[ControllerRouterHandler],
    *,
    max_body: int,
    cors_origins: Collection[str] = (),
    middleware: Sequence[Middleware] = (),
    **options: Any,
) -> Litestar:
    """Build an app of some routes with what holds for every route; `options` are Litestar's.

    Raises ImproperlyConfiguredException for a route of the fast path that declares what that does not honour.
    """
    app = Litestar(
        route_handlers=routes,
        dependencies={"house": Provide(lambda: house, sync_to_thread=False)},
        exception_handlers=HANDLERS,
        middleware=[check_request, *middleware],
        plugins=[EveryMethod()],
        request_class=JsonRequest,
        request_max_body_size=max_body,
        logging_config=None,
        **options,
    )
    app.asgi_handler = app.state.fast_path = FastPath(app)
    if cors_origins:
        app.asgi_handler = Cors(app, cors_origins)
    return app


async def _demand_page(response: "Response[Any]") -> "Response[Any]":
    """Refuse a page that there is not as everything else is refused; Litestar's own answer is HTML."""
    if response.status_code == HTTP_404_NOT_FOUND:
        raise NotFoundException
    return response


def _openapi() -> OpenAPIConfig:
    assets = f"{ASSETS_PATH}/swagger-ui"
    page = SwaggerRenderPlugin(
        path="/",
        js_url=f"{assets}/swagger-ui-bundle.js",
        css_url=f"{assets}/swagger-ui.css",
        standalone_preset_js_url=f"{assets}/swagger-ui-standalone-preset.js",
        favicon=f'<link rel="icon" href="{ASSETS_PATH}/favicon-32x32.png">',
    )
    return describe_api(
        openapi_router=Router("/schema", route_handlers=[], include_in_schema=False, after_request=_demand_page),
        render_plugins=[page],
    )
