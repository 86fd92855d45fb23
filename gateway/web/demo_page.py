"""`/demo`: several pages side by side, each in a frame of its own. Only a demo has it."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from litestar import Response, get
from litestar.di import NamedDependency

from gateway.domain.access import Action
from gateway.tickets.watching import LiveDepartments
from gateway.web.document import DEMO_PATH, Page, Site
from gateway.web.icons import icon
from gateway.web.markup import Html, html, joined
from gateway.web.view import View

DEMO = Page("demo", styles=("styles/demo.css",), is_wide=True)

_CONTENT = """<h1 class="visually-hidden">{title}</h1>
<div class="demo">
{panes}</div>"""

_PANE = """<section class="demo-pane" data-pane="{name}">
<a class="demo-head" href="{at}" target="_blank"><h2>{title}</h2>{icon}</a>
<iframe class="demo-frame" src="{at}" title="{title}"></iframe>
</section>
"""


@dataclass(frozen=True, slots=True)
class Pane:
    """A frame: the last part of its title's key, and the path of the page in it."""

    name: str
    path: str


@get(DEMO_PATH, include_in_schema=False, sync_to_thread=False, action=Action.DEMO_OPEN)
def get_demo(
    live: NamedDependency[LiveDepartments], site: NamedDependency[Site], view: NamedDependency[View]
) -> Response[Any]:
    """Return the page of frames."""
    title = view.t("demo.title")
    panes = joined(_pane(site, view, pane) for pane in panes_of(live.names))
    return site.document(view, DEMO, title, html(_CONTENT, title=title, panes=panes))


def panes_of(departments: Collection[str]) -> list[Pane]:
    """Return the frames of a restaurant with these departments."""
    station = f"/stations/{','.join(departments)}"
    return [Pane("station", station), Pane("board", "/board"), Pane("office", "/office"), Pane("order", "/")]


def _pane(site: Site, view: View, pane: Pane) -> Html:
    return html(
        _PANE,
        name=pane.name,
        at=pane.path,
        title=view.t(f"demo.{pane.name}"),
        icon=icon(site.assets, "full-screen"),
    )
