"""`/stations` and `/stations/{departments}`: the tickets of departments, as their staff see them."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from gateway.domain.access import Action, Target
from gateway.domain.lines import Outcome, TicketState
from gateway.domain.tickets import LiveLine, LiveTicket
from gateway.rest.requester import Requester
from gateway.rest.staff_schemas import live_menu_response, stock_response, ticket_response
from gateway.tickets.listing import ticket_key
from gateway.tickets.store import Picture
from gateway.tickets.watching import LiveDepartments
from gateway.web.document import Page, Site, to_place
from gateway.web.icons import icon
from gateway.web.markup import Html, html, joined
from gateway.web.titles import item_title, title_of
from gateway.web.view import View

STATION = Page(
    "station", "station/main.js", ("styles/station.css",), ("station", "state", "verb", "moves"), is_wide=True
)
STATIONS = Page("stations")

_SHOWN = frozenset({Outcome.ACCEPTED, Outcome.CANCELLED})
"""The outcomes of the lines that a card has; what could not be had is none of them."""

MOST_CARDS = 60
"""Tickets that the document has; its modules get all of them."""

_CONTENT = """<div id="station-app">
<div class="station-bar"><h1 class="station-title">{title}</h1></div>
<div class="station-body"><div class="station-main">{empty}<ol class="tickets">
{cards}</ol></div></div>
</div>
<div id="station-below" class="station-below"></div>
<p id="station-news" class="visually-hidden" role="status"></p>"""

_CARD = """<li class="ticket" data-order="{order_id}" data-state="{state}">
<div class="ticket-head"><strong class="ticket-number">{number}</strong>{table}</div>
<div class="ticket-sub"><span class="ticket-state">{state_text}</span> <span class="ticket-time">{time}</span></div>
<ul class="ticket-lines">{lines}</ul>
</li>
"""

_LINE = """<li class="ticket-line">{allergy}<div class="ticket-dish" data-made="{made}"><span
 class="ticket-quantity">{quantity}&times;</span> <span class="ticket-item">{title}</span></div>{note}</li>
"""

_CANCELLED_LINE = """<li class="ticket-line"><div class="ticket-dish is-cancelled"><span
 class="ticket-quantity">{quantity}&times;</span> <span class="ticket-item">{title}</span></div><p
 class="line-cancelled">{icon}<span>{text} {reason}</span></p></li>
"""

_TABLE = """<span class="ticket-table">{text}</span>"""
_REASON = """<q>{text}</q>"""
_ALLERGY = """<p class="ticket-allergy"><strong>{text}</strong></p>"""
_NOTE = """<p class="ticket-note"><span>{text}</span></p>"""

_EMPTY = """<div class="empty">{icon}<p>{text}</p><p class="empty-hint">{hint}</p></div>"""

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


@get("/stations/{departments:str}", include_in_schema=False, action=Action.STATION_OPEN)
async def get_station(
    departments: FromPath[str],
    live: NamedDependency[LiveDepartments],
    requester: NamedDependency[Requester],
    site: NamedDependency[Site],
    view: NamedDependency[View],
) -> Response[Any]:
    """Return the open tickets of a department, or of several, `bar,bakery`, the oldest first.

    Raises NotAllowed where one of them is not the caller's, NotFoundException where there is no such department.
    """
    names = list(dict.fromkeys(departments.split(",")))
    for name in names:
        requester.check(Action.STATION_OPEN, Target(department=name))
    pictures = {each.department: each for each in await live.pictures()}
    if any(name not in pictures for name in names):
        raise NotFoundException
    shown = [pictures[name] for name in names]
    tickets = sorted((ticket for each in shown for ticket in each.open.values() if _has_card(ticket)), key=ticket_key)
    title = " \u00b7 ".join(title_of(view, each) for each in shown)
    content = html(
        _CONTENT,
        title=title,
        cards=joined(_card(site, view, pictures[ticket.department], ticket) for ticket in tickets[:MOST_CARDS]),
        empty=None if tickets else _empty(site, view, is_known=set(live.unreachable).isdisjoint(names)),
    )
    data = {
        "departments": names,
        "menus": [live_menu_response(each.menu) for each in shown if each.menu is not None],
        "stock": [stock_response(stock) for each in shown for stock in each.stock.values()],
        "tickets": [ticket_response(ticket) for ticket in tickets[:MOST_CARDS]],
    }
    return site.document(view, STATION, title, content, data=data, station=",".join(names))


def _empty(site: Site, view: View, *, is_known: bool) -> Html:
    """Return what stands where no ticket is; `is_known`: nothing is missing."""
    t = view.t
    if is_known:
        return html(_EMPTY, icon=icon(site.assets, "done"), text=t("station.empty"), hint=t("station.empty_hint"))
    return html(_EMPTY, icon=icon(site.assets, "offline"), text=t("station.unknown"), hint=t("station.unknown_hint"))


def _has_card(ticket: LiveTicket) -> bool:
    """Return whether a ticket is to be worked on; what is held is decided within a moment, as a rule."""
    return ticket.state is not TicketState.HELD


def _card(site: Site, view: View, picture: Picture, ticket: LiveTicket) -> Html:
    placed = datetime.fromtimestamp(ticket.placed_at_ms / 1000, ZoneInfo(site.zone))
    table = html(_TABLE, text=view.t("station.table", table=ticket.table)) if ticket.table else None
    return html(
        _CARD,
        order_id=ticket.order_id,
        state=ticket.state,
        number=ticket.number or view.t("station.counter"),
        table=table,
        time=f"{placed:%H:%M}",
        state_text=view.t(f"state.{ticket.state}"),
        lines=joined(_line(site, view, picture, line) for line in ticket.lines if line.outcome in _SHOWN),
    )


def _line(site: Site, view: View, picture: Picture, line: LiveLine) -> Html:
    if line.outcome is Outcome.CANCELLED:
        return html(
            _CANCELLED_LINE,
            quantity=line.quantity,
            title=item_title(view, picture, line.item),
            icon=icon(site.assets, "ban"),
            text=view.t("station.line_cancelled"),
            reason=html(_REASON, text=line.cancel_reason) if line.cancel_reason else None,
        )
    return html(
        _LINE,
        quantity=line.quantity,
        title=item_title(view, picture, line.item),
        made="true" if line.made else "false",
        allergy=html(_ALLERGY, text=view.t("station.allergy")) if line.allergy else None,
        note=html(_NOTE, text=line.note) if line.note else None,
    )
