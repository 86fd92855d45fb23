"""`/waiter`: the tables, with what is open, ready and late; ordering for a table, serving, cancelling."""

from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from gateway.domain.access import Action, Target
from gateway.orders.service import OrderService
from gateway.rest.menu_schemas import menu_response
from gateway.rest.requester import Requester
from gateway.rest.staff_schemas import live_menu_response, ticket_response
from gateway.tickets.listing import ticket_key
from gateway.tickets.watching import LiveDepartments
from gateway.web.document import Page, Site
from gateway.web.icons import icon
from gateway.web.markup import Html, html, joined
from gateway.web.tables import OpenTable, by_name, open_tables
from gateway.web.view import View

WAITER = Page(
    "waiter",
    "waiter/main.js",
    ("styles/order.css", "styles/basket.css", "styles/own_orders.css", "styles/serving.css", "styles/waiter.css"),
    (
        "waiter", "tables", "state", "verb", "moves", "order", "outcome", "progress", "headline", "step", "trouble",
        "failure", "why", "cancel",
    ),
    is_wide=True,
)  # fmt: skip

MOST_TICKETS = 200
"""Tickets that the document has; its modules get all of them."""

CANCELLED_IN = ("queued", "preparing")
"""The states in which some of the staff may cancel a ticket."""

_CONTENT = """<div id="waiter-app" class="waiter">
<div class="waiter-bar"><h1>{title}</h1></div>
<div class="waiter-body"><section class="waiter-tables" aria-label="{title}">{empty}<ul class="tiles">
{tiles}</ul></section></div>
</div>
<p id="waiter-news" class="visually-hidden" role="status"></p>"""

_TILE = """<li><a class="tile" href="/waiter?{query}" data-state="{state}"{current}>
<span class="tile-name">{name}</span><span class="tile-facts">{ready}{making}</span></a></li>
"""

_EMPTY = """<div class="empty">{icon}<p>{text}</p></div>"""


@get("/waiter", include_in_schema=False, action=Action.WAITER_OPEN)
async def get_waiter(
    live: NamedDependency[LiveDepartments],
    service: NamedDependency[OrderService],
    requester: NamedDependency[Requester],
    site: NamedDependency[Site],
    view: NamedDependency[View],
    table: Annotated[str | None, QueryParameter(max_length=40, description="The table to show.")] = None,
    order: Annotated[UUID | None, QueryParameter(description="The order without a table to show.")] = None,  # noqa: ARG001 - the modules read it
    new: Annotated[str | None, QueryParameter(max_length=1, description="Order for the table.")] = None,  # noqa: ARG001 - the modules read it
) -> Response[Any]:
    """Return the tables that have something open; the page's modules show one of them, `?table=7`."""
    pictures = await live.pictures()
    tables = by_name(open_tables(pictures))
    tickets = sorted((ticket for each in tables for ticket in each.tickets), key=ticket_key)
    title = view.t("waiter.title")
    content = html(
        _CONTENT,
        title=title,
        tiles=joined(_tile(view, each, is_current=each.name == table) for each in tables),
        empty=None if tables else html(_EMPTY, icon=icon(site.assets, "done"), text=view.t("waiter.empty")),
    )
    may = requester.caller.may
    data = {
        "menu": menu_response(await service.menus(), site.currency),
        "menus": [live_menu_response(each.menu) for each in pictures if each.menu is not None],
        "tickets": [ticket_response(ticket) for ticket in tickets[:MOST_TICKETS]],
        "cancels": [state for state in CANCELLED_IN if may(Action.TICKET_CANCEL, Target(state=state))],
    }
    return site.document(view, WAITER, title, content, data=data)


def _tile(view: View, table: OpenTable, *, is_current: bool) -> Html:
    name = table.name or str(table.number or view.t("tables.counter"))
    return html(
        _TILE,
        query=f"table={quote(table.name, safe='')}" if table.name else f"order={table.tickets[0].order_id}",
        name=name,
        current=Html(' aria-current="true"') if is_current else None,
        state="ready" if table.ready else "making",
        ready=_fact("is-ready", view.t("tables.ready", count=table.ready)) if table.ready else None,
        making=_fact("is-making", view.t("tables.making", count=table.making)) if table.making else None,
    )


def _fact(kind: str, text: str) -> Html:
    return html('<span class="fact {kind}">{text}</span>', kind=kind, text=text)
