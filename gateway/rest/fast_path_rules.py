"""Which routes are declared for the fast path, and what such a route may not declare."""

from collections.abc import Iterator
from typing import Any

from litestar import Litestar
from litestar.exceptions import ImproperlyConfiguredException
from litestar.routes import HTTPRoute

from gateway.rest.checks import check_request

FAST_PATH = "fast_path"
"""The key of a handler's options that `@post(..., fast_path=True)` sets."""


def declared_routes(app: Litestar) -> Iterator[HTTPRoute]:
    """Yield the routes of the fast path; raises ImproperlyConfiguredException for one that it cannot serve."""
    for route in app.routes:
        if isinstance(route, HTTPRoute) and _is_declared(route):
            if obstacles := list(_obstacles(app, route)):
                raise ImproperlyConfiguredException(
                    f"POST {route.path} is declared for the fast path, which does not honour {', '.join(obstacles)}"
                )
            yield route


def _is_declared(route: HTTPRoute) -> bool:
    """Return whether a handler of a route is declared for the fast path.

    OPTIONS does not count: Litestar makes its handler, which inherits the options of its router.
    """
    return any(
        handler.opt.get(FAST_PATH) for method, (handler, _) in route.route_handler_map.items() if method != "OPTIONS"
    )


def _obstacles(app: Litestar, route: HTTPRoute) -> Iterator[str]:
    """Yield what a route declares that the fast path does not do."""
    declaring = {
        method: handler
        for method, (handler, _) in route.route_handler_map.items()
        if method != "OPTIONS" and handler.opt.get(FAST_PATH)
    }
    yield from (f"the method {method}" for method in declaring if method != "POST")
    if "POST" not in declaring:
        return
    handler, model = route.route_handler_map["POST"]
    if route.path_parameters:
        yield "parameters in the path"
    if any(each is not check_request for each in handler.resolve_middleware()):
        yield "middleware"
    for setting in ("csrf_config", "compression_config", "allowed_hosts"):
        if getattr(app, setting):
            yield setting
    if handler.cache:
        yield "a cache"
    if handler.resolve_data_dto() or handler.resolve_return_dto():
        yield "data transfer objects"
    if handler.resolve_type_decoders():
        yield "type decoders"
    yield from _parameter_obstacles(handler, model)
    yield from _dependency_obstacles(handler)


def _parameter_obstacles(handler: Any, model: Any) -> Iterator[str]:
    if handler.parsed_data_field is None or model.expected_form_data or model.expected_msgpack_data:
        yield "a body that is not JSON"
    yield from (f"the parameter {name}" for name in sorted(model.expected_reserved_kwargs - {"data"}))
    others = model.expected_query_params | model.expected_cookie_params | model.expected_path_params
    yield from (f"the parameter {each.field_name}" for each in others)
    fields = handler.parsed_fn_signature.parameters
    for each in model.expected_header_params:
        field = fields.get(each.field_name)
        if field is None or field.annotation != (str | None) or not field.has_default:
            yield f"the header {each.field_alias}, which is not optional text"


def _dependency_obstacles(handler: Any) -> Iterator[str]:
    fields = handler.parsed_fn_signature.parameters
    for name, provide in handler.resolve_dependencies().items():
        if name in fields and (
            provide.parsed_fn_signature.parameters
            or provide.has_sync_generator_dependency
            or provide.has_async_generator_dependency
        ):
            yield f"the dependency {name}, which takes arguments or needs a cleanup"
