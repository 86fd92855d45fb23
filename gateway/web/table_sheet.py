"""`/access/tables/qr`: the sheet of tables' QR codes, to print and cut: a card for each table."""

from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from gateway.access import qr
from gateway.access.administration import Administration
from gateway.access.table_names import table_names
from gateway.domain.access import Action
from gateway.rest.addresses import is_for_this_machine, own_address
from gateway.rest.requester import Requester
from gateway.rest.texts import refuse_nul
from gateway.web.document import Page, Site
from gateway.web.markup import Html, html, joined
from gateway.web.view import View

SHEET = Page("sheet", styles=("styles/sheet.css",))

_CONTENT = """<h1 class="screen-only">{title}</h1>
{note}<form action="/access/tables/qr" class="sheet-form screen-only">
<label class="field"><span>{label}</span>
<input name="tables" value="{tables}" maxlength="1000" placeholder="1-12, Terrace 1"></label>
<button class="button primary">{show}</button>
<p class="hint">{hint}</p>
</form>
<ul class="sheet-cards">
{cards}</ul>"""

_CARD = """<li class="sheet-card"><h2>{table}</h2>{svg}<p>{scan}</p><p class="sheet-address">{address}</p></li>
"""


@get("/access/tables/qr", include_in_schema=False, action=Action.ACCESS_MANAGE)
async def get_table_sheet(
    request: Request[Any, Any, Any],
    requester: NamedDependency[Requester],
    administration: NamedDependency[Administration],
    public_url: NamedDependency[str],
    site: NamedDependency[Site],
    view: NamedDependency[View],
    tables: Annotated[str, QueryParameter(max_length=1000, description="Such as `1-12, Terrace 1`.")] = "",
) -> Response[Any]:
    """Return the page with a card for each of some tables, to print and cut."""
    refuse_nul(tables=tables)
    t = view.t
    address = own_address(public_url, request.headers["host"], requester)
    codes = await administration.table_codes(table_names(tables))
    warning = t("sheet.local", address=address) if is_for_this_machine(address) else None
    content = html(
        _CONTENT,
        title=t("sheet.title"),
        note=warning and html('<p class="alert screen-only" role="alert">{text}</p>\n', text=warning),
        label=t("sheet.tables"),
        tables=tables,
        show=t("sheet.show"),
        hint=t("sheet.hint"),
        cards=joined(_card(view, table, f"{address}/t/{code}", address) for table, code in codes.items()),
    )
    return site.document(view, SHEET, t("sheet.title"), content)


def _card(view: View, table: str, target: str, address: str) -> Html:
    return html(
        _CARD,
        table=view.t("sheet.table", table=table),
        svg=Html(qr.svg(target)),
        scan=view.t("sheet.scan"),
        address=address,
    )
