"""What every page has: language and theme as they are wanted, the policy, and the data of its modules."""

import gzip
import json
import re
from typing import Any

import pytest

from gateway.web.assets import PATH, assets
from gateway.web.markup import Html, data_block, html
from tests.support.access_callers import nobody
from tests.support.rest_app import Served

pytestmark = pytest.mark.asyncio(loop_scope="module")

ACCEPT = {"accept": "text/html"}

BYTES = 60 * 1024
"""What a page and its files may be over the wire, without a menu of a hundred dishes."""
STATION_BYTES = 72 * 1024
"""A station is opened once a day, on the restaurant's own network."""


def data_of(text: str) -> Any:
    found = re.search(r'<script type="application/json" id="page-data">(.*?)</script>', text, re.DOTALL)
    assert found
    return json.loads(found[1])


async def test_the_browsers_language_is_used(shared: Served) -> None:
    page = await shared.client.get("/sign-in", headers={**ACCEPT, "accept-language": "ko-KR,ko;q=0.9"})
    assert '<html lang="ko" dir="ltr"' in page.text
    assert "로그인" in page.text
    assert "accept-language" in page.headers["vary"].lower()


async def test_a_language_that_is_chosen_is_kept(shared: Served) -> None:
    chosen = await nobody(shared).get("/sign-in?lang=es", headers=ACCEPT)
    assert '<html lang="es"' in chosen.text
    assert chosen.cookies["comanda_language"] == "es"
    kept = await nobody(shared).get("/sign-in", headers={**ACCEPT, "cookie": "comanda_language=es"})
    assert '<html lang="es"' in kept.text


async def test_a_theme_that_is_chosen_is_kept(shared: Served) -> None:
    chosen = await nobody(shared).get("/sign-in?theme=dark", headers=ACCEPT)
    assert 'data-theme="dark"' in chosen.text
    assert chosen.cookies["comanda_theme"] == "dark"
    kept = await nobody(shared).get("/sign-in", headers={**ACCEPT, "cookie": "comanda_theme=dark"})
    assert 'data-theme="dark"' in kept.text


@pytest.mark.parametrize("query", ["?lang=xx", "?theme=pink", "?lang=../en"])
async def test_what_is_not_known_is_ignored(shared: Served, query: str) -> None:
    page = await nobody(shared).get(f"/sign-in{query}", headers=ACCEPT)
    assert page.status_code == 200
    assert '<html lang="en" dir="ltr" data-theme="auto"' in page.text
    assert "set-cookie" not in page.headers


async def test_modules_get_what_they_begin_with(shared: Served) -> None:
    data = data_of((await shared.client.get("/", headers=ACCEPT)).text)
    assert data["zone"] == "Europe/Berlin"
    assert (data["currency"], data["exponent"]) == ("EUR", 2)
    assert data["now_ms"] == shared.restaurant.clock.pair.wall() * 1000
    assert "order.place" in data["rights"]
    assert "ui.stale" in data["texts"]
    assert {each["name"] for each in data["data"]["menu"]["departments"]} == {"bar", "kitchen", "bakery"}


async def test_a_page_runs_nothing_but_the_products_modules(shared: Served) -> None:
    page = await shared.client.get("/", headers=ACCEPT)
    policy = page.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "require-trusted-types-for 'script'; trusted-types lit-html comanda" in policy
    assert not re.search(r"\s(style|on\w+)=", page.text)


async def test_an_unknown_address_is_a_page_for_browsers_only(shared: Served) -> None:
    page = await shared.client.get("/nowhere", headers=ACCEPT)
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    problem = await shared.client.get("/nowhere", headers={"accept": "application/json"})
    assert problem.headers["content-type"] == "application/problem+json"


async def test_values_are_escaped_and_html_is_not() -> None:
    assert html("<p>{a}{b}</p>", a="<i>&", b=Html("<b>")) == "<p>&lt;i&gt;&amp;<b></p>"
    assert html("{a}", a=None) == ""


async def test_data_cannot_end_its_element() -> None:
    block = data_block("d", {"note": "</script><script>alert(1)"})
    assert block.count("<") == 2
    assert json.loads(block.removeprefix('<script type="application/json" id="d">').removesuffix("</script>")) == {
        "note": "</script><script>alert(1)"
    }


@pytest.mark.parametrize(
    "path", ["/", "/stations/bar", "/styles", "/sign-in", "/office", "/office/stock", "/office/access"]
)
async def test_a_page_is_small_over_the_wire(shared: Served, path: str) -> None:
    page = await shared.client.get(path, headers=ACCEPT)
    names = set(re.findall(rf'"{PATH}/{assets().version}/([^"#]+)', page.text))
    files = [assets().files[name] for name in names if not name.endswith(".png")]
    size = len(gzip.compress(page.content)) + sum(len(each.compressed or each.content) for each in files)
    assert {"shell.js", "icons.svg", "styles/base.css"} <= names
    assert size < (STATION_BYTES if path.startswith("/stations/") else BYTES)
