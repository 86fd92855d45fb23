"""`/pass`: by table, across departments, what is missing, ready and late."""

from typing import Any

from litestar import Response, get
from litestar.di import NamedDependency

from gateway.domain.access import Action
from gateway.domain.lines import Outcome
from gateway.domain.tickets import LiveLine, LiveTicket
from gateway.rest.staff_schemas import live_menu_response, ticket_response
from gateway.tickets.store import Picture
from gateway.tickets.watching import LiveDepartments
from gateway.web.document import Page, Site
from gateway.web.icons import icon
from gateway.web.markup import Html, html, joined
from gateway.web.tables import OpenTable, open_tables
from gateway.web.titles import item_title, title_of
from gateway.web.view import View

PASS = Page(
    "pass",
    "pass/main.js",
    ("styles/serving.css", "styles/pass.css"),
    ("pass", "tables", "state", "moves"),
    is_wide=True,
)

MOST_CARDS = 60
"""Tables that the document has; its modules get all of them."""

_CONTENT = """<div id="pass-app" class="pass">
<div class="pass-bar"><h1>{title}</h1></div>
<div class="pass-main">{empty}<ol class="pass-cards">
{cards}</ol></div>
</div>
<p id="pass-news" class="visually-hidden" role="status"></p>"""

_CARD = """<li class="pass-card"><div class="pass-head"><h2 class="pass-table">{name}</h2></div>
{parts}</li>
"""

_PART = """<section class="part" data-state="{state}"><h3 class="part-head"><span class="part-title">{title}</span>
<span class="part-state">{state_text}</span></h3><ul class="part-lines">{lines}</ul></section>
"""

_LINE = """<li class="part-line"><span class="part-quantity">{quantity} &times;</span> <span>{title}</span></li>"""

_EMPTY = """<div class="empty">{icon}<p>{text}</p></div>"""


@get("/pass", include_in_schema=False, action=Action.PASS_OPEN)
async def get_pass(
    live: NamedDependency[LiveDepartments], site: NamedDependency[Site], view: NamedDependency[View]
) -> Response[Any]:
    """Return the tables that wait for something, the one that has waited longest first."""
    pictures = {each.department: each for each in await live.pictures()}
    tables = open_tables(pictures.values())[:MOST_CARDS]
    title = view.t("pass.title")
    content = html(
        _CONTENT,
        title=title,
        cards=joined(_card(view, table, pictures) for table in tables),
        empty=None if tables else html(_EMPTY, icon=icon(site.assets, "done"), text=view.t("pass.empty")),
    )
    data = {
        "menus": [live_menu_response(each.menu) for each in pictures.values() if each.menu is not None],
        "tickets": [ticket_response(ticket) for table in tables for ticket in table.tickets],
    }
    return site.document(view, PASS, title, content, data=data)


def _card(view: View, table: OpenTable, pictures: dict[str, Picture]) -> Html:
    name = view.t("tables.table", table=table.name) if table.name else (table.number or view.t("tables.counter"))
    parts = joined(_part(view, ticket, pictures[ticket.department]) for ticket in table.tickets)
    return html(_CARD, name=name, parts=parts)


def _part(view: View, ticket: LiveTicket, picture: Picture) -> Html:
    lines = [line for line in ticket.lines if line.outcome is Outcome.ACCEPTED]
    return html(
        _PART,
        state=ticket.state,
        title=title_of(view, picture),
        state_text=view.t(f"state.{ticket.state}"),
        lines=joined(_line(view, line, picture) for line in lines),
    )


def _line(view: View, line: LiveLine, picture: Picture) -> Html:
    return html(_LINE, quantity=line.quantity, title=item_title(view, picture, line.item))
