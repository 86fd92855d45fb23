"""CORS: pages of the configured origins may use the API, and no others."""

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from tests.support.orders import AN_ID
from tests.support.rest_app import Json, Served, problem, serve

pytestmark = pytest.mark.asyncio(loop_scope="module")

OURS = "https://orders.example.org"
ALSO_OURS = "http://127.0.0.1:5173"
COFFEE: Json = {"lines": [{"department": "bar", "item": "coffee"}]}
STRANGERS = [
    "https://evil.example",
    "null",
    "*",
    "https://orders.example.org.evil.example",
    "https://orders.example.org:444",
    "http://orders.example.org",
    "https://ORDERS.example.org",
    "https://orders.example.org/",
    "https://orders.example.org, https://evil.example",
    "",
]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def open_to(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    async with serve(
        f"sqlite:///{tmp_path_factory.mktemp('gateway')}/gateway.db", cors_origins=[OURS, ALSO_OURS]
    ) as served:
        yield served


def cors_headers(response: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in response.headers.items() if name.startswith("access-control-")}


async def preflight(served: Served, origin: str, path: str = "/orders", **headers: str) -> httpx.Response:
    asked = {"origin": origin, "access-control-request-method": "POST", **headers}
    return await served.client.options(path, headers=asked)


@pytest.mark.parametrize("origin", [OURS, ALSO_OURS])
@pytest.mark.parametrize("way", ["/orders", "http://gateway//orders"])
async def test_a_page_of_ours_may_order_and_read_what_came_of_it(open_to: Served, origin: str, way: str) -> None:
    response = await open_to.client.post(way, json=COFFEE, headers={"origin": origin})
    assert response.status_code == 201
    assert response.headers["access-control-allow-origin"] == origin
    assert {"Location", "X-Request-Id"} <= set(response.headers["access-control-expose-headers"].split(", "))
    assert response.headers["vary"] == "Origin"
    assert "access-control-allow-credentials" not in response.headers


@pytest.mark.parametrize("origin", [OURS, ALSO_OURS])
@pytest.mark.parametrize(
    "path", ["/orders?limit=5", "/menu", "/health/ready", "/schema/openapi.json", f"/orders/{AN_ID}"]
)
async def test_it_may_read_everything_else(open_to: Served, origin: str, path: str) -> None:
    for method in ("GET", "HEAD"):
        response = await open_to.client.request(method, path, headers={"origin": origin})
        assert response.headers["access-control-allow-origin"] == origin
        assert response.headers["vary"] == "Origin"


async def test_it_may_read_why_it_was_refused(open_to: Served) -> None:
    for response in (
        await open_to.client.post("/orders", json={}, headers={"origin": OURS}),
        await open_to.client.get("/nowhere", headers={"origin": OURS}),
        await open_to.client.put("/orders", headers={"origin": OURS}),
    ):
        assert response.headers["access-control-allow-origin"] == OURS
        problem(response, response.status_code)


@pytest.mark.parametrize("path", ["/orders", f"/orders/{AN_ID}", "/orders?limit=5", "/api/restaurants"])
async def test_a_preflight_request_gets_the_allowed_methods_and_headers(open_to: Served, path: str) -> None:
    response = await preflight(
        open_to, OURS, path, **{"access-control-request-headers": "content-type,idempotency-key"}
    )
    assert response.status_code == 204
    assert response.content == b""
    assert response.headers["access-control-allow-origin"] == OURS
    assert {"GET", "HEAD", "POST", "DELETE"} <= set(response.headers["access-control-allow-methods"].split(", "))
    assert (
        response.headers["access-control-allow-headers"].lower()
        == "authorization, content-type, idempotency-key, last-event-id, x-request-id"
    )
    assert int(response.headers["access-control-max-age"]) > 0
    assert "Origin" in response.headers["vary"]
    assert "access-control-allow-credentials" not in response.headers


@pytest.mark.parametrize("origin", STRANGERS)
async def test_no_other_origin_gets_a_cors_header(open_to: Served, origin: str) -> None:
    for response in (
        await open_to.client.get("/menu", headers={"origin": origin}),
        await open_to.client.post("/orders", json=COFFEE, headers={"origin": origin}),
        await preflight(open_to, origin),
    ):
        assert cors_headers(response) == {}
        assert "Origin" in response.headers["vary"]


async def test_two_origins_are_none(open_to: Served) -> None:
    response = await open_to.client.get("/menu", headers=[("origin", OURS), ("origin", ALSO_OURS)])
    assert cors_headers(response) == {}


async def test_a_cache_keeps_what_pages_read_apart_from_what_others_do(open_to: Served) -> None:
    response = await open_to.client.get("/menu")
    assert response.headers["vary"] == "Origin"
    assert cors_headers(response) == {}


async def test_options_of_ours_that_are_no_preflight_list_the_methods(open_to: Served) -> None:
    response = await open_to.client.options("/orders", headers={"origin": OURS})
    assert response.status_code == 204
    assert response.headers["allow"] == "GET, HEAD, OPTIONS, POST"


async def test_by_default_no_origin_gets_a_cors_header(shared: Served) -> None:
    for response in (
        await shared.client.get("/menu", headers={"origin": OURS}),
        await shared.client.post("/orders", json=COFFEE, headers={"origin": OURS}),
        await preflight(shared, OURS),
    ):
        assert cors_headers(response) == {}
        assert "vary" not in response.headers
