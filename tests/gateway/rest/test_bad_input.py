"""Every bad request gets a problem that names the field, the value and what is allowed, and never a 500."""

from collections.abc import AsyncIterator
from http import HTTPStatus

import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.orders import AN_ID
from tests.support.ready_apps import MAX_BODY
from tests.support.rest_app import Json, Served, problem, serve
from tests.support.samples import examples

pytestmark = pytest.mark.asyncio(loop_scope="module")

LINE = '{"department": "bar", "item": "coffee"}'
ORDER_FIELDS = "expected an object with order_id, table, policy, lines"
LINE_FIELDS = "expected an object with department, item, quantity, note, expected_price, allergy"
PRICE = "expected a whole number of 0 to 1000000000 or null"
DRINKS = "expected one of coffee, soda, beer, wine, 커피, 소다, 맥주, 와인"
DEEP = 10_000
LITESTARS_WAY = "http://gateway//orders"
"""The same resource, spelt so that the fast path leaves it to Litestar."""

NOTHING = object()

LISTED_BY = "expected one of cursor, department, from, limit, number, progress, status, table, to"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def served(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    """One system for all the nonsense: none of it leaves a trace."""
    async with serve(f"sqlite:///{tmp_path_factory.mktemp('gateway')}/gateway.db") as served:
        served.restaurant.bar.stock["coffee"] = 1_000_000
        yield served


def line(**fields: str) -> str:
    """An order of one line, with some fields as JSON."""
    members = {"department": '"bar"', "item": '"coffee"'} | fields
    return f'{{"lines": [{_spell(members)}]}}'


def quantity(text: str) -> str:
    return line(quantity=text)


def order(**fields: str) -> str:
    members = {"lines": f"[{LINE}]"} | fields
    return _spell(members)


def _spell(members: dict[str, str]) -> str:
    return "{" + ", ".join(f'"{name}": {value}' for name, value in members.items()) + "}"


@pytest.mark.parametrize(
    ("body", "field", "value", "allowed"),
    [
        # A field is missing, unknown, or of the wrong type.
        ("{}", "lines", NOTHING, "expected a list of at least 1"),
        ('{"table": "7"}', "lines", NOTHING, "expected a list of at least 1"),
        ('{"lines": [{"item": "coffee"}]}', "lines[0].department", NOTHING, "expected text of 1 to 40 characters"),
        (order(lines=f'[{LINE}, {{"department": "bar"}}]'), "lines[1].item", NOTHING, "expected text of 1 to 64 ch"),
        (order(tip="5"), "tip", 5, ORDER_FIELDS),
        (order(tip="[1]"), "tip", "[...]", ORDER_FIELDS),
        (line(size='"large"'), "lines[0].size", "large", LINE_FIELDS),
        ("[]", "body", "[...]", ORDER_FIELDS),
        ("null", "body", None, ORDER_FIELDS),
        ("5", "body", 5, ORDER_FIELDS),
        ('"order"', "body", "order", ORDER_FIELDS),
        (order(lines="{}"), "lines", "{...}", "expected a list of at least 1"),
        (order(lines="null"), "lines", None, "expected a list of at least 1"),
        (order(lines='["coffee"]'), "lines[0]", "coffee", LINE_FIELDS),
        (order(lines=f"[{LINE}, null]"), "lines[1]", None, LINE_FIELDS),
        # An order is empty, or too long.
        (order(lines="[]"), "lines", "[...]", "expected a list of at least 1"),
        (order(lines=f"[{', '.join([LINE] * 51)}]"), "lines", 51, "expected 1 to 50 lines"),
        # Who makes it, what it is.
        (line(department='"pub"'), "lines[0].department", "pub", "expected one of bakery, bar, kitchen"),
        (line(department='""'), "lines[0].department", "", "expected text of 1 to 40 characters"),
        (line(department="null"), "lines[0].department", None, "expected text of 1 to 40 characters"),
        (line(department='"Bar"'), "lines[0].department", "Bar", "expected one of bakery, bar, kitchen"),
        (line(item='""'), "lines[0].item", "", "expected text of 1 to 64 characters"),
        (line(item="7"), "lines[0].item", 7, "expected text of 1 to 64 characters"),
        (line(item=f'"{"x" * 65}"'), "lines[0].item", "x" * 57 + "...", "expected text of 1 to 64 characters"),
        # How much of it.
        (quantity("0"), "lines[0].quantity", 0, "expected a whole number of at least 1"),
        (quantity("-1"), "lines[0].quantity", -1, "expected a whole number of at least 1"),
        (quantity("1001"), "lines[0].quantity", 1001, "expected 1 to 1000"),
        (quantity("1" + "0" * 30), "lines[0].quantity", 10**30, "expected 1 to 1000"),
        (quantity("9" * 200), "lines[0].quantity", "9" * 57 + "...", "expected 1 to 1000"),
        (quantity("9" * 5000), "lines[0].quantity", NOTHING, "expected a whole number of at least 1"),
        (quantity("1e400"), "lines[0].quantity", NOTHING, "expected a whole number of at least 1"),
        (quantity("1.5"), "lines[0].quantity", 1.5, "expected a whole number of at least 1"),
        (quantity("2.5"), "lines[0].quantity", 2.5, "expected a whole number of at least 1"),
        (quantity("2.0000000000000000001"), "lines[0].quantity", 2.0, "expected a whole number of at least 1"),
        (quantity("0.0"), "lines[0].quantity", 0.0, "expected a whole number of at least 1"),
        (quantity("2e3"), "lines[0].quantity", 2000, "expected 1 to 1000"),
        (line(quantity="2.0", note="5"), "lines[0].note", 5, "expected text"),
        (line(quantity="2.0", note="5.0"), "lines[0].note", 5.0, "expected text"),
        (quantity('"2"'), "lines[0].quantity", "2", "expected a whole number of at least 1"),
        (quantity("null"), "lines[0].quantity", None, "expected a whole number of at least 1"),
        (quantity("true"), "lines[0].quantity", True, "expected a whole number of at least 1"),
        # What it is expected to cost.
        (line(expected_price="-1"), "lines[0].expected_price", -1, PRICE),
        (line(expected_price="1000000001"), "lines[0].expected_price", 1_000_000_001, PRICE),
        (line(expected_price="1" + "0" * 30), "lines[0].expected_price", 10**30, PRICE),
        (line(expected_price="3.5"), "lines[0].expected_price", 3.5, PRICE),
        (line(expected_price='"350"'), "lines[0].expected_price", "350", PRICE),
        (line(expected_price="true"), "lines[0].expected_price", True, PRICE),
        (line(allergy="1"), "lines[0].allergy", 1, "expected true or false"),
        (line(allergy='"yes"'), "lines[0].allergy", "yes", "expected true or false"),
        (line(allergy="null"), "lines[0].allergy", None, "expected true or false"),
        # In which words.
        (line(note=f'"{"x" * 201}"'), "lines[0].note", "x" * 57 + "...", "expected at most 200 characters"),
        (line(note=f'"{"é" * 30_000}"'), "lines[0].note", "é" * 57 + "...", "expected at most 200 characters"),
        (line(note="5"), "lines[0].note", 5, "expected text"),
        (line(note="null"), "lines[0].note", None, "expected text"),
        # For whom, and how.
        (order(table='""'), "table", "", "expected text of 1 to 40 characters or null"),
        (order(table="7"), "table", 7, "expected text of 1 to 40 characters or null"),
        (order(table=f'"{"x" * 41}"'), "table", "x" * 41, "expected text of 1 to 40 characters or null"),
        (order(policy='"maybe"'), "policy", "maybe", "expected one of best_effort, all_or_nothing"),
        (order(policy="null"), "policy", None, "expected one of best_effort, all_or_nothing"),
        (order(order_id='"7"'), "order_id", "7", "expected a UUID or null"),
        (order(order_id="7"), "order_id", 7, "expected a UUID or null"),
        (order(order_id='"null"'), "order_id", "null", "expected a UUID or null"),
        (order(order_id='""'), "order_id", "", "expected a UUID or null"),
        # A character that no database keeps.
        (order(table='"a\\u0000b"'), "table", "a\0b", "expected text without NUL characters"),
        (line(item='"a\\u0000b"'), "lines[0].item", "a\0b", "expected text without NUL characters"),
        (line(note='"\\u0000"'), "lines[0].note", "\0", "expected text without NUL characters"),
    ],
)
async def test_a_field_that_is_not_allowed_is_named_with_its_value_and_what_is(
    served: Served, body: str, field: str, value: object, allowed: str
) -> None:
    asked = len(served.restaurant.bar.calls)
    refusal = problem(await served.post("/orders", body), 400)
    assert problem(await served.post(LITESTARS_WAY, body), 400) == refusal
    assert refusal["field"] == field
    assert refusal.get("value", NOTHING) == value
    assert type(refusal.get("value", NOTHING)) is type(value)
    assert refusal["allowed"].startswith(allowed)
    assert refusal["detail"].startswith(field)
    assert refusal["detail"].endswith(refusal["allowed"])
    assert len(served.restaurant.bar.calls) == asked


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "it is empty"),
        (b"   ", "Input data was truncated"),
        (b"coffee, please", "JSON is malformed: invalid character (byte 0)"),
        (b'{"lines": [', "Input data was truncated"),
        (order().encode() + b" and a tea", "JSON is malformed: trailing characters (byte 54)"),
        (quantity("NaN").encode(), "JSON is malformed: invalid character"),
        (quantity("Infinity").encode(), "JSON is malformed: invalid character"),
        (quantity("01").encode(), "JSON is malformed"),
        (b"{'lines': []}", "JSON is malformed"),
        (line(note='"a\nb"').encode(), "JSON is malformed: invalid character"),
        (line(note='"a\0b"').encode(), "JSON is malformed: invalid character"),
        (
            b"\xef\xbb\xbf" + order().encode(),
            "it begins with a byte order mark of UTF-8: expected JSON in UTF-8, without",
        ),
        (order().encode("utf-16"), "it begins with a byte order mark of UTF-16 or UTF-32"),
        (order().encode("utf-32"), "it begins with a byte order mark of UTF-16 or UTF-32"),
        (b"\xfe\xff" + order().encode("utf-16-be"), "it begins with a byte order mark of UTF-16"),
        (b"\0\0\xfe\xff" + order().encode("utf-32-be"), "it begins with a byte order mark of UTF-32"),
        (line(note='"caf\xe9"').encode("latin-1"), "'utf-8' codec can't decode byte 0xe9"),
        (b"\xff", "JSON is malformed: invalid character (byte 0)"),
        (line(note='"\\ud800"').encode(), "it has a lone surrogate, \\ud800 (byte 60): expected JSON in UTF-8, whose"),
        (line(note='"\\ud800 and more"').encode(), "it has a lone surrogate, \\ud800 (byte 60)"),
        (line(item='"\\udc00\\ud800"').encode(), "it has a lone surrogate, \\udc00 (byte"),
        (line(item='"\\\\\\uD83C\\uDF55\\\\ud800\\uDBFF"').encode(), "it has a lone surrogate, \\uDBFF (byte"),
        (order(table='"\\ud83c"').encode(), "it has a lone surrogate, \\ud83c (byte"),
        (b'{"table": "\\ud83c\\udf55', "Input data was truncated"),
        (line(note='"e\u0301\u0301"').encode() + b" and a tea", "JSON is malformed: trailing characters (byte 71)"),
    ],
)
async def test_a_body_that_is_not_json_is_a_problem_that_says_why(served: Served, body: bytes, reason: str) -> None:
    refusal = problem(await served.post("/orders", body), 400)
    assert problem(await served.post(LITESTARS_WAY, body), 400) == refusal
    assert refusal["field"] == "body"
    assert "value" not in refusal
    assert refusal["allowed"].startswith("expected JSON in UTF-8")
    assert refusal["detail"].startswith(f"body: {reason}")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ("[" * 30_000 + "]" * 30_000, "body"),
        ('{"a":' * DEEP + "1" + "}" * DEEP, "a"),
        ('{"lines":' + "[" * 30_000 + "]" * 30_000 + "}", "lines[0]"),
        (line(note="[" * 30_000 + "]" * 30_000), "lines[0].note"),
        ("[" * 60_000, "body"),
    ],
)
async def test_json_of_any_depth_is_refused(served: Served, body: str, field: str) -> None:
    assert problem(await served.post("/orders", body), 400)["field"] == field


async def test_json_of_fifty_thousand_levels_is_refused(served: Served) -> None:
    problem(await served.post("/orders", "[" * 50_000 + "]" * 50_000), 413)
    assert problem(await served.post("/orders", "[" * 50_000), 400)["field"] == "body"


async def test_of_a_key_that_is_given_twice_the_last_counts(served: Served) -> None:
    response = await served.post("/orders", '{"lines": [{"department": "bar", "item": "beer", "item": "coffee"}]}')
    assert response.status_code == 201
    assert response.json()["lines"][0]["item"] == "coffee"


@pytest.mark.parametrize(
    ("fields", "field", "value", "allowed"),
    [
        ({}, "drink", NOTHING, DRINKS),
        ({"drink": "coffee", "meal": "pizza"}, "dessert", NOTHING, "expected one of cookie, donut, brownie, gelato"),
        ({"drink": "tea", "meal": "pizza", "dessert": "cookie"}, "drink", "tea", DRINKS),
        ({"drink": "Coffee", "meal": "pizza", "dessert": "cookie"}, "drink", "Coffee", DRINKS),
        ({"drink": "coffee", "meal": "고기", "dessert": "cookie"}, "meal", "고기", "expected one of pasta, pizza"),
        ({"drink": "coffee", "meal": "coffee", "dessert": "cookie"}, "meal", "coffee", "expected one of pasta, pizza"),
        ({"drink": None, "meal": "pizza", "dessert": "cookie"}, "drink", None, DRINKS),
        ({"drink": 1, "meal": "pizza", "dessert": "cookie"}, "drink", 1, DRINKS),
        ({"drink": ["coffee"], "meal": "pizza", "dessert": "cookie"}, "drink", "[...]", DRINKS),
        (
            {"drink": "coffee", "meal": "pizza", "dessert": "cookie", "table": "7"},
            "table",
            "7",
            "expected an object with order_id, drink, meal, dessert",
        ),
        (
            {"drink": "coffee", "meal": "pizza", "dessert": "cookie", "order_id": "x"},
            "order_id",
            "x",
            "expected a UUID or null",
        ),
    ],
)
async def test_a_choice_that_is_not_on_the_printed_menu_is_named_with_those_that_are(
    served: Served, fields: Json, field: str, value: object, allowed: str
) -> None:
    refusal = problem(await served.client.post("/api/restaurants", json=fields), 400)
    assert refusal["field"] == field
    assert refusal.get("value", NOTHING) == value
    assert refusal["allowed"].startswith(allowed)
    assert refusal["detail"].endswith(refusal["allowed"])


@pytest.mark.parametrize(
    ("query", "field", "value", "allowed"),
    [
        ("limit=0", "limit", "0", "expected a whole number of 1 to 200"),
        ("limit=201", "limit", "201", "expected a whole number of 1 to 200"),
        ("limit=abc", "limit", "abc", "expected a whole number of 1 to 200"),
        ("limit=", "limit", "", "expected a whole number of 1 to 200"),
        ("limit=1.5", "limit", "1.5", "expected a whole number of 1 to 200"),
        ("limit=99999999999999999999999", "limit", "9" * 23, "expected a whole number of 1 to 200"),
        ("cursor=abc", "cursor", "abc", "expected `next` of the page before"),
        ("cursor=-1", "cursor", "-1", "expected `next` of the page before"),
        ("cursor=", "cursor", "", "expected `next` of the page before"),
        ("cursor=9999999999999999999", "cursor", "9" * 19, "expected `next` of the page before"),
        ("cursor=%EF%BC%91", "cursor", "\uff11", "expected `next` of the page before"),
        ("status=late", "status", "late", "expected one of pending, accepted, partly_accepted, refused, cancelled"),
        ("status=", "status", "", "expected one of pending, accepted, partly_accepted, refused, cancelled"),
        ("status=null", "status", "null", "expected one of pending, accepted, partly_accepted, refused, cancelled"),
        (f"table={'x' * 41}", "table", "x" * 41, "expected text of 1 to 40 characters"),
        ("table=", "table", "", "expected text of 1 to 40 characters"),
        (
            "tables=7",
            "tables",
            "7",
            LISTED_BY,
        ),
        (
            "limit=5&Table=7",
            "Table",
            "7",
            LISTED_BY,
        ),
        ("=7", "", "7", LISTED_BY),
        ("table=7&table=8", "table", "8", "expected table once"),
        ("table=%00", "table", "\0", "expected text without NUL characters"),
    ],
)
async def test_a_query_that_is_not_allowed_is_named_with_its_value_and_what_is(
    served: Served, query: str, field: str, value: str, allowed: str
) -> None:
    refusal = problem(await served.client.get(f"/orders?{query}"), 400)
    assert refusal["field"] == field
    assert refusal["value"] == value
    assert refusal["allowed"].startswith(allowed)
    assert refusal["detail"].endswith(refusal["allowed"])


# The envelope: size, type, method, path.


async def test_a_body_of_the_largest_size_is_read_and_one_byte_more_is_not(served: Served) -> None:
    body = order()
    fits = body + " " * (MAX_BODY - len(body))
    assert (await served.post("/orders", fits)).status_code == 201
    response = await served.post("/orders", fits + " ")
    assert problem(response, 413)["detail"] == "the body is too large: expected at most 65536 bytes"


async def test_a_body_in_pieces_is_too_large_all_the_same(served: Served) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 5000

    for path in ("/orders", "/api/restaurants"):
        headers = {"content-type": "application/json"}
        response = await served.client.post(path, content=pieces(), headers=headers)
        assert problem(response, 413)["title"] == HTTPStatus(413).phrase  # which Python 3.13 calls otherwise


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/msgpack",
        "application/jsonx",
        "application/json-patch+json",
        "x" * 300,
        "",
    ],
)
async def test_a_body_that_is_not_said_to_be_json_is_not_read(served: Served, kind: str) -> None:
    for path in ("/orders", "/api/restaurants"):
        response = await served.client.post(path, content=order(), headers={"content-type": kind})
        refusal = problem(response, 415)
        assert refusal["title"] == "Unsupported Media Type"
        assert refusal["detail"] == f"content-type: {kind[:80]!r} is not allowed: expected application/json"


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON", "application/json;x=y"])
async def test_a_body_may_be_said_to_be_json_in_many_ways(served: Served, kind: str) -> None:
    for path in ("/orders", LITESTARS_WAY):
        response = await served.client.post(path, content=order(), headers={"content-type": kind})
        assert response.status_code == 201


@pytest.mark.parametrize("path", ["/orders", LITESTARS_WAY, "/api/restaurants"])
async def test_a_body_of_which_nothing_is_said_is_not_read(served: Served, path: str) -> None:
    refusal = problem(await served.client.post(path, content=order()), 415)
    assert refusal["detail"] == "content-type: it is missing: expected application/json"


@pytest.mark.parametrize("path", ["/orders", LITESTARS_WAY, "/api/restaurants"])
async def test_an_empty_body_is_a_problem_that_says_so(served: Served, path: str) -> None:
    assert problem(await served.client.post(path), 400)["detail"].startswith("body: it is empty")


@pytest.mark.parametrize("coding", ["gzip", "br", "identity, gzip", "GZIP", "x", "gzip, identity"])
async def test_a_compressed_body_is_not_read(served: Served, coding: str) -> None:
    headers = {"content-type": "application/json", "content-encoding": coding}
    for path in ("/orders", LITESTARS_WAY, "/api/restaurants"):
        response = await served.client.post(path, content=order(), headers=headers)
        refusal = problem(response, 415)
        assert refusal["detail"].startswith(f"content-encoding: {coding!r} is not allowed: expected identity")
        assert response.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("coding", ["identity", "Identity", "", "identity, identity"])
async def test_a_body_may_be_said_not_to_be_compressed(served: Served, coding: str) -> None:
    headers = {"content-type": "application/json", "content-encoding": coding}
    for path in ("/orders", LITESTARS_WAY):
        assert (await served.client.post(path, content=order(), headers=headers)).status_code == 201


@pytest.mark.parametrize("text", ["2", "2.0", "2.000", "2e0", "0.2E+1", "200e-2"])
async def test_a_quantity_is_the_whole_number_that_it_is_however_it_is_written(served: Served, text: str) -> None:
    for path in ("/orders", LITESTARS_WAY):
        response = await served.post(path, line(quantity=text, note='"2.0 \\" 3.0"'))
        assert response.status_code == 201
        assert response.json()["lines"][0]["quantity"] == 2
        assert response.json()["lines"][0]["note"] == '2.0 " 3.0'


@pytest.mark.parametrize("text", ["1.0.0", "01.0", "1.0-", "--1.0", "1.0e", "+1.0", ".0", "1.", "1.0 1.0"])
async def test_what_is_no_number_does_not_become_one(served: Served, text: str) -> None:
    problem(await served.post("/orders", quantity(text)), 400)


@pytest.mark.parametrize("path", ["/menu", "/health/live", "/health/ready", f"/orders/{AN_ID}", "/schema/openapi.json"])
async def test_where_no_query_is_taken_every_parameter_is_refused_by_name(served: Served, path: str) -> None:
    refusal = problem(await served.client.get(f"{path}?colour=red"), 400)
    assert (refusal["field"], refusal["value"]) == ("colour", "red")
    assert refusal["allowed"] == "expected no query"
    assert refusal["detail"] == "colour is not a parameter of this query: expected no query"


@pytest.mark.parametrize("path", ["/orders", LITESTARS_WAY, "/api/restaurants"])
async def test_an_order_takes_no_query(served: Served, path: str) -> None:
    refusal = problem(await served.post(f"{path}?policy=all_or_nothing", order()), 400)
    assert (refusal["field"], refusal["value"]) == ("policy", "all_or_nothing")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/orders", {"GET", "HEAD", "POST", "OPTIONS"}),
        ("DELETE", "/orders", {"GET", "HEAD", "POST", "OPTIONS"}),
        ("PATCH", f"/orders/{AN_ID}", {"GET", "HEAD", "DELETE", "OPTIONS"}),
        ("POST", f"/orders/{AN_ID}", {"GET", "HEAD", "DELETE", "OPTIONS"}),
        ("GET", "/api/restaurants", {"POST", "OPTIONS"}),
        ("POST", "/menu", {"GET", "HEAD", "OPTIONS"}),
        ("POST", "/health/live", {"GET", "HEAD", "OPTIONS"}),
        ("DELETE", "/health/ready", {"GET", "HEAD", "OPTIONS"}),
    ],
)
async def test_a_method_that_is_not_allowed_is_a_problem_that_lists_those_that_are(
    served: Served, method: str, path: str, allowed: set[str]
) -> None:
    response = await served.client.request(method, path)
    refusal = problem(response, 405)
    assert set(response.headers["allow"].split(", ")) == allowed
    assert refusal["detail"] == f"{method} is not allowed here: expected one of {response.headers['allow']}"


@pytest.mark.parametrize(
    "path",
    [
        "/nowhere",
        "/orders/7",
        "/orders/" + "a" * 36,
        "/orders/" + "a" * 5000,
        f"/orders/{AN_ID}/lines",
        "/assets/nothing.js",
        "/assets/../app.py",
        "/assets/%2e%2e/app.py",
        "/assets/..%2f..%2fpyproject.toml",
        "/%ff",
        "/%00",
        "/schema/nothing",
        "/schema/nothing.html",
        "/schema/nothing.json",
        "/schema/%00",
        "/schema/a/b",
    ],
)
async def test_a_path_that_leads_nowhere_is_not_found(served: Served, path: str) -> None:
    refusal = problem(await served.client.get(path), 404)
    assert refusal["title"] == "Not Found"
    assert "/schema describes the paths that exist" in refusal["detail"]
    assert len(refusal["detail"]) < 300


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/orders/649", "a UUID as order_id"),
        ("GET", "/tickets/kitchen/649", "a UUID as order_id"),
        ("POST", "/tickets/kitchen/649/moves", "a UUID as order_id"),
        ("PUT", f"/tickets/kitchen/{AN_ID}/lines/pizza", "a whole number as line"),
    ],
)
async def test_a_path_with_something_else_in_place_of_an_id_says_what_is_expected(
    served: Served, method: str, path: str, expected: str
) -> None:
    detail = problem(await served.client.request(method, path), 404)["detail"]
    assert detail == f"there is no path {path}: expected {expected}; /schema describes the paths that exist"


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(
    ["order_id", "table", "policy", "lines", "department", "item", "quantity", "note", "drink", "meal", "dessert", "x"]
)
BODIES = st.dictionaries(
    NAMES, ANYTHING | st.lists(st.dictionaries(NAMES, ANYTHING | st.sampled_from(["bar", "coffee"]))), max_size=6
)


@settings(max_examples=examples(60), deadline=None)
@given(body=BODIES | ANYTHING)
async def test_nothing_that_looks_like_json_is_a_fault(served: Served, body: object) -> None:
    for path in ("/orders", "/api/restaurants"):
        response = await served.client.post(path, json=body)
        assert response.status_code in (201, 400, 409), response.text
        if response.status_code == 400:
            refusal = problem(response, 400)
            assert refusal["field"]
            assert refusal["allowed"].startswith("expected ")


@settings(max_examples=examples(60), deadline=None)
@given(body=st.binary(max_size=40) | st.builds(lambda start, rest: start.encode() + rest, st.just(LINE), st.binary()))
async def test_no_bytes_are_a_fault(served: Served, body: bytes) -> None:
    assert problem(await served.post("/orders", body), 400)["field"]
