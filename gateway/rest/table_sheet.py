"""The sheet of tables' QR codes, to print and cut: a card for each table."""

import base64
import hashlib
from collections.abc import Mapping
from html import escape

from litestar import Response

from gateway.access import qr
from gateway.rest.html import PAGE_POLICY, page

STYLE = """
.cards { display: flex; flex-wrap: wrap; gap: 4mm; padding: 0; list-style: none; font-family: sans-serif }
.cards li { box-sizing: border-box; width: 62mm; height: 90mm; padding: 3mm; border: 1px dashed #999;
  text-align: center; background: #fff; color: #000; overflow: hidden; break-inside: avoid }
.cards svg { width: 54mm; height: 54mm }
.cards h2 { margin: 0; font-size: 16pt; overflow-wrap: anywhere }
.cards p { margin: 1mm 0; font-size: 9pt; overflow-wrap: anywhere }
@page { margin: 8mm }
@media print { h1, form, [role=alert], .back { display: none } }
"""

SHEET_POLICY = f"{PAGE_POLICY}; style-src 'sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'"

_FORM = """<style>{style}</style>
{note}<form action="/access/tables/qr">
<p><label>Tables <input name="tables" value="{tables}" maxlength="1000" placeholder="1-12, Terrace 1"></label>
<button>Show</button></p>
<p>Print the page, and cut along the lines. Codes stay valid until all are voided.</p>
</form>
<ul class="cards">
{cards}</ul>
<p class="back"><a href="/">Back</a></p>"""

_CARD = """<li><h2>Table {table}</h2>{svg}<p>Scan to see the menu and order.</p><p>{address}</p></li>
"""

_LOCAL = (
    '<p role="alert">These codes name {address}, which no other device can open: '
    "set <code>COMANDA_GATEWAY_PUBLIC_URL</code>, or open this page by the address that guests use.</p>\n"
)


def table_sheet(codes: Mapping[str, str], tables: str, address: str, *, is_local: bool) -> Response[str]:
    """Return the sheet; `codes` are the tables' codes, `tables` what the form shows; `is_local` warns."""
    cards = "".join(
        _CARD.format(table=escape(table), svg=qr.svg(f"{address}/t/{code}"), address=escape(address))
        for table, code in codes.items()
    )
    note = _LOCAL.format(address=escape(address)) if is_local else ""
    content = _FORM.format(style=STYLE, note=note, tables=escape(tables), cards=cards)
    return page("Tables' codes", content, headers={"Content-Security-Policy": SHEET_POLICY})
