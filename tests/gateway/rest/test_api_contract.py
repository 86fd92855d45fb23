"""The API's description says what happens: what is refused, with which status, and what every response carries."""

from collections.abc import Iterator
from http import HTTPStatus

import jsonschema_rs
import msgspec
import pytest
import pytest_asyncio

from gateway.rest import schemas, stock_schemas, ticket_schemas
from tests.support.ready_apps import MAX_BODY
from tests.support.rest_app import Json, Served

STRICT = [
    each.__name__
    for module in (schemas, ticket_schemas, stock_schemas)
    for each in vars(module).values()
    if isinstance(each, type)
    and issubclass(each, msgspec.Struct)
    and each.__module__ == module.__name__
    and each.__struct_config__.forbid_unknown_fields
]

UNDESCRIBED = {
    *("content-type", "content-length", "cache-control", "content-security-policy", "cross-origin-opener-policy"),
    *("permissions-policy", "referrer-policy", "x-content-type-options"),
}
"""Headers that every response has, and that say nothing about the operation."""

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def api(shared: Served) -> Json:
    body: Json = (await shared.client.get("/schema/openapi.json")).json()
    return body


def operations(api: Json) -> Iterator[tuple[str, str, Json]]:
    for path, methods in api["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def schemas_in(value: object) -> Iterator[Json]:
    """All objects of a description that have a type or alternatives."""
    if isinstance(value, dict):
        if "type" in value or "oneOf" in value:
            yield value
        for member in value.values():
            yield from schemas_in(member)
    elif isinstance(value, list):
        for member in value:
            yield from schemas_in(member)


def check(api: Json, schema: Json, value: object) -> None:
    jsonschema_rs.validator_for({**schema, "components": api["components"]}).validate(value)


# What is sent.


async def test_the_requests_that_take_known_fields_only_are_known() -> None:
    orders = {"OrderRequest", "LineRequest", "SetMenuRequest"}
    staff = {"MoveRequest", "TicketMoveRequest", "MovesRequest", "TickRequest", "StockChangeRequest", "SaleRequest"}
    assert orders | staff == set(STRICT)


@pytest.mark.parametrize("name", STRICT)
async def test_a_request_with_a_field_that_is_not_described_is_described_as_refused(api: Json, name: str) -> None:
    assert api["components"]["schemas"][name]["additionalProperties"] is False


async def test_a_request_with_a_field_that_is_not_described_is_refused(shared: Served) -> None:
    line = {"department": "bar", "item": "coffee"}
    for body in ({"lines": [line], "tip": 1}, {"lines": [{**line, "size": "big"}]}):
        assert (await shared.client.post("/orders", json=body)).status_code == 400
    menu = {"drink": "coffee", "meal": "pizza", "dessert": "cookie", "tip": 1}
    assert (await shared.client.post("/api/restaurants", json=menu)).status_code == 400


async def test_responses_may_grow(api: Json) -> None:
    assert "additionalProperties" not in api["components"]["schemas"]["OrderResponse"]


async def test_the_bounds_of_whole_numbers_are_whole_numbers(api: Json) -> None:
    bounds = [
        schema[word]
        for schema in schemas_in(api)
        for word in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
        if word in schema and schema.get("type") != "number"
    ]
    assert bounds
    assert {type(bound) for bound in bounds} == {int}


async def test_a_parameter_that_may_be_left_out_cannot_be_null(api: Json) -> None:
    for _, path, operation in operations(api):
        for parameter in operation.get("parameters", []):
            for schema in schemas_in(parameter["schema"]):
                assert schema.get("type") != "null", (path, parameter["name"])


async def test_a_cursor_is_not_empty(shared: Served, api: Json) -> None:
    (cursor,) = [each for each in api["paths"]["/orders"]["get"]["parameters"] if each["name"] == "cursor"]
    check(api, cursor["schema"], "17")
    for wrong in ("", "x", "1" * 19):
        with pytest.raises(jsonschema_rs.ValidationError):
            check(api, cursor["schema"], wrong)
        assert (await shared.client.get("/orders", params={"cursor": wrong})).status_code == 400


# What is returned.


async def test_every_operation_may_refuse_its_request(api: Json) -> None:
    for method, path, operation in operations(api):
        described = set(operation["responses"])
        assert "400" in described, (method, path)
        if "requestBody" in operation:
            assert {"413", "415"} <= described, (method, path)


@pytest.mark.parametrize("path", ["/orders", "/api/restaurants"])
async def test_a_body_that_is_too_large_or_no_json_has_a_status_that_is_described(
    shared: Served, api: Json, path: str
) -> None:
    described = api["paths"][path]["post"]["responses"]
    large = await shared.post(path, b" " * (MAX_BODY + 1))
    text = await shared.client.post(path, content=b"{}", headers={"content-type": "text/plain"})
    assert (large.status_code, text.status_code) == (413, 415)
    for response in (large, text):
        content = described[str(response.status_code)]["content"]["application/problem+json"]
        check(api, content["schema"], response.json())


async def test_every_response_is_described_by_what_it_means(api: Json) -> None:
    for method, path, operation in operations(api):
        for status, response in operation["responses"].items():
            assert response["description"] != HTTPStatus(int(status)).description, (method, path, status)


async def test_every_response_has_a_request_id(api: Json) -> None:
    for method, path, operation in operations(api):
        assert "X-Request-Id" in [each["name"] for each in operation["parameters"] if each["in"] == "header"]
        for status, response in operation["responses"].items():
            assert response["headers"]["X-Request-Id"]["required"], (method, path, status)


async def test_the_headers_of_an_order_s_response_are_described(shared: Served, api: Json) -> None:
    for path, response in (
        ("/orders", await shared.order("bar coffee")),
        ("/orders", await shared.order("bar beer")),
        ("/api/restaurants", await shared.set_menu("coffee", "pizza", "cookie")),
    ):
        described = api["paths"][path]["post"]["responses"][str(response.status_code)]["headers"]
        assert {name.lower() for name in described} == set(response.headers) - UNDESCRIBED


async def test_the_headers_of_a_503_are_described(shared: Served, api: Json) -> None:
    shared.restaurant.database.is_broken = True
    response = await shared.order("bar coffee")
    shared.restaurant.repair()
    described = api["paths"]["/orders"]["post"]["responses"]["503"]["headers"]
    assert {name.lower() for name in described} == set(response.headers) - UNDESCRIBED


# The whole.


async def test_it_says_whose_it_is_and_that_a_key_may_be_sent(api: Json) -> None:
    assert api["info"]["license"] == {"name": "MIT", "identifier": "MIT"}
    assert api["info"]["contact"] == {"name": "The Comanda developers"}
    assert api["security"] == [{}, {"key": []}]
    assert api["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    assert [server["url"] for server in api["servers"]] == ["/"]


async def test_every_schema_is_described(api: Json) -> None:
    for name, schema in api["components"]["schemas"].items():
        assert schema.get("description"), name


async def test_every_example_fits_its_schema(api: Json) -> None:
    found = 0
    for _, _, operation in operations(api):
        contents = [response["content"] for response in operation["responses"].values()]
        contents += [operation["requestBody"]["content"]] if "requestBody" in operation else []
        media = [each for content in contents for each in content.values()]
        for place in (*media, *operation["parameters"]):
            examples = [each["value"] for each in place.get("examples", {}).values()]
            for example in (*examples, *place["schema"].get("examples", [])):
                check(api, place["schema"], example)
                found += 1
    for schema in api["components"]["schemas"].values():
        for example in schema.get("examples", []):
            check(api, schema, example)
            found += 1
    assert found >= 4


async def test_what_the_staff_and_the_manager_ask_for_has_an_example(api: Json) -> None:
    """A client's author sees what comes back before there is an evening to look at."""
    for method, path, operation in operations(api):
        if operation["tags"][0] in ("tickets", "stock", "reports"):
            assert operation["responses"]["200"]["content"]["application/json"].get("examples"), (method, path)
            if "requestBody" in operation:
                schema = operation["requestBody"]["content"]["application/json"]["schema"]
                assert schema.get("examples"), (method, path)


async def test_the_example_of_a_problem_has_the_status_of_its_response(api: Json) -> None:
    for method, path, operation in operations(api):
        for status, response in operation["responses"].items():
            problem = response["content"].get("application/problem+json", {})
            for example in problem.get("examples", {}).values():
                assert str(example["value"]["status"]) == status, (method, path)
