"""HEAD wherever GET is, OPTIONS everywhere, and the responses to unknown methods and paths."""

import pytest

from tests.support.orders import new_id
from tests.support.rest_app import Served, problem

pytestmark = pytest.mark.asyncio(loop_scope="module")

ORDER = "/orders/8e03978e-40d5-43dd-bc93-6894a57f9324"
TICKET = "/tickets/bar/8e03978e-40d5-43dd-bc93-6894a57f9324"
READABLE = [
    "/orders",
    "/tickets",
    "/stock",
    "/menu",
    "/health/live",
    "/health/ready",
    "/schema",
    "/schema/openapi.json",
]
PATHS = {
    "/orders": {"GET", "HEAD", "POST", "OPTIONS"},
    ORDER: {"GET", "HEAD", "DELETE", "OPTIONS"},
    "/api/restaurants": {"POST", "OPTIONS"},
    "/tickets": {"GET", "HEAD", "OPTIONS"},
    "/tickets/moves": {"POST", "OPTIONS"},
    TICKET: {"GET", "HEAD", "OPTIONS"},
    f"{TICKET}/moves": {"POST", "OPTIONS"},
    f"{TICKET}/lines/0": {"PUT", "OPTIONS"},
    "/stock": {"GET", "HEAD", "OPTIONS"},
    "/stock/bar/coffee/changes": {"GET", "HEAD", "POST", "OPTIONS"},
    "/stock/bar/coffee/sale": {"PUT", "OPTIONS"},
    "/menu": {"GET", "HEAD", "OPTIONS"},
    "/health/live": {"GET", "HEAD", "OPTIONS"},
    "/health/ready": {"GET", "HEAD", "OPTIONS"},
    "/schema": {"GET", "HEAD", "OPTIONS"},
    "/schema/openapi.json": {"GET", "HEAD", "OPTIONS"},
    "/assets/favicon-32x32.png": {"GET", "HEAD", "OPTIONS"},
}
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"}


def methods(allow: str) -> set[str]:
    found = allow.split(", ")
    assert len(found) == len(set(found))
    return set(found)


@pytest.mark.parametrize("path", READABLE)
async def test_head_tells_what_get_would(shared: Served, path: str) -> None:
    headers = {"x-request-id": "the-same"}
    got, headed = [await shared.client.request(method, path, headers=headers) for method in ("GET", "HEAD")]
    assert headed.status_code == got.status_code
    assert headed.headers == got.headers
    assert headed.content == b""


async def test_head_tells_of_an_order_and_of_none(shared: Served) -> None:
    placed = await shared.order("bar coffee")
    found = await shared.client.head(placed.headers["location"])
    assert found.status_code == 200
    assert found.headers["content-length"] == str(len(placed.content))
    assert (await shared.client.head(f"/orders/{new_id()}")).status_code == 404
    assert (await shared.client.head("/orders?limit=0")).status_code == 400


@pytest.mark.parametrize("path", PATHS)
async def test_options_lists_every_method_of_a_path_and_nothing_else(shared: Served, path: str) -> None:
    response = await shared.client.options(path)
    assert response.status_code == 204
    assert methods(response.headers["allow"]) == PATHS[path]
    assert response.content == b""


@pytest.mark.parametrize("path", PATHS)
async def test_every_other_method_is_a_405_that_lists_the_allowed_ones(shared: Served, path: str) -> None:
    for method in METHODS - PATHS[path]:
        response = await shared.client.request(method, path)
        if method == "HEAD":
            assert response.status_code == 405
        else:
            detail = problem(response, 405)["detail"]
            assert detail == f"{method} is not allowed here: expected one of {response.headers['allow']}"
        assert methods(response.headers["allow"]) == PATHS[path]


@pytest.mark.parametrize("method", sorted(METHODS))
async def test_nothing_is_anywhere_else_by_any_method(shared: Served, method: str) -> None:
    for path in ("/nowhere", f"{ORDER}/lines", "/schema/a/b"):
        response = await shared.client.request(method, path)
        assert response.status_code == 404
        if method != "HEAD":
            assert problem(response, 404)["title"] == "Not Found"


async def test_heads_are_not_described_beside_their_gets(shared: Served) -> None:
    paths = (await shared.client.get("/schema/openapi.json")).json()["paths"]
    assert {method for operations in paths.values() for method in operations} == {"get", "post", "put", "delete"}
