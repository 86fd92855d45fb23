"""CORS: pages of the configured origins may use the API, and no others."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from gateway.settings import GatewaySettings
from infra.errors import SettingsError
from infra.settings import read_settings
from tests.support.orders import AN_ID
from tests.support.rest_app import Json, Served, problem, serve

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


@pytest.fixture
async def open_to(tmp_path: Path) -> AsyncIterator[Served]:
    async with serve(f"sqlite:///{tmp_path}/gateway.db", cors_origins=[OURS, ALSO_OURS]) as served:
        yield served


def cors_headers(response: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in response.headers.items() if name.startswith("access-control-")}


async def preflight(served: Served, origin: str, path: str = "/orders", **headers: str) -> httpx.Response:
    asked = {"origin": origin, "access-control-request-method": "POST", **headers}
    return await served.guest.options(path, headers=asked)


@pytest.mark.parametrize("origin", [OURS, ALSO_OURS])
@pytest.mark.parametrize("way", ["/orders", "http://gateway//orders"])
async def test_a_page_of_ours_may_order_and_read_what_came_of_it(open_to: Served, origin: str, way: str) -> None:
    response = await open_to.guest.post(way, json=COFFEE, headers={"origin": origin})
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
        response = await open_to.guest.request(method, path, headers={"origin": origin})
        assert response.headers["access-control-allow-origin"] == origin
        assert response.headers["vary"] == "Origin"


async def test_it_may_read_why_it_was_refused(open_to: Served) -> None:
    for response in (
        await open_to.guest.post("/orders", json={}, headers={"origin": OURS}),
        await open_to.guest.get("/nowhere", headers={"origin": OURS}),
        await open_to.guest.put("/orders", headers={"origin": OURS}),
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
        == "content-type, idempotency-key, last-event-id, x-request-id"
    )
    assert int(response.headers["access-control-max-age"]) > 0
    assert "Origin" in response.headers["vary"]
    assert "access-control-allow-credentials" not in response.headers


@pytest.mark.parametrize("origin", STRANGERS)
async def test_no_other_origin_gets_a_cors_header(open_to: Served, origin: str) -> None:
    for response in (
        await open_to.guest.get("/menu", headers={"origin": origin}),
        await open_to.guest.post("/orders", json=COFFEE, headers={"origin": origin}),
        await preflight(open_to, origin),
    ):
        assert cors_headers(response) == {}
        assert "Origin" in response.headers["vary"]


async def test_two_origins_are_none(open_to: Served) -> None:
    response = await open_to.guest.get("/menu", headers=[("origin", OURS), ("origin", ALSO_OURS)])
    assert cors_headers(response) == {}


async def test_a_cache_keeps_what_pages_read_apart_from_what_others_do(open_to: Served) -> None:
    response = await open_to.guest.get("/menu")
    assert response.headers["vary"] == "Origin"
    assert cors_headers(response) == {}


async def test_options_of_ours_that_are_no_preflight_list_the_methods(open_to: Served) -> None:
    response = await open_to.guest.options("/orders", headers={"origin": OURS})
    assert response.status_code == 204
    assert response.headers["allow"] == "GET, HEAD, OPTIONS, POST"


async def test_by_default_no_origin_gets_a_cors_header(served: Served) -> None:
    for response in (
        await served.guest.get("/menu", headers={"origin": OURS}),
        await served.guest.post("/orders", json=COFFEE, headers={"origin": OURS}),
        await preflight(served, OURS),
    ):
        assert cors_headers(response) == {}
        assert "vary" not in response.headers


@pytest.mark.parametrize(
    "origins",
    [
        OURS,
        ALSO_OURS,
        "http://localhost",
        "http://[::1]:3000",
        f" {OURS} , {ALSO_OURS} ",
        "https://xn--caf-dma.example",
    ],
)
def test_origins_are_set_by_name(origins: str) -> None:
    settings = read_settings(GatewaySettings, "gateway", {"COMANDA_CORS_ORIGINS": origins})
    assert settings.cors_origins == [origin.strip() for origin in origins.split(",")]


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "null",
        "orders.example.org",
        f"{OURS}/",
        f"{OURS}/menu",
        "https://*.example.org",
        "HTTPS://A.org",
        "ftp://a",
    ],
)
def test_what_is_no_origin_is_refused(origin: str) -> None:
    with pytest.raises(SettingsError, match="COMANDA_CORS_ORIGINS"):
        read_settings(GatewaySettings, "gateway", {"COMANDA_CORS_ORIGINS": f"{OURS},{origin}"})
