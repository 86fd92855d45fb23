"""`/`: the menu to order from, for people; links, for programs."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from litestar import HttpMethod, Request, Response, route
from litestar.di import NamedDependency

from gateway.domain.access import Action
from gateway.domain.menu import MenuItem, MenuSnapshot
from gateway.orders.service import OrderService
from gateway.rest.json_body import JSON
from gateway.rest.menu_schemas import menu_response
from gateway.rest.requester import Requester
from gateway.web.document import HTML, Page, Site, to_place
from gateway.web.icons import icon
from gateway.web.markup import Html, html, joined
from gateway.web.money import money
from gateway.web.view import View

LINKS = {
    "menu": "/menu",
    "orders": "/orders",
    "api": "/schema",
    "description": "/schema/openapi.json",
    "live": "/health/live",
    "ready": "/health/ready",
}

ORDER = Page("order", "order/main.js", ("styles/order.css",), ("order", "outcome", "progress"))
NO_TABLE = Page("no_table")

FEW = 5
"""Up to how many that are left a guest learns the number."""

_CONTENT = """<h1 class="visually-hidden">{title}</h1>
<div id="order-app">{menu}</div>
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

_DEPARTMENT = """<section class="menu-department" id="{name}" aria-labelledby="title-{name}">
<h2 id="title-{name}">{title}</h2>
{content}</section>
"""

_CATEGORY = """<h3 class="menu-category">{category}</h3>
<ul class="menu-items">
{items}</ul>
"""

_ITEM = """<li class="menu-item" data-department="{department}" data-item="{id}">
<span class="menu-item-title">{title}</span> <span class="menu-item-price">{price}</span>{note}</li>
"""


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
    site: NamedDependency[Site],
    view: NamedDependency[View],
) -> Response[Any]:
    """Return the order page to clients that prefer HTML, links as JSON to all others; lead a station to its tickets."""
    if request.accept.best_match([JSON, HTML], default=JSON) != HTML:
        return Response({"name": "Comanda", "links": LINKS}, media_type=JSON, headers={"Vary": "Accept"})
    allowed = requester.caller.allowed
    if Action.ORDER_PLACE not in allowed and Action.STATION_OPEN in allowed:
        return to_place("/stations")
    if not {Action.MENU_READ, Action.ORDER_PLACE} <= allowed:
        return _no_table(site, view)
    menus = await service.menus()
    content = html(
        _CONTENT,
        title=view.t("order.title"),
        menu=joined(_department(site, view, menu) for menu in menus),
        footer=_footer(view),
    )
    data = {"menu": menu_response(menus, site.currency), "table": requester.caller.table}
    return site.document(view, ORDER, view.t("order.title"), content, data=data)


def _no_table(site: Site, view: View) -> Response[Any]:
    title = view.t("page.no_table")
    content = html(
        _NO_TABLE,
        icon=icon(site.assets, "table", is_large=True),
        title=title,
        text=view.t("page.no_table_text"),
        sign_in=view.t("page.sign_in"),
        footer=_footer(view),
    )
    return site.document(view, NO_TABLE, title, content)


def _footer(view: View) -> Html:
    t = view.t
    return html(
        _FOOTER, sign_in=t("page.staff_sign_in"), api=t("page.api"), menu=t("page.menu_data"), health=t("page.health")
    )


def _department(site: Site, view: View, menu: MenuSnapshot) -> Html:
    if not menu.is_open:
        content = html('<p class="hint">{text}</p>\n', text=view.t("order.department_away"))
    else:
        content = joined(_category(site, view, menu, *each) for each in _categories(menu.items))
    title = view.t.title(menu.titles, menu.name.capitalize())
    return html(_DEPARTMENT, name=menu.name, title=title, content=content)


def _categories(items: Iterable[MenuItem]) -> Iterator[tuple[str, list[MenuItem]]]:
    """Yield the categories in the order of their first items, each with its items."""
    order = {item.category: place for place, item in reversed(list(enumerate(items)))}
    ordered = sorted(items, key=lambda item: order[item.category])
    for category, group in groupby(ordered, key=lambda item: item.category):
        yield category, list(group)


def _category(site: Site, view: View, menu: MenuSnapshot, category: str, items: list[MenuItem]) -> Html:
    return html(
        _CATEGORY,
        category=category,
        items=joined(_item(site, view, menu.name, item) for item in items),
    )


def _item(site: Site, view: View, department: str, item: MenuItem) -> Html:
    note = _availability(view, item)
    return html(
        _ITEM,
        department=department,
        id=item.id,
        title=view.t.title(item.titles, item.id),
        price=money(item.price, site.currency.code, site.currency.exponent, view.t.language),
        note=None if note is None else html(' <span class="tag">{text}</span>', text=note),
    )


def _availability(view: View, item: MenuItem) -> str | None:
    """Return what a guest has to know of an item's stock, if anything."""
    if not item.on_sale:
        return view.t("order.off_sale")
    if item.available is None or item.available > FEW:
        return None
    return view.t("order.left", count=item.available) if item.available else view.t("order.sold_out")
