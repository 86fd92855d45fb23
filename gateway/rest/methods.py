"""HEAD for every path with GET, and OPTIONS that lists all methods of a path."""

from copy import copy

from litestar.handlers import HTTPRouteHandler
from litestar.plugins import ReceiveRoutePlugin
from litestar.routes import BaseRoute, HTTPRoute


class HeadAndOptions(ReceiveRoutePlugin):
    """Adds HEAD and OPTIONS to each route when it is registered.

    The server omits the body of a response to HEAD (RFC 9110, 9.3.2), so a GET handler serves both.
    Litestar's own OPTIONS handler keeps the methods that a path had when its first handler was registered; this plugin
    makes a new one with each further handler.
    """

    def receive_route(self, route: BaseRoute) -> None:
        """Add HEAD, and OPTIONS with all methods so far, unless the route has its own handlers for them."""
        if not isinstance(route, HTTPRoute):
            return
        handlers = route.route_handler_map
        if "GET" in handlers and "HEAD" not in handlers:
            get, model = handlers["GET"]
            handlers["HEAD"] = (_undescribed(get), model)
            route.methods.add("HEAD")
        options, model = handlers["OPTIONS"]
        if options.fn.__module__ == HTTPRoute.__module__:
            new = route.create_options_handler(route.path)
            new.owner = options.owner
            new.on_registration(options.app)
            handlers["OPTIONS"] = (new, model)


def _undescribed(handler: HTTPRouteHandler) -> HTTPRouteHandler:
    """Return a copy of a handler that the API's description omits."""
    head = copy(handler)
    head.include_in_schema = head._resolved_include_in_schema = False
    return head
