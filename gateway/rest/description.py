"""The API's description (OpenAPI): what Litestar reads from the handlers, and what holds for all of them besides."""

from collections.abc import Iterator
from dataclasses import fields
from http import HTTPStatus
from typing import Any

from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Contact, License, OpenAPI, Server, Tag

from gateway.rest import schemas
from infra.request_ids import MAX_LENGTH

VERSION = "0.1.0"

Json = dict[str, Any]

_PROBLEM_JSON = "application/problem+json"

_PROBLEMS = {
    "400": "Something in the request is not allowed; the problem names the field, its value and what is allowed.",
    "404": "There is no such order.",
    "409": "It conflicts with the order as it stands; the problem says how.",
    "413": "The body is too large.",
    "415": "The body is not declared as application/json.",
    "503": "Nothing is acknowledged: too many orders wait, or the journal cannot be used. Sending it again is safe.",
}
"""What a problem of each status means, where its operation does not say."""

_REQUEST_ID = {
    "name": "X-Request-Id",
    "in": "header",
    "required": False,
    "description": f"Names the request in logs and in its response; 1 to {MAX_LENGTH} visible ASCII characters, "
    "else a new one is made.",
    "schema": {"type": "string"},
}

_HEADERS: dict[str, Json] = {
    "X-Request-Id": {
        "description": "The request's own, or a new one.",
        "required": True,
        "schema": {"type": "string", "minLength": 1, "maxLength": MAX_LENGTH},
    },
    "Location": {"description": "Where the order is.", "required": True, "schema": {"type": "string"}},
    "Retry-After": {
        "description": "Seconds after which the request may be sent again.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
    },
}

PROBLEM_DESCRIPTION = "What is wrong, as problem+json."
"""How an operation describes a problem of which it has nothing particular to say."""

_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")


class Description(OpenAPIConfig):
    """Describes Comanda's API."""

    def to_openapi_schema(self) -> OpenAPI:
        """Begin the description that Litestar fills."""
        begun = super().to_openapi_schema()
        return _Completed(**{field.name: getattr(begun, field.name) for field in fields(begun)})


def describe_api(**options: Any) -> Description:
    """Describe the API; `options` are Litestar's, for the pages that show it."""
    return Description(
        title="Comanda",
        version=VERSION,
        description="A restaurant's orders: placed once, answered line by line, never lost.",
        contact=Contact(name="The Comanda developers"),
        license=License(name="MIT", identifier="MIT"),
        security=[],
        servers=[Server(url="/", description="This gateway.")],
        use_handler_docstrings=True,
        tags=[
            Tag("orders", "Place, look at, list and cancel orders."),
            Tag("menu", "What can be ordered."),
            Tag("health", "For those who run the house."),
        ],
        **options,
    )


class _Completed(OpenAPI):
    """A description to which everything is added that holds for many operations when it is written out."""

    def to_schema(self) -> Json:
        written = super().to_schema()
        for methods in written["paths"].values():
            for operation in methods.values():
                _complete_operation(operation)
        _complete_schemas(written["components"]["schemas"])
        for schema in _schemas_in(written):
            _write_bounds(schema)
            _write_out_only_choice(schema)
        return written


def _complete_operation(operation: Json) -> None:
    parameters = operation.setdefault("parameters", [])
    for parameter in parameters:
        parameter["schema"] = _not_null(parameter["schema"])
    parameters.append(_REQUEST_ID)
    responses = operation["responses"]
    for status in ("400", "413", "415") if "requestBody" in operation else ("400",):
        responses.setdefault(status, _problem_response())
    operation["responses"] = dict(sorted(responses.items()))
    for status, response in responses.items():
        _complete_response(operation, status, response)


def _complete_response(operation: Json, status: str, response: Json) -> None:
    headers = response["headers"] = {**response.get("headers", {}), "X-Request-Id": _HEADERS["X-Request-Id"]}
    problem = response["content"].get(_PROBLEM_JSON)
    if problem is None:
        if response["description"] == HTTPStatus(int(status)).description:
            response["description"] = _describe_content(response["content"])
    else:
        _drop_examples_of_others(problem, status)
        if response["description"] == PROBLEM_DESCRIPTION:
            response["description"] = _PROBLEMS[status]
        if status == "503":
            headers["Retry-After"] = _HEADERS["Retry-After"]
    if "requestBody" in operation and status in ("201", "202"):
        headers["Location"] = _HEADERS["Location"]
    if "requestBody" in operation and status == "409":
        headers["Location"] = {**_HEADERS["Location"], "required": False}


def _problem_response() -> Json:
    content = {_PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": PROBLEM_DESCRIPTION, "content": content}


def _drop_examples_of_others(problem: Json, status: str) -> None:
    """Keep the examples of a problem whose status is the response's."""
    kept = {name: each for name, each in problem.pop("examples", {}).items() if str(each["value"]["status"]) == status}
    if kept:
        problem["examples"] = kept


def _describe_content(content: Json) -> str:
    (media,) = content.values()
    return _describe(media["schema"]["$ref"].rpartition("/")[2])


def _describe(name: str) -> str:
    """Say what a struct of the contract is, in its own words."""
    return getattr(getattr(schemas, name, None), "__doc__", None) or ""


def _complete_schemas(components: dict[str, Json]) -> None:
    for name, schema in components.items():
        schema.setdefault("description", _describe(name))
        config = getattr(getattr(schemas, name, None), "__struct_config__", None)
        if config is not None and config.forbid_unknown_fields:
            schema["additionalProperties"] = False


def _not_null(schema: Json) -> Json:
    """Leave null out of a parameter's schema: a parameter is absent, or has a value."""
    kinds = [kind for kind in schema.get("oneOf", []) if kind != {"type": "null"}]
    if len(kinds) != 1:
        return schema
    rest = {word: value for word, value in schema.items() if word != "oneOf"}
    return {**kinds[0], **rest}


def _schemas_in(value: object) -> Iterator[Json]:
    if isinstance(value, dict):
        yield value
        for member in value.values():
            yield from _schemas_in(member)
    elif isinstance(value, list):
        for member in value:
            yield from _schemas_in(member)


def _write_bounds(schema: Json) -> None:
    """Write the bounds of whole numbers as whole numbers; Litestar writes 1.0."""
    for word in _BOUNDS:
        if schema.get("type") != "number" and isinstance(schema.get(word), float):
            schema[word] = int(schema[word])


def _write_out_only_choice(schema: Json) -> None:
    """Write a choice of one schema as that schema; Litestar writes it for what may be absent."""
    if len(schema.get("oneOf", [])) == 1:
        (only,) = schema.pop("oneOf")
        schema.update({**only, **schema})
