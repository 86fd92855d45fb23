"""One table: what the gateway raises -> problem+json (RFC 9457)."""

import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, cast

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.status_codes import (
    HTTP_400_BAD_REQUEST,
    HTTP_404_NOT_FOUND,
    HTTP_409_CONFLICT,
    HTTP_422_UNPROCESSABLE_ENTITY,
    HTTP_500_INTERNAL_SERVER_ERROR,
    HTTP_503_SERVICE_UNAVAILABLE,
)

from gateway.domain.errors import (
    ABSENT,
    BodyUnreadable,
    BrokenOff,
    FieldMissing,
    GatewayError,
    KeyReused,
    NotCancellable,
    OrderIdTaken,
    OrderNotFound,
    OrderUnreadable,
    Overloaded,
    RuleBroken,
    TakenOver,
)
from gateway.rest.json_body import rule
from gateway.rest.schemas import OrderResponse, Problem, Scalar
from infra.errors import DatabaseError

PROBLEM_JSON = "application/problem+json"
RETRY_AFTER_SECONDS = "1"

log = structlog.get_logger("gateway")

STATUSES: dict[type[Exception], tuple[int, str]] = {
    RuleBroken: (HTTP_400_BAD_REQUEST, "A field is not allowed"),
    KeyReused: (HTTP_422_UNPROCESSABLE_ENTITY, "The idempotency key is taken"),
    OrderNotFound: (HTTP_404_NOT_FOUND, "No such order"),
    OrderUnreadable: (HTTP_503_SERVICE_UNAVAILABLE, "The order cannot be read"),
    OrderIdTaken: (HTTP_409_CONFLICT, "The order id is taken"),
    NotCancellable: (HTTP_409_CONFLICT, "The order cannot be cancelled"),
    TakenOver: (HTTP_503_SERVICE_UNAVAILABLE, "The order changed hands"),
    BrokenOff: (HTTP_503_SERVICE_UNAVAILABLE, "The request was broken off"),
    Overloaded: (HTTP_503_SERVICE_UNAVAILABLE, "Too many orders"),
    DatabaseError: (HTTP_503_SERVICE_UNAVAILABLE, "The journal cannot be used"),
}

_AnyRequest = Request[Any, Any, Any]

_CLIENT_LEFT = "client disconnected prematurely"
"""What Litestar raises, as a fault of the server, when it waits for the rest of a body in vain."""

_missing = re.compile(r"Missing required \w+ parameter '(.*)' for path ", re.DOTALL).match


def problem(problem: Problem, headers: dict[str, str] | None = None) -> Response[Problem]:
    """Answer with a problem."""
    return Response(problem, status_code=problem.status, media_type=PROBLEM_JSON, headers=headers)


def refused(order: OrderResponse) -> Response[Problem]:
    """Answer that nothing of an order could be accepted, line by line."""
    reasons = "; ".join(f"{line.department} {line.item}: {line.reason}" for line in order.lines)
    return problem(
        Problem(
            title="Nothing could be accepted",
            status=HTTP_409_CONFLICT,
            detail=f"order {order.order_id} is {order.status}: {reasons}",
            order_id=order.order_id,
            order=order,
        ),
        {"Location": f"/orders/{order.order_id}"},
    )


def _known(request: _AnyRequest, error: Exception) -> Response[Problem]:
    """Answer an error of ours."""
    status, title = next(STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)
    answer = Problem(title=title, status=status, detail=str(error), order_id=getattr(error, "order_id", None))
    if isinstance(error, RuleBroken):
        answer.field, answer.allowed = error.field, error.allowed
        if error.value is not ABSENT:
            answer.value = cast("Scalar", error.value)
    if isinstance(error, DatabaseError):
        log.debug("the journal cannot be used", path=request.url.path, reason=str(error))
        answer.detail = (
            f"{error}. Nothing is acknowledged: whether the order was written down is not known. "
            "Sending it again with the same order_id is safe."
        )
    headers = {"Retry-After": RETRY_AFTER_SECONDS} if status == HTTP_503_SERVICE_UNAVAILABLE else None
    return problem(answer, headers)


def _invalid(request: _AnyRequest, error: ValidationException) -> Response[Problem]:
    """Answer parameters, or a body, that do not fit what their handler asks for."""
    if missing := _missing(error.detail):
        return _known(request, FieldMissing(missing[1], _expected(request, missing[1])))
    for each in error.extra if isinstance(error.extra, list) else ():
        if isinstance(each, dict) and "key" in each:
            return _known(request, _misfit(request, str(each["key"]), str(each.get("message", ""))))
    return _http(request, error)


def _misfit(request: _AnyRequest, key: str, message: str) -> RuleBroken:
    """Name what Litestar found wrong, which it calls by the handler's names for it."""
    fields = request.route_handler.parsed_fn_signature.parameters
    if key == "data" and message == "'data'":  # the key of a dictionary that has none
        return BodyUnreadable("it is empty")
    if key not in fields:
        return RuleBroken(key, ABSENT, f"expected another: {message}")
    name = getattr(fields[key].kwarg_definition, "name", None) or key
    value = request.query_params.get(name, request.headers.get(name, request.cookies.get(name, ABSENT)))
    return RuleBroken("body" if key == "data" else name, value, _expected(request, name))


def _expected(request: _AnyRequest, name: str) -> str:
    """Say what a handler takes as the parameter of this name."""
    handler = request.route_handler
    for key, field in handler.parsed_fn_signature.parameters.items():
        if name in (key, getattr(field.kwarg_definition, "name", None)):
            return f"expected {rule(handler.signature_model.__annotations__[key])}"
    return "expected it"


def _http(request: _AnyRequest, error: HTTPException) -> Response[Problem]:
    """Answer what Litestar refuses by itself: no such path, wrong method, too large, not JSON."""
    if error.status_code == HTTPStatus.INTERNAL_SERVER_ERROR and error.detail != _CLIENT_LEFT:
        return _unforeseen(request, error)
    headers = dict(error.headers or {})
    match error.status_code:
        case HTTPStatus.NOT_FOUND:
            detail = f"there is nothing at {request.url.path[:200]}; what there is stands at /schema"
        case HTTPStatus.METHOD_NOT_ALLOWED:
            detail = f"{request.method} is not allowed here: expected one of {headers.get('allow')}"
        case HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            most = request.route_handler.resolve_request_max_body_size()
            detail = f"the body is too large: expected at most {most} bytes"
        case _:
            detail = error.detail
    title = HTTPStatus(error.status_code).phrase
    return problem(Problem(title=title, status=error.status_code, detail=detail), headers)


def _unforeseen(request: _AnyRequest, error: Exception) -> Response[Problem]:
    """Answer a fault of ours, and log it."""
    log.error("a handler failed", method=request.method, path=request.url.path, exc_info=error)
    return problem(
        Problem(title="A fault in the gateway", status=HTTP_500_INTERNAL_SERVER_ERROR, detail="it has been logged")
    )


HANDLERS: dict[int | type[Exception], Callable[..., Response[Any]]] = {
    GatewayError: _known,
    DatabaseError: _known,
    ValidationException: _invalid,
    HTTPException: _http,
    Exception: _unforeseen,
}
