"""`/stations` and `/stations/{department}`: a department's tickets, as its staff see them."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from gateway.domain.access import Action
from gateway.domain.tickets import LiveLine, LiveTicket
from gateway.rest.requester import Requester
from gateway.rest.staff_schemas import live_menu_response, stock_response, ticket_response
from gateway.tickets.listing import ticket_key
from gateway.tickets.store import Picture
from gateway.tickets.watching import LiveDepartments
from gateway.web.document import Page, Site, to_place
from gateway.web.icons import icon
from gateway.web.markup import Html, html, joined
from gateway.web.view import View

STATION = Page(
    "station", "station/main.js", ("styles/station.css",), ("station", "state", "verb", "moves"), is_wide=True
)
STATIONS = Page("stations")

MOST_CARDS = 60
"""Tickets that the document has; its modules get all of them."""

_CONTENT = """<h1 class="visually-hidden">{title}</h1>
<div id="station-app" data-department="{department}">
<ol class="cards">{cards}</ol>{empty}
</div>"""

_CARD = """<li class="card ticket" data-order="{order_id}" data-state="{state}">
<p class="ticket-head"><strong class="ticket-number">{number}</strong> <span>{table}</span> <span>{time}</span></p>
<p class="tag">{state_text}</p>
<ul class="ticket-lines">{lines}</ul>
</li>
"""

_LINE = """<li class="ticket-line"><span class="quantity">{quantity}&times;</span> {title}{allergy}{note}</li>
"""

_EMPTY = """<div class="empty">{icon}<p>{text}</p></div>"""

_STATION_LINK = """<li><a class="card link-card" href="/stations/{name}"><span>{title}</span>{icon}</a></li>
"""


@get("/stations", include_in_schema=False, action=Action.STATION_OPEN)
async def get_stations(
    live: NamedDependency[LiveDepartments],
    requester: NamedDependency[Requester],
    site: NamedDependency[Site],
    view: NamedDependency[View],
) -> Response[Any]:
    """Return links to the stations that the caller may open; lead there where it is one."""
    own = requester.caller.departments(Action.STATION_OPEN, live.names)
    if len(own) == 1:
        return to_place(f"/stations/{next(iter(own))}")
    pictures = [picture for picture in await live.pictures() if picture.department in own]
    arrow = icon(site.assets, "chevron")
    links = joined(
        html(_STATION_LINK, name=each.department, title=title_of(view, each), icon=arrow) for each in pictures
    )
    title = view.t("page.to_stations")
    content = html('<h1>{title}</h1>\n<ul class="link-cards">\n{links}</ul>', title=title, links=links)
    return site.document(view, STATIONS, title, content)


@get("/stations/{department:str}", include_in_schema=False, action=Action.STATION_OPEN)
async def get_station(
    department: FromPath[str],
    live: NamedDependency[LiveDepartments],
    site: NamedDependency[Site],
    view: NamedDependency[View],
) -> Response[Any]:
    """Return a department's open tickets, the oldest first; raises NotFoundException."""
    picture = next((each for each in await live.pictures() if each.department == department), None)
    if picture is None:
        raise NotFoundException
    title = title_of(view, picture)
    tickets = sorted(picture.open.values(), key=ticket_key)
    content = html(
        _CONTENT,
        title=title,
        department=department,
        cards=joined(_card(site, view, picture, ticket) for ticket in tickets[:MOST_CARDS]),
        empty=None if tickets else html(_EMPTY, icon=icon(site.assets, "done"), text=view.t("station.empty")),
    )
    data = {
        "department": department,
        "menu": None if picture.menu is None else live_menu_response(picture.menu),
        "stock": [stock_response(each) for each in picture.stock.values()],
        "tickets": [ticket_response(each) for each in tickets[:MOST_CARDS]],
        "is_open": department not in live.unreachable,
    }
    return site.document(view, STATION, title, content, data=data, station=department)


def title_of(view: View, picture: Picture) -> str:
    """Return a department's name in the view's language."""
    titles = {} if picture.menu is None else picture.menu.titles
    return view.t.title(titles, picture.department.capitalize())


def _card(site: Site, view: View, picture: Picture, ticket: LiveTicket) -> Html:
    placed = datetime.fromtimestamp(ticket.placed_at_ms / 1000, ZoneInfo(site.zone))
    return html(
        _CARD,
        order_id=ticket.order_id,
        state=ticket.state,
        number=ticket.number or None,
        table=view.t("station.table", table=ticket.table) if ticket.table else None,
        time=f"{placed:%H:%M}",
        state_text=view.t(f"state.{ticket.state}"),
        lines=joined(_line(view, picture, line) for line in ticket.lines),
    )


def _line(view: View, picture: Picture, line: LiveLine) -> Html:
    items = () if picture.menu is None else picture.menu.items
    titles = next((item.titles for item in items if item.id == line.item), {})
    allergy = html('<strong class="allergy">{text}</strong>', text=view.t("station.allergy")) if line.allergy else None
    note = html('<span class="note">{text}</span>', text=line.note) if line.note else None
    title = view.t.title(titles, line.item)
    return html(_LINE, quantity=line.quantity, title=title, allergy=allergy, note=note)
