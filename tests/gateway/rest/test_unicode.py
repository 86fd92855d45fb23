"""One text is one text, composed or not: requests are in NFC when the gateway decodes them."""

import json
import unicodedata

import pytest

from gateway.rest.json_body import read_json
from gateway.rest.json_text import normalised
from gateway.rest.schemas import OrderRequest
from tests.support.orders import new_id
from tests.support.rest_app import Json, Served, problem


def nfd(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text)
    assert decomposed != text
    return decomposed


def escaped(body: Json) -> bytes:
    return json.dumps(body, ensure_ascii=True).encode()


def plain(body: Json) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()


@pytest.mark.parametrize("spell", [plain, escaped])
async def test_a_decomposed_choice_of_the_set_menu_is_that_choice(served: Served, spell: object) -> None:
    assert callable(spell)
    body = {"drink": nfd("커피"), "meal": nfd("고기 요리"), "dessert": nfd("도넛")}
    response = await served.post("/api/restaurants", spell(body))
    assert response.status_code == 201, response.text
    assert response.json()["drink"] == "Delivery!"


@pytest.mark.parametrize("spell", [plain, escaped])
async def test_a_table_has_one_filter_however_it_is_composed(served: Served, spell: object) -> None:
    assert callable(spell)
    line = {"department": "bar", "item": "coffee"}
    for table in ("Café", nfd("Café")):
        await served.post("/orders", spell({"table": table, "lines": [line]}))
    for table in ("Café", nfd("Café")):
        orders = (await served.client.get("/orders", params={"table": table})).json()["orders"]
        assert [order["table"] for order in orders] == ["Café", "Café"]


async def test_a_retry_with_a_decomposed_note_is_the_same_body(served: Served) -> None:
    order_id = new_id()
    responses = [
        await served.client.post(
            "/orders",
            json={"order_id": order_id, "lines": [{"department": "bar", "item": "coffee", "note": note}]},
        )
        for note in ("crème brûlée", nfd("crème brûlée"))
    ]
    assert [response.status_code for response in responses] == [201, 201]
    assert responses[0].content == responses[1].content
    assert responses[0].json()["lines"][0]["note"] == "crème brûlée"


@pytest.mark.parametrize(("field", "most"), [("note", 200), ("item", 64), ("table", 40)])
async def test_lengths_are_counted_in_composed_characters(served: Served, field: str, most: int) -> None:
    async def order(text: str) -> int:
        body: Json = {"lines": [{"department": "bar", "item": "coffee"}]}
        (body if field == "table" else body["lines"][0])[field] = text
        return (await served.post("/orders", plain(body))).status_code

    assert await order(nfd("각" * most)) != 400
    assert await order(nfd("각" * (most + 1))) == 400


async def test_a_filter_is_as_long_as_a_table_may_be(served: Served) -> None:
    fits = await served.client.get("/orders", params={"table": nfd("각" * 40)})
    assert fits.status_code == 200
    problem(await served.client.get("/orders", params={"table": nfd("각" * 41)}), 400)


async def test_departments_and_items_are_looked_up_in_nfc(served: Served) -> None:
    refusal = problem(
        await served.post("/orders", plain({"lines": [{"department": nfd("Café"), "item": "coffee"}]})), 400
    )
    assert refusal["value"] == "Café"
    body = (await served.post("/orders", plain({"lines": [{"department": "bar", "item": nfd("é")}]}))).json()
    assert body["order"]["lines"][0]["item"] == "é"


@pytest.mark.parametrize(
    "text",
    [
        '"\\n\u0303"',  # a new line and a tilde: n and tilde are one character, but this is not an n
        '"\\\\u0041\u0301"',  # a backslash, then plain text
        '"\\"\u0338"',
        '"\u1100\\u1161\u11a8"',  # a syllable, partly escaped
        '"\\ud83c\\udf55 e\\u0301"',
    ],
)
def test_only_what_strings_say_is_composed(text: str) -> None:
    said = json.loads(text)
    assert json.loads(normalised(text.encode())) == unicodedata.normalize("NFC", said)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": "plain"}',
        '{"a": "커피"}'.encode(),
        b'{"a": "\\n\\u00e9"}',
        b'"caf\xe9"',
        b'"\\ud800"',
        b'"\\',
        b'"\\u00',
    ],
)
def test_a_body_that_is_composed_or_no_text_is_left_as_it_is(body: bytes) -> None:
    assert normalised(body) == body


def test_a_body_full_of_quotes_takes_no_longer_than_any_other() -> None:
    """A pattern that tries every quote anew would take minutes for this."""
    for body in (b'"' + b'\\"' * 300_000, b'"\\u00e9' * 100_000, b'"' * 300_001 + b"\\u"):
        normalised(body + b"\\u")


def test_an_ascii_body_is_not_even_copied() -> None:
    body = b'{"lines": [{"department": "bar", "item": "coffee"}]}'
    assert normalised(body) is body
    assert read_json(body, OrderRequest).lines[0].item == "coffee"
