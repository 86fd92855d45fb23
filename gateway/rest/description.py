"""The API's description (OpenAPI): Litestar derives it from the handlers; this module adds what they share."""

from collections.abc import Iterator
from dataclasses import fields
from http import HTTPStatus
from typing import Any

import msgspec
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, Contact, License, OpenAPI, SecurityScheme, Server, Tag

from gateway.rest import (
    access_schemas,
    menu_schemas,
    problem_schemas,
    progress_schemas,
    report_schemas,
    schemas,
    staff_schemas,
    stock_schemas,
    ticket_schemas,
)
from infra.request_ids import MAX_LENGTH
from infra.version import VERSION

Json = dict[str, Any]

SCHEMA_MODULES = (
    schemas,
    progress_schemas,
    menu_schemas,
    report_schemas,
    problem_schemas,
    staff_schemas,
    ticket_schemas,
    stock_schemas,
    access_schemas,
)
"""Where the structs of the contract are."""

_LIMITED = ("placeOrder", "placeSetMenu")
"""The operations of guests that are limited."""

_PROBLEM_JSON = "application/problem+json"

_PROBLEMS = {
    "400": "A field of the request is not allowed; the problem names the field, its value and what is allowed.",
    "401": "The key is not valid, or the action needs a key or a sign-in; /me says what the caller may do.",
    "403": "The caller's role does not include the action.",
    "404": "There is no such order.",
    "409": "The request conflicts with the state of the order; the problem says how.",
    "410": "The order was archived long after it was finished; its id, or its key, is not to be had again.",
    "413": "The body is too large.",
    "415": "The body is not declared as application/json.",
    "429": "A guest has placed too many orders in a minute, or has too many open ones.",
    "503": "Nothing is acknowledged: too many orders wait, or the journal cannot be used. Sending it again is safe.",
}
"""The description of a problem of each status, unless its operation has one of its own."""

_REQUEST_ID = {
    "name": "X-Request-Id",
    "in": "header",
    "required": False,
    "description": f"Identifies the request in logs and in its response: 1 to {MAX_LENGTH} visible ASCII characters. "
    "Any other value is replaced by a new one.",
    "schema": {"type": "string"},
}

_HEADERS: dict[str, Json] = {
    "X-Request-Id": {
        "description": "The id that the request had, or a new one.",
        "required": True,
        "schema": {"type": "string", "minLength": 1, "maxLength": MAX_LENGTH},
    },
    "Location": {"description": "Path of the order.", "required": True, "schema": {"type": "string"}},
    "Retry-After": {
        "description": "Seconds after which the request may be sent again.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
    },
}

PROBLEM_DESCRIPTION = "A problem, as problem+json."
"""The description that an operation gives to a problem if `_PROBLEMS` describes it."""

_LIMITS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")


class Description(OpenAPIConfig):
    """Describes Comanda's API."""

    def to_openapi_schema(self) -> OpenAPI:
        """Return the description that Litestar fills."""
        started = super().to_openapi_schema()
        return _Completed(**{field.name: getattr(started, field.name) for field in fields(started)})


def describe_api(**options: Any) -> Description:
    """Return the configuration of the description; `options` are those of Litestar, for the pages that show it."""
    return Description(
        title="Comanda",
        version=VERSION,
        description="A restaurant's orders: placed once, with an outcome for each line, never lost.",
        contact=Contact(name="The Comanda developers"),
        license=License(name="MIT", identifier="MIT"),
        security=[{}, {"key": []}],
        components=Components(
            security_schemes={
                "key": SecurityScheme(
                    type="http",
                    scheme="bearer",
                    description="A key, which a manager makes. Guests need none, and a browser may have a session.",
                )
            }
        ),
        servers=[Server(url="/", description="This gateway.")],
        use_handler_docstrings=True,
        tags=[
            Tag("orders", "Place, read, list and cancel orders."),
            Tag("menu", "What can be ordered."),
            Tag("events", "Follow what happens, as it happens."),
            Tag("tickets", "What the staff of a department see, and the steps that they take."),
            Tag("stock", "What is on hand, and what the staff change about it."),
            Tag("reports", "What was sold, how long it took, and how well the quoted times came true."),
            Tag("access", "Who may do what: keys, people, codes."),
            Tag("health", "For load balancers and operators."),
        ],
        **options,
    )


class _Completed(OpenAPI):
    """Adds what many operations share when the description is serialised."""

    def to_schema(self) -> Json:
        written: Json = msgspec.to_builtins(super().to_schema())  # examples may be structs of the contract
        for methods in written["paths"].values():
            for operation in methods.values():
                _complete_operation(operation)
        _complete_schemas(written["components"]["schemas"])
        for schema in _schemas_in(written):
            _make_limits_whole(schema)
            _unwrap_only_choice(schema)
        return written


def _complete_operation(operation: Json) -> None:
    parameters = operation.setdefault("parameters", [])
    for parameter in parameters:
        parameter["schema"] = _not_null(parameter["schema"])
    parameters.append(_REQUEST_ID)
    responses = operation["responses"]
    refused = () if operation["tags"] == ["health"] else ("401", "403")
    limited = ("429",) if operation["operationId"] in _LIMITED else ()
    with_body = ("413", "415") if "requestBody" in operation else ()
    for status in ("400", *refused, *limited, *with_body):
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
        _drop_examples_of_other_statuses(problem, status)
        if response["description"] == PROBLEM_DESCRIPTION:
            response["description"] = _PROBLEMS[status]
        if status in ("429", "503"):
            headers["Retry-After"] = _HEADERS["Retry-After"]
    if "requestBody" in operation and status in ("201", "202"):
        headers["Location"] = _HEADERS["Location"]
    if "201" in operation["responses"] and status == "409":
        headers["Location"] = {**_HEADERS["Location"], "required": False}


def _problem_response() -> Json:
    content = {_PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": PROBLEM_DESCRIPTION, "content": content}


def _drop_examples_of_other_statuses(problem: Json, status: str) -> None:
    """Keep the examples whose status is the response's."""
    kept = {name: each for name, each in problem.pop("examples", {}).items() if str(each["value"]["status"]) == status}
    if kept:
        problem["examples"] = kept


def _describe_content(content: Json) -> str:
    (media,) = content.values()
    return _describe(media["schema"]["$ref"].rpartition("/")[2])


def _describe(name: str) -> str:
    """Return the docstring of a struct of the contract."""
    return getattr(_struct(name), "__doc__", None) or ""


def _struct(name: str) -> object:
    """Return the struct of the contract that has this name, or None."""
    return next((getattr(module, name) for module in SCHEMA_MODULES if hasattr(module, name)), None)


def _complete_schemas(components: dict[str, Json]) -> None:
    for name, schema in components.items():
        schema.setdefault("description", _describe(name))
        config = getattr(_struct(name), "__struct_config__", None)
        if config is not None and config.forbid_unknown_fields:
            schema["additionalProperties"] = False


def _not_null(schema: Json) -> Json:
    """Return a parameter's schema without null: a parameter is absent, or has a value."""
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


def _make_limits_whole(schema: Json) -> None:
    """Make the limits of whole numbers whole numbers; Litestar writes 1.0."""
    for word in _LIMITS:
        if schema.get("type") != "number" and isinstance(schema.get(word), float):
            schema[word] = int(schema[word])


def _unwrap_only_choice(schema: Json) -> None:
    """Replace a `oneOf` of one schema by that schema; Litestar writes it for optional fields."""
    if len(schema.get("oneOf", [])) == 1:
        (only,) = schema.pop("oneOf")
        schema.update({**only, **schema})
