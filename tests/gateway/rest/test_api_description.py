"""The description of the API, and the page that shows it."""

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
import pytest_asyncio

from gateway.rest.events import EVENT_STREAM
from gateway.rest.operations import CSV
from tests.support.rest_app import Json, Served, client

pytestmark = pytest.mark.asyncio(loop_scope="module")

OPERATIONS = {
    "placeOrder": ("post", "/orders", {"201", "202", "400", "409", "503"}),
    "listOrders": ("get", "/orders", {"200", "400", "503"}),
    "reportOrders": ("get", "/reports/orders", {"200", "400", "503"}),
    "reportPreparationTimes": ("get", "/reports/preparation-times", {"200", "400", "503"}),
    "reportReadyTimes": ("get", "/reports/ready-times", {"200", "400", "503"}),
    "reportSales": ("get", "/reports/sales", {"200", "400", "503"}),
    "getOrder": ("get", "/orders/{order_id}", {"200", "404", "503"}),
    "cancelOrder": ("delete", "/orders/{order_id}", {"200", "202", "404", "409", "503"}),
    "placeSetMenu": ("post", "/api/restaurants", {"201", "202", "400", "409", "503"}),
    "followEvents": ("get", "/events", {"200", "400", "404", "503"}),
    "listTickets": ("get", "/tickets", {"200", "400"}),
    "getTicket": ("get", "/tickets/{department}/{order_id}", {"200", "400", "404", "503"}),
    "moveTicket": ("post", "/tickets/{department}/{order_id}/moves", {"200", "400", "404", "409", "503"}),
    "moveTickets": ("post", "/tickets/moves", {"200", "400"}),
    "tickLine": ("put", "/tickets/{department}/{order_id}/lines/{line}", {"200", "400", "404", "409", "503"}),
    "listStock": ("get", "/stock", {"200", "400"}),
    "changeStock": ("post", "/stock/{department}/{item}/changes", {"200", "400", "404", "409", "503"}),
    "setOnSale": ("put", "/stock/{department}/{item}/sale", {"200", "400", "404", "503"}),
    "listStockChanges": ("get", "/stock/{department}/{item}/changes", {"200", "400", "404", "503"}),
    "getMenu": ("get", "/menu", {"200"}),
    "getMe": ("get", "/me", {"200"}),
    "listKeys": ("get", "/access/keys", {"200", "401", "403", "503"}),
    "makeKey": ("post", "/access/keys", {"200", "401", "403", "503"}),
    "revokeKey": ("delete", "/access/keys/{key_id}", {"200", "401", "403", "404"}),
    "makePairingCode": ("post", "/access/keys/{key_id}/pairing-codes", {"200", "401", "403", "404"}),
    "listPeople": ("get", "/access/people", {"200", "401", "403"}),
    "addPerson": ("post", "/access/people", {"200", "401", "403", "409"}),
    "setPin": ("put", "/access/people/{person_id}/pin", {"200", "401", "403", "404"}),
    "removePerson": ("delete", "/access/people/{person_id}", {"200", "401", "403", "404"}),
    "getTableCode": ("get", "/access/table-codes", {"200", "401", "403"}),
    "voidTableCodes": ("delete", "/access/table-codes", {"200", "401", "403"}),
    "listSessions": ("get", "/access/sessions", {"200", "401", "403"}),
    "endSession": ("delete", "/access/sessions/{session_id}", {"200", "401", "403", "404"}),
    "endAllSessions": ("delete", "/access/sessions", {"200", "401", "403"}),
    "listOwnSessions": ("get", "/me/sessions", {"200", "401", "403"}),
    "readAuditLog": ("get", "/access/audit", {"200", "401", "403"}),
    "getLiveness": ("get", "/health/live", {"200"}),
    "getReadiness": ("get", "/health/ready", {"200", "503"}),
}
SCHEMA_WORDS = {
    *("type", "properties", "required", "items", "enum", "const", "oneOf", "anyOf", "allOf", "$ref", "title"),
    *("description", "default", "format", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems"),
    *("additionalProperties", "pattern", "examples", "exclusiveMinimum", "exclusiveMaximum"),
}
TYPES = {"string", "integer", "number", "boolean", "null", "array", "object"}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def api(shared: Served) -> Json:
    response = await shared.client.get("/schema/openapi.json")
    assert response.status_code == 200
    body: Json = response.json()
    return body


async def test_it_is_openapi_of_this_century(api: Json) -> None:
    assert re.fullmatch(r"3\.1\.\d", api["openapi"])
    assert api["info"]["title"] == "Comanda"
    assert re.fullmatch(r"\d+\.\d+\.\d+", api["info"]["version"])
    assert set(api) <= {"openapi", "info", "servers", "paths", "components", "tags", "security"}


async def test_every_operation_has_an_id_of_its_own_a_summary_and_its_responses(api: Json) -> None:
    found = {}
    for path, methods in api["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"]
            assert operation["description"]
            assert operation["tags"]
            for response in operation["responses"].values():
                assert response["description"]
            found[operation["operationId"]] = (method, path, set(operation["responses"]))
    assert set(found) == set(OPERATIONS)
    for name, (method, path, statuses) in OPERATIONS.items():
        assert found[name][:2] == (method, path)
        assert found[name][2] >= statuses, name


async def test_every_path_parameter_is_described(api: Json) -> None:
    for path, methods in api["paths"].items():
        for operation in methods.values():
            described = {each["name"] for each in operation.get("parameters", []) if each["in"] == "path"}
            assert described == set(re.findall(r"{(\w+)}", path))


async def test_problems_are_described_as_problem_json(api: Json) -> None:
    for methods in api["paths"].values():
        for operation in methods.values():
            for status, response in operation["responses"].items():
                if status in ("400", "404", "409") or (status == "503" and operation["operationId"] != "getReadiness"):
                    schema = response["content"]["application/problem+json"]["schema"]
                    assert set(_follow(api, schema)["required"]) == {"title", "status", "detail"}


async def test_every_reference_leads_somewhere(api: Json) -> None:
    references = [value for key, value in _members(api) if key == "$ref"]
    assert references
    for reference in references:
        assert _follow(api, {"$ref": reference})


async def test_the_example_of_a_problem_is_a_problem_that_there_is(shared: Served, api: Json) -> None:
    described = api["paths"]["/orders"]["post"]["responses"]["400"]["content"]["application/problem+json"]
    (example,) = (each["value"] for each in described["examples"].values())
    wish = {"department": "bar", "item": "coffee", "quantity": example["value"]}
    assert (await shared.client.post("/orders", json={"lines": [wish]})).json() == example


async def test_it_is_the_same_every_time(shared: Served, api: Json) -> None:
    """Litestar likes to make examples up at random."""
    async with client(shared.create_app()) as other:
        assert (await other.get("/schema/openapi.json")).json() == api


async def test_every_response_body_is_described(api: Json) -> None:
    for methods in api["paths"].values():
        for operation in methods.values():
            for response in operation["responses"].values():
                for kind, content in response["content"].items():
                    if kind == CSV:
                        assert content["schema"] == {"type": "string"}
                    elif kind != EVENT_STREAM:
                        assert _follow(api, content["schema"])["properties"]


async def test_every_schema_is_made_of_known_words(api: Json) -> None:
    for schema in api["components"]["schemas"].values():
        _check_schema(schema)


async def test_every_choice_is_one_of_several(api: Json) -> None:
    """Linters of OpenAPI report a choice of one (no-illogical-composition-keywords)."""
    choices = [schema[word] for schema in _schemas_in(api) for word in ("oneOf", "anyOf") if word in schema]
    assert choices
    assert all(len(choice) > 1 for choice in choices)


@pytest.mark.parametrize(("path", "operation"), [("/orders", "placeOrder"), ("/api/restaurants", "placeSetMenu")])
async def test_every_example_is_an_order_that_can_be_placed(
    shared: Served, api: Json, path: str, operation: str
) -> None:
    content = api["paths"][path]["post"]["requestBody"]["content"]["application/json"]
    (reference,) = content["schema"]["allOf"]
    schema = _follow(api, reference)
    examples = content["schema"]["examples"]
    assert examples
    for example in examples:
        response = await shared.client.post(path, json=example)
        assert response.status_code == 201, response.text
        assert set(schema["required"]) <= set(example) <= set(schema["properties"])


async def test_bodies_have_the_fields_that_are_described(shared: Served, api: Json) -> None:
    schemas = api["components"]["schemas"]
    order = (await shared.order("bar coffee", "bar beer", table="7")).json()
    menu = (await shared.client.get("/menu")).json()
    page = (await shared.client.get("/orders")).json()
    for body, name in ((order, "OrderResponse"), (order["lines"][0], "LineResponse"), (page, "OrderPage")):
        assert set(body) == set(schemas[name]["properties"]), name
    for body, name in (
        (menu, "MenuResponse"),
        (menu["departments"][0], "DepartmentMenu"),
        (menu["departments"][0]["items"][0], "MenuItemResponse"),
    ):
        assert set(body) == set(schemas[name]["properties"]), name


class _Addresses(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in ("src", "href")]


async def test_the_page_needs_no_outside_address(shared: Served) -> None:
    response = await shared.client.get("/schema")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/html")
    addresses = _Addresses()
    addresses.feed(response.text)
    assert len(addresses.found) >= 3
    for address in addresses.found:
        assert address.startswith("/assets/"), address
        assert (await shared.client.get(address)).status_code == 200
    assert "//" not in re.sub(r"<script>.*?</script>", "", response.text, flags=re.DOTALL)


async def test_assets_say_what_they_are(shared: Served) -> None:
    for path, kind in (
        ("swagger-ui/swagger-ui-bundle.js", "javascript"),
        ("swagger-ui/swagger-ui.css", "text/css"),
        ("favicon-32x32.png", "image/png"),
    ):
        response = await shared.client.get(f"/assets/{path}")
        assert response.status_code == 200
        assert kind in response.headers["content-type"]
        assert len(response.content) > 100


def _schemas_in(value: object) -> Iterator[Json]:
    if isinstance(value, dict):
        yield value
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for member in members:
        yield from _schemas_in(member)


def _follow(api: Json, schema: Json) -> Json:
    while "$ref" in schema:
        found: Any = api
        for step in schema["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        schema = found
    return schema


def _members(value: object) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, member in value.items():
            yield key, member
            yield from _members(member)
    elif isinstance(value, list):
        for member in value:
            yield from _members(member)


def _check_schema(schema: Json) -> None:
    assert set(schema) <= SCHEMA_WORDS, json.dumps(schema)
    types = schema.get("type", [])
    assert set([types] if isinstance(types, str) else types) <= TYPES
    for name in schema.get("required", []):
        assert name in schema["properties"]
    choices = {choice.get("type") for choice in schema.get("oneOf", [])}
    assert not {"integer", "number"} <= choices, "a whole number is both, and oneOf takes what is one"
    for inner in [
        *schema.get("properties", {}).values(),
        *(schema.get(word) for word in ("items", "additionalProperties") if isinstance(schema.get(word), dict)),
        *(each for word in ("oneOf", "anyOf", "allOf") for each in schema.get(word, [])),
    ]:
        _check_schema(inner)
