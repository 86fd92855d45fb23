"""The manifest and the worker."""

import pytest

from gateway.web.assets import assets
from tests.support.rest_app import Served

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize(
    ("query", "start"), [("", "/"), ("?station=bar", "/stations/bar"), ("?station=//evil.example", "/")]
)
async def test_an_app_opens_what_it_was_installed_from(shared: Served, query: str, start: str) -> None:
    response = await shared.client.get(f"/app.webmanifest{query}", headers={"accept-language": "ko"})
    assert response.headers["content-type"] == "application/manifest+json"
    manifest = response.json()
    assert (manifest["start_url"], manifest["lang"]) == (start, "ko")
    for icon in manifest["icons"]:
        assert (await shared.client.get(icon["src"])).headers["content-type"] == "image/png"


async def test_the_worker_covers_the_site_and_reaches_nothing_else(shared: Served) -> None:
    response = await shared.client.get("/service-worker.js")
    assert response.content == assets().files["service_worker.js"].content
    assert response.headers["content-type"].startswith("text/javascript")
    assert response.headers["cache-control"] == "no-cache"
    assert response.headers["content-security-policy"] == "default-src 'none'; connect-src 'self'"
