"""`/styles`: the design system, shown to managers, so that the next page looks like the last."""

from typing import Any

from litestar import Response, get
from litestar.di import NamedDependency

from gateway.domain.access import Action
from gateway.web.document import Page, Site
from gateway.web.markup import Html, html
from gateway.web.view import View

STYLES = Page("styles", "styles_page/main.js", ("styles/styles_page.css",))


@get("/styles", include_in_schema=False, sync_to_thread=False, action=Action.STYLES_READ)
def get_styles(site: NamedDependency[Site], view: NamedDependency[View]) -> Response[Any]:
    """Return the page of the design system."""
    title = view.t("page.to_styles")
    return site.document(view, STYLES, title, html("<h1>{title}</h1>\n{content}", title=title, content=_content()))


def _content() -> Html:
    return Html('<div id="styles-app"></div>')
