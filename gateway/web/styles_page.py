"""`/styles`: the design system, shown to managers, so that the next page looks like the last."""

from typing import Any

from litestar import Response, get
from litestar.di import NamedDependency

from gateway.domain.access import Action
from gateway.web.document import Page, Site
from gateway.web.markup import html
from gateway.web.view import View

STYLES = Page("styles", "styles_page/main.js", ("styles/styles_page.css",), ("styles", "state"))

_CONTENT = """<h1>{title}</h1>
<p class="lead">{hint}</p>
<div id="styles-app"><div class="loading"><div class="skeleton"></div><div class="skeleton"></div></div></div>"""


@get("/styles", include_in_schema=False, sync_to_thread=False, action=Action.STYLES_READ)
def get_styles(site: NamedDependency[Site], view: NamedDependency[View]) -> Response[Any]:
    """Return the page of the design system."""
    title = view.t("page.styles")
    return site.document(view, STYLES, title, html(_CONTENT, title=title, hint=view.t("styles.hint")))
