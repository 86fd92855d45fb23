"""`Idempotency-Key`: one key, one order."""

import asyncio
import uuid

import httpx
import pytest

from gateway.rest.idempotency import NAMESPACE
from tests.support.fake_departments import STOCK
from tests.support.orders import new_id
from tests.support.rest_app import Json, Served, problem

COFFEE: Json = {"lines": [{"department": "bar", "item": "coffee"}]}
EXPECTED: Json = {"lines": [{"department": "bar", "item": "coffee", "expected_price": 350}]}
SODA: Json = {"lines": [{"department": "bar", "item": "soda"}]}
SET_MENU: Json = {"drink": "coffee", "meal": "pizza", "dessert": "cookie"}


async def post(served: Served, key: str, body: Json, path: str = "/orders") -> httpx.Response:
    return await served.client.post(path, json=body, headers={"Idempotency-Key": key})


@pytest.mark.parametrize("path", ["/orders", "/orders/"])
@pytest.mark.parametrize(
    "key", ['"8e03978e-40d5-43dd-bc93-6894a57f9324"', '"table 7, round 2"', "round-2", '"a\\"b\\\\"']
)
async def test_one_key_is_one_order(served: Served, key: str, path: str) -> None:
    responses = [await post(served, key, COFFEE, path) for _ in range(3)]
    assert {response.status_code for response in responses} == {201}
    assert len({response.content for response in responses}) == 1
    assert served.restaurant.bar.stock["coffee"] == STOCK["bar"]["coffee"] - 1


async def test_one_key_ten_times_at_once_is_one_order(served: Served) -> None:
    responses = await asyncio.gather(*(post(served, '"once"', COFFEE) for _ in range(10)))
    assert len({response.content for response in responses}) == 1
    assert served.restaurant.bar.stock["coffee"] == STOCK["bar"]["coffee"] - 1


async def test_one_key_is_one_set_menu(served: Served) -> None:
    responses = [await post(served, '"lunch"', SET_MENU, "/api/restaurants") for _ in range(2)]
    assert [response.status_code for response in responses] == [201, 201]
    assert responses[0].content == responses[1].content


async def test_a_key_that_is_a_uuid_is_the_order_id(served: Served) -> None:
    order_id = new_id()
    for key in (f'"{order_id}"', order_id, f'"{order_id.upper()}"'):
        assert (await post(served, key, COFFEE)).json()["order_id"] == order_id
    assert (await served.order("bar coffee", order_id=order_id)).json()["order_id"] == order_id


async def test_any_other_key_has_an_order_id_that_every_gateway_works_out_alike(served: Served) -> None:
    expected = str(uuid.uuid5(NAMESPACE, "round 2"))
    assert (await post(served, '"round 2"', COFFEE)).json()["order_id"] == expected
    assert (await post(served, '"Round 2"', COFFEE)).json()["order_id"] != expected


async def test_a_token_and_the_same_in_quotes_are_one_key(served: Served) -> None:
    assert (await post(served, '"abc"', COFFEE)).content == (await post(served, "abc", COFFEE)).content


@pytest.mark.parametrize(
    ("path", "first", "other"),
    [
        ("/orders", COFFEE, SODA),
        ("/orders", COFFEE, EXPECTED),
        ("/api/restaurants", SET_MENU, SET_MENU | {"drink": "soda"}),
    ],
)
async def test_another_body_with_a_known_key_is_422(served: Served, path: str, first: Json, other: Json) -> None:
    placed = await post(served, '"k"', first, path)
    body = problem(await post(served, '"k"', other, path), 422)
    assert body["title"] == "The idempotency key is taken"
    assert body["order_id"] == placed.json()["order_id"]
    assert "Idempotency-Key" in body["detail"]
    assert served.restaurant.bar.stock == STOCK["bar"] | {"coffee": STOCK["bar"]["coffee"] - 1}


async def test_another_body_with_a_known_order_id_and_no_key_stays_a_conflict(served: Served) -> None:
    order_id = new_id()
    await post(served, order_id, COFFEE)
    problem(await served.client.post("/orders", json={"order_id": order_id, **SODA}), 409)
    problem(await post(served, order_id, {"order_id": order_id, **SODA}), 422)


async def test_a_key_beside_an_order_id_has_to_agree(served: Served) -> None:
    order_id, other = new_id(), new_id()
    body = {"order_id": order_id, **COFFEE}
    for key in (order_id, f'"{order_id}"'):
        assert (await post(served, key, body)).status_code == 201
    for key in (other, '"round 2"'):
        refusal = problem(await post(served, key, body), 400)
        assert refusal["field"] == "Idempotency-Key"
        assert refusal["value"] == key.strip('"')
        assert "order_id" in refusal["detail"]
        assert order_id in refusal["detail"]
    agreed = str(uuid.uuid5(NAMESPACE, "round 2"))
    assert (await post(served, '"round 2"', {"order_id": agreed, **COFFEE})).status_code == 201


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("path", ["/orders", "//orders", "/api/restaurants"])
@pytest.mark.parametrize(
    "key",
    [
        "",
        '""',
        '"',
        '"a',
        'a"b"',
        "a b",
        "a, b",
        '"a", "b"',
        '"a";x=1',
        "(a)",
        '"a\\x"',
        "caf\u00e9",
        '"caf\u00e9"',
        '"a\tb"',
        "x" * 256,
        f'"{"x" * 256}"',
    ],
)
async def test_a_key_that_is_none_is_refused_by_the_headers_name(shared: Served, key: str, path: str) -> None:
    body = SET_MENU if "api" in path else COFFEE
    headers = {"Idempotency-Key": key.encode("latin-1")}
    refusal = problem(await shared.client.post(f"http://gateway{path}", json=body, headers=headers), 400)  # type: ignore[arg-type]
    assert refusal["field"] == "Idempotency-Key"
    assert refusal["allowed"].startswith("expected ")
    assert len(refusal["detail"]) < 300
    assert shared.restaurant.bar.calls == []


async def test_the_longest_key_is_a_key(served: Served) -> None:
    assert (await post(served, f'"{"x" * 255}"', COFFEE)).status_code == 201


async def test_two_keys_are_none(served: Served) -> None:
    headers = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    refusal = problem(await served.client.post("/orders", json=COFFEE, headers=headers), 400)
    assert refusal["field"] == "Idempotency-Key"


@pytest.mark.parametrize("path", ["/orders", "/api/restaurants"])
async def test_the_key_is_described(served: Served, path: str) -> None:
    operation = (await served.client.get("/schema/openapi.json")).json()["paths"][path]["post"]
    (key,) = [parameter for parameter in operation["parameters"] if parameter.get("name") == "Idempotency-Key"]
    assert (key["in"], key["name"], key["required"]) == ("header", "Idempotency-Key", False)
    assert key["description"]
    assert "422" in operation["responses"]
