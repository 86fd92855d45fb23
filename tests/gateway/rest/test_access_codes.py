"""QR codes of tables and of pairing, as managers get them."""

import re
from pathlib import Path

import httpx
import pytest

from gateway.domain.access import Role
from tests.support.access_callers import browser, key_of, nobody
from tests.support.qr import read_svg
from tests.support.rest_app import Served, problem, serve

SHEET = "/access/tables/qr"
_cards = re.compile(r"<li[^>]*><h2>(.*?)</h2>(<svg.*?</svg>)", re.DOTALL).findall


async def test_a_card_for_each_table_holds_the_address_that_opens_it(served: Served) -> None:
    page = await served.client.get(SHEET, params={"tables": "7-8, Terrace 1"})
    assert page.status_code == 200
    cards = {table: read_svg(drawn) for table, drawn in _cards(page.text)}
    assert list(cards) == ["Table 7", "Table 8", "Table Terrace 1"]
    assert all(address.startswith("http://gateway.test/t/") for address in cards.values())
    guest = browser(served)
    opened = await guest.get(cards["Table Terrace 1"])
    assert opened.status_code == 303
    assert "http://gateway.test" in page.text


async def test_the_sheet_asks_for_tables_where_none_is_named(served: Served) -> None:
    page = await served.client.get(SHEET)
    assert _cards(page.text) == []
    assert 'name="tables"' in page.text


async def test_the_sheet_is_kept_nowhere(served: Served) -> None:
    page = await served.client.get(SHEET, params={"tables": "1"})
    assert page.headers["cache-control"] == "no-store"
    assert "style=" not in page.text


@pytest.mark.parametrize("tables", ['"><script>alert(1)</script>', "<img src=x>"])
async def test_a_name_of_a_table_is_text(served: Served, tables: str) -> None:
    page = await served.client.get(SHEET, params={"tables": tables})
    assert page.status_code == 200
    assert "<script>" not in page.text
    assert "<img" not in page.text


async def test_tables_that_make_no_sense_are_refused(served: Served) -> None:
    assert problem(await served.client.get(SHEET, params={"tables": "3-1"}), 400)["field"] == "tables"
    problem(await served.client.get(SHEET, params={"tables": "1-9999"}), 400)
    problem(await nobody(served).get(SHEET), 401)


async def test_codes_have_the_address_of_the_setting(tmp_path: Path) -> None:
    async with serve(f"sqlite:///{tmp_path}/g.db", public_url="https://orders.example.org") as served:
        code = (await served.client.get("/access/table-codes?table=7")).json()
        assert code["address"] == f"https://orders.example.org{code['path']}"
        assert read_svg(code["svg"]) == code["address"]
        page = await served.client.get(SHEET, params={"tables": "7"})
        assert [read_svg(drawn) for _, drawn in _cards(page.text)] == [code["address"]]


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "[::1]:8000"])
async def test_an_address_that_only_this_machine_can_open_is_pointed_out(served: Served, host: str) -> None:
    local = await served.client.get(SHEET, params={"tables": "7"}, headers={"host": host})
    assert "COMANDA_GATEWAY_PUBLIC_URL" in local.text
    public = await served.client.get(SHEET, params={"tables": "7"})
    assert "COMANDA_GATEWAY_PUBLIC_URL" not in public.text


async def test_a_pairing_code_is_a_picture_too_and_pairs(served: Served) -> None:
    key_id, _ = await key_of(served, Role.STATION, ["bar"])
    code = (await served.client.post(f"/access/keys/{key_id}/pairing-codes")).json()
    scanned = httpx.URL(read_svg(code["svg"]))
    assert str(scanned) == code["address"]
    tablet = browser(served)
    assert (await tablet.post(scanned)).status_code == 303
    assert (await tablet.get("/me")).json()["departments"] == ["bar"]


async def test_the_audit_log_is_read_page_by_page(served: Served) -> None:
    for number in range(5):
        await key_of(served, Role.WAITER, name=f"tablet {number}")
    whole = (await served.client.get("/access/audit?limit=1000")).json()
    assert whole["next"] is None
    lines, cursor = [], ""
    while cursor is not None:
        page = (await served.client.get(f"/access/audit?limit=2{cursor and f'&cursor={cursor}'}")).json()
        assert len(page["lines"]) <= 2
        lines += page["lines"]
        cursor = page["next"]
    assert lines == whole["lines"]
    assert [line["subject"].partition(" (")[0] for line in lines[:2]] == ["tablet 4", "tablet 3"]
    assert problem(await served.client.get("/access/audit?cursor=x"), 400)["field"] == "cursor"
