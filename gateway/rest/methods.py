"""HEAD wherever GET is, and OPTIONS that lists what a path really takes."""

from copy import copy

from litestar.handlers import HTTPRouteHandler
from litestar.plugins import ReceiveRoutePlugin
from litestar.routes import BaseRoute, HTTPRoute


class EveryMethod(ReceiveRoutePlugin):
    """Completes each route when it is registered.

    The server omits a response's body where the request was HEAD (RFC 9110, 9.3.2), so a GET handler serves both.
    Litestar's own OPTIONS handler keeps the methods that a path had when its first handler was registered; here each
    further handler makes a new one.
    """

    def receive_route(self, route: BaseRoute) -> None:
        """Add HEAD, and OPTIONS with all methods of this moment, unless the route has handlers of its own for them."""
        if not isinstance(route, HTTPRoute):
            return
        handlers = route.route_handler_map
        if "GET" in handlers and "HEAD" not in handlers:
            get, model = handlers["GET"]
            handlers["HEAD"] = (_undescribed(get), model)
            route.methods.add("HEAD")
        options, model = handlers["OPTIONS"]
        if options.fn.__module__ == HTTPRoute.__module__:
            fresh = route.create_options_handler(route.path)
            fresh.owner = options.owner
            fresh.on_registration(options.app)
            handlers["OPTIONS"] = (fresh, model)


def _undescribed(handler: HTTPRouteHandler) -> HTTPRouteHandler:
    """Copy a handler for a method of which the API's description says nothing, as it follows from the other one."""
    head = copy(handler)
    head.include_in_schema = head._resolved_include_in_schema = False
    return head
