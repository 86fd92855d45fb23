"""`/office`: the manager's pages. Today, stock, sales, times, late tickets, people and devices, the audit log."""

from typing import Annotated, Any
from zoneinfo import ZoneInfo

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, QueryParameter

from gateway.domain.access import NAMEABLE, Action
from gateway.domain.days import Calendar
from gateway.tickets.watching import LiveDepartments
from gateway.web.document import Page, Site
from gateway.web.icons import icon
from gateway.web.markup import Html, html, joined
from gateway.web.office_range import RANGES, Range, range_of
from gateway.web.view import View

PARTS = {
    "today": "dashboard",
    "stock": "package",
    "sales": "chart",
    "times": "clock",
    "late": "bell",
    "access": "users",
    "log": "history",
}
"""The pages, each with its icon."""

OF_RANGES = frozenset({"sales", "times"})
"""The pages whose figures are of a range of days."""

_TEXTS = ("office", "log", "state", "moves", "account", "sheet")
_STYLES = ("styles/office.css", "styles/tables.css")

_CONTENT = """<div class="office">
<nav class="office-nav" aria-label="{nav}"><ul>
{links}</ul></nav>
<div class="office-body">
<div class="office-head"><h1>{title}</h1>
{range}</div>
<div id="office-app">{loading}
<noscript><p class="alert">{noscript}</p></noscript></div>
</div>
</div>"""

_LINK = """<li><a href="{at}"{current}>{icon}<span>{text}</span></a></li>
"""

_RANGE = """<form class="office-range" action="{path}" role="group" aria-label="{label}">
<div class="segments">{links}</div>
<label class="office-day"><span class="visually-hidden">{day_label}</span>
<input class="input" type="date" name="day" value="{day}" max="{today}" required></label>
<button class="button">{show}</button>
</form>
"""

_LOADING = """<div class="loading" role="status"><span class="visually-hidden">{text}</span>
<div class="skeleton tall"></div><div class="skeleton"></div><div class="skeleton"></div></div>"""


@get("/office", include_in_schema=False, sync_to_thread=False, action=Action.OFFICE_OPEN)
def get_office(
    live: NamedDependency[LiveDepartments], site: NamedDependency[Site], view: NamedDependency[View]
) -> Response[Any]:
    """Return the page of today."""
    return _page(site, view, live, "today", range_of(_calendar(site), site.now_ms, None, None))


@get("/office/{part:str}", include_in_schema=False, sync_to_thread=False, action=Action.OFFICE_OPEN)
def get_office_part(
    part: FromPath[str],
    live: NamedDependency[LiveDepartments],
    site: NamedDependency[Site],
    view: NamedDependency[View],
    name: Annotated[
        str | None, QueryParameter(name="range", description="today, yesterday or week; today where it is none.")
    ] = None,
    day: Annotated[str | None, QueryParameter(max_length=10, description="A date, in place of a range.")] = None,
) -> Response[Any]:
    """Return one of the other pages; raises NotFoundException."""
    if part not in PARTS:
        raise NotFoundException
    return _page(site, view, live, part, range_of(_calendar(site), site.now_ms, name, day))


def _page(site: Site, view: View, live: LiveDepartments, part: str, chosen: Range) -> Response[Any]:
    page = Page("office", f"office/{part}.js", _STYLES, _TEXTS, is_wide=True)
    title = view.t(f"office.nav_{part}")
    content = html(
        _CONTENT,
        nav=view.t("office.nav"),
        links=joined(_link(site, view, each, is_current=each == part) for each in PARTS),
        title=title,
        range=_range(view, part, chosen) if part in OF_RANGES else None,
        loading=html(_LOADING, text=view.t("ui.loading")),
        noscript=view.t("office.noscript"),
    )
    data = {"part": part, "range": chosen, "departments": sorted(live.names), "rights": sorted(NAMEABLE)}
    return site.document(view, page, title, content, data=data)


def _calendar(site: Site) -> Calendar:
    return Calendar(ZoneInfo(site.zone))


def _link(site: Site, view: View, part: str, *, is_current: bool) -> Html:
    return html(
        _LINK,
        at="/office" if part == "today" else f"/office/{part}",
        current=Html(' aria-current="page"') if is_current else None,
        icon=icon(site.assets, PARTS[part]),
        text=view.t(f"office.nav_{part}"),
    )


def _range(view: View, part: str, chosen: Range) -> Html:
    return html(
        _RANGE,
        path=f"/office/{part}",
        label=view.t("office.range"),
        links=joined(_range_link(view, name, is_current=name == chosen.name) for name in RANGES),
        day_label=view.t("office.range_day"),
        day=chosen.last_day,
        today=chosen.today,
        show=view.t("office.range_show"),
    )


def _range_link(view: View, name: str, *, is_current: bool) -> Html:
    current = Html(' aria-current="true"') if is_current else None
    text = view.t(f"office.range_{name}")
    return html('<a class="segment" href="?range={name}"{current}>{text}</a>', name=name, current=current, text=text)
