"""The page at `/`, and the icon that browsers request."""

from html.parser import HTMLParser

import pytest

from tests.support.rest_app import Served

pytestmark = pytest.mark.asyncio(loop_scope="module")

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "action")]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


async def test_a_browser_gets_the_menu(shared: Served) -> None:
    response = await shared.client.get("/", headers={"accept": BROWSER})
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    page = _Page()
    page.feed(response.text)
    texts = "".join(page.texts)
    assert "Coffee" in texts
    assert "\u20ac3.50" in texts
    for address in {each for each in page.addresses if not each.startswith(("?", "#"))} - {"/sign-out"}:
        assert (await shared.client.get(address)).status_code == 200, address


@pytest.mark.parametrize(
    "accept", ["application/json", "*/*", "application/*", "application/problem+json, */*;q=0.1", ""]
)
async def test_a_program_gets_the_links_as_json(shared: Served, accept: str) -> None:
    response = await shared.client.get("/", headers={"accept": accept})
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert body["name"] == "Comanda"
    assert set(body["links"]) == {"menu", "orders", "api", "description", "live", "ready"}
    for address in body["links"].values():
        assert (await shared.client.get(address)).status_code == 200, address


async def test_caches_store_page_and_json_separately(shared: Served) -> None:
    assert (await shared.client.get("/")).headers["vary"] == "Accept"


async def test_the_icon_is_the_one_that_ships(shared: Served) -> None:
    icon = await shared.client.get("/favicon.ico")
    assert icon.status_code == 200
    assert icon.headers["content-type"] == "image/png"
    assert icon.content == (await shared.client.get("/assets/favicon-32x32.png")).content


@pytest.mark.parametrize("path", ["/", "/favicon.ico"])
async def test_their_heads_can_be_asked_for(shared: Served, path: str) -> None:
    for accept in ("*/*", BROWSER):
        head = await shared.client.head(path, headers={"accept": accept})
        full = await shared.client.get(path, headers={"accept": accept})
        assert head.status_code == 200
        for name in ("content-type", "content-length"):
            assert head.headers[name] == full.headers[name]
