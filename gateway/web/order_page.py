"""`/`: the menu to order from, for people; links, for programs."""

from typing import Annotated, Any

from litestar import HttpMethod, Request, Response, route
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from gateway.access.access import Access
from gateway.domain.access import Action, Guests
from gateway.orders.service import OrderService
from gateway.rest.json_body import JSON
from gateway.rest.menu_schemas import menu_response
from gateway.rest.requester import Requester
from gateway.web.document import HTML, Page, Site, to_place
from gateway.web.icons import icon
from gateway.web.markup import Html, html
from gateway.web.menu_markup import chips_html, menu_html
from gateway.web.view import View

LINKS = {
    "menu": "/menu",
    "orders": "/orders",
    "api": "/schema",
    "description": "/schema/openapi.json",
    "live": "/health/live",
    "ready": "/health/ready",
}

ORDER = Page(
    "order",
    "order/main.js",
    ("styles/order.css", "styles/basket.css", "styles/own_orders.css"),
    ("order", "outcome", "progress", "headline", "step", "trouble", "failure", "why", "cancel"),
    is_wide=True,
)
NO_TABLE = Page("no_table")

_CONTENT = """<div class="order-layout">
<div class="order-menu">
<div class="order-hero"><h1>{title}</h1>{table}</div>
<noscript><p class="alert">{no_script}</p></noscript>
<div id="own-orders"></div>
<div class="order-tools">
<form class="search" role="search" action="/">
<label class="visually-hidden" for="search">{search}</label>
{icon}
<input id="search" name="q" type="search" value="{query}" placeholder="{search}" maxlength="60" autocomplete="off"
enterkeyhint="search"></form>
<nav class="chips" id="chips" aria-label="{categories}">{chips}</nav>
</div>
<div id="menu">
{menu}</div>
</div>
<aside class="order-aside" aria-label="{basket}"><h2>{basket}</h2><div id="basket"></div></aside>
</div>
<div id="basket-bar" class="basket-bar"></div>
<div id="announcer" class="visually-hidden" role="status" aria-live="polite"></div>
{footer}"""

_NO_TABLE = """<section class="card notice">
{icon}
<h1>{title}</h1>
<p>{text}</p>
<p class="actions"><a class="button" href="/sign-in">{sign_in}</a></p>
</section>
{footer}"""

_FOOTER = """<footer class="footer"><a href="/sign-in">{sign_in}</a> <a href="/schema">{api}</a>
<a href="/menu">{menu}</a> <a href="/health/ready">{health}</a></footer>"""


@route(
    "/",
    http_method=[HttpMethod.GET, HttpMethod.HEAD],
    include_in_schema=False,
    action=Action.PAGE_READ,
)
async def get_front(
    request: Request[Any, Any, Any],
    service: NamedDependency[OrderService],
    requester: NamedDependency[Requester],
    access: NamedDependency[Access],
    site: NamedDependency[Site],
    view: NamedDependency[View],
    q: Annotated[str, QueryParameter(max_length=60, description="What a guest searches for on the menu.")] = "",
) -> Response[Any]:
    """Return the order page to clients that prefer HTML, links as JSON to all others; lead a station to its tickets."""
    if request.accept.best_match([JSON, HTML], default=JSON) != HTML:
        return Response({"name": "Comanda", "links": LINKS}, media_type=JSON, headers={"Vary": "Accept"})
    allowed = requester.caller.allowed
    if Action.ORDER_PLACE not in allowed and Action.STATION_OPEN in allowed:
        return to_place("/stations")
    if not {Action.MENU_READ, Action.ORDER_PLACE} <= allowed:
        return _no_table(site, view, is_closed=access.policy.guests is Guests.CLOSED)
    t, table = view.t, requester.caller.table
    menus = await service.menus()
    content = html(
        _CONTENT,
        title=t("order.welcome"),
        table=None
        if table is None
        else html('<p class="order-table">{text}</p>', text=t("order.at_table", table=table)),
        no_script=t("order.no_script"),
        search=t("order.search"),
        query=q,
        icon=icon(site.assets, "search"),
        categories=t("order.categories"),
        chips=chips_html(view, menus),
        menu=menu_html(site, view, menus, q),
        basket=t("order.basket"),
        footer=_footer(view),
    )
    data = {"menu": menu_response(menus, site.currency), "table": table}
    return site.document(view, ORDER, t("order.title"), content, data=data)


def _no_table(site: Site, view: View, *, is_closed: bool) -> Response[Any]:
    """Return the page for guests who may not order: not yet, or not at all."""
    title = view.t("page.no_table")
    content = html(
        _NO_TABLE,
        icon=icon(site.assets, "table", is_large=True),
        title=title,
        text=view.t("page.closed_text") if is_closed else view.t("page.no_table_text"),
        sign_in=view.t("page.staff_sign_in"),
        footer=_footer(view),
    )
    return site.document(view, NO_TABLE, title, content)


def _footer(view: View) -> Html:
    t = view.t
    return html(
        _FOOTER, sign_in=t("page.staff_sign_in"), api=t("page.api"), menu=t("page.menu_data"), health=t("page.health")
    )
