"""Checks of every request, with and without the fast path: its caller, its query, its content coding, its body."""

from typing import Any, NamedTuple, cast, get_args
from unicodedata import is_normalized, normalize
from urllib.parse import parse_qsl, urlencode

from litestar import Litestar, Request
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from gateway.domain.errors import FieldNotAllowed, UnknownParameter
from gateway.rest.access_check import AccessCheck
from gateway.rest.json_body import UnsupportedMediaType, describe_parameter, read_body
from infra.http.guard import headers_of

RAISED = "comanda.raised"
"""The key of a scope under which the fast path passes on what it raised."""

ACCESS = "access"
"""The key of the app's state under which the check of access is."""

_PARAMETERS = "comanda.query"  # the key of a handler's options that caches the names of its query parameters


def check_request(app: ASGIApp) -> ASGIApp:
    """Wrap a route, as middleware: check each request before it, and raise again what the fast path raised."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        http = cast("HTTPScope", scope)
        if RAISED in http:
            raise cast("dict[str, Any]", http).pop(RAISED)  # popped, as scope and traceback would refer to each other
        if http["method"] != "OPTIONS":
            handler = cast("HTTPRouteHandler", http["route_handler"])
            await access_of(http["litestar_app"]).admit(http, headers_of(http), handler)
            if http["query_string"]:
                check_query(http, handler)
        check_encoding(http["headers"])
        await app(scope, receive, send)

    return serve


def access_of(litestar: Litestar) -> AccessCheck:
    """Return the check of access of an app."""
    return cast("AccessCheck", litestar.state[ACCESS])


def check_encoding(headers: Any) -> None:
    """Raise UnsupportedMediaType for a body that is compressed."""
    for name, value in headers:
        if name == b"content-encoding":
            text = value.decode("latin-1")
            if any(coding.strip().lower() not in {"identity", ""} for coding in text.split(",")):
                raise UnsupportedMediaType(
                    f"content-encoding: {text[:80]!r} is not allowed: expected identity, which is none",
                    headers={"Accept-Encoding": "identity"},
                )


def check_query(scope: HTTPScope, handler: HTTPRouteHandler) -> None:
    """Put a query into NFC; raises UnknownParameter, and FieldNotAllowed for a parameter that is given twice."""
    query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    if not all(is_normalized("NFC", text) for pair in query for text in pair):
        query = [(normalize("NFC", name), normalize("NFC", value)) for name, value in query]
        scope["query_string"] = urlencode(query).encode("ascii")
    known = _parameters(handler, set(scope.get("path_params", ())))
    if known is None:
        return
    seen = set()
    for name, value in query:
        if name not in known:
            raise UnknownParameter(name, value, known)
        parameter = known[name]
        if name in seen and not parameter.is_sequence:
            raise FieldNotAllowed(name, value, f"expected {name} once")
        seen.add(name)
        if value.lower() == "null" and not parameter.is_text:  # msgspec would read it as an absent parameter
            raise FieldNotAllowed(name, value, f"expected {parameter.expected}")


class _Parameter(NamedTuple):
    """A query parameter: may it be given more than once, does it take any text, and what it allows in words."""

    is_sequence: bool
    is_text: bool
    expected: str


def _parameters(handler: HTTPRouteHandler, path_parameters: set[str]) -> dict[str, _Parameter] | None:
    """Return a handler's query parameters by their names in a query; None if it takes any."""
    if _PARAMETERS not in handler.opt:
        model = handler.create_kwargs_model(dict.fromkeys(path_parameters, cast("Any", None)))
        handler.opt[_PARAMETERS] = (
            None
            if "query" in model.expected_reserved_kwargs
            else {
                each.field_alias: _parameter(handler, each.field_name, each.is_sequence)
                for each in model.expected_query_params
            }
        )
    return cast("dict[str, _Parameter] | None", handler.opt[_PARAMETERS])


def _parameter(handler: HTTPRouteHandler, name: str, is_sequence: bool) -> _Parameter:
    field = handler.parsed_fn_signature.parameters.get(name)
    if field is None:  # a dependency's, which reads it as it likes
        return _Parameter(is_sequence, is_text=True, expected="")
    annotation = field.annotation
    is_text = annotation is str or str in get_args(annotation)
    return _Parameter(is_sequence, is_text, describe_parameter(annotation))


class JsonRequest(Request[Any, Any, Any]):
    """A request whose JSON body is decoded as on the fast path: directly into the type that its handler declares."""

    async def json(self) -> Any:
        """Read the body; raises UnsupportedMediaType, FieldNotAllowed."""
        field = self.route_handler.parsed_data_field
        kind = self.headers.get("content-type")
        return read_body(
            None if kind is None else kind.encode("latin-1"),
            await self.body(),
            Any if field is None else field.annotation,
        )
