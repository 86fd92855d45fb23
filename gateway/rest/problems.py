"""Turns exceptions into problem+json (RFC 9457), by one table."""

import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, cast

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.status_codes import (
    HTTP_400_BAD_REQUEST,
    HTTP_401_UNAUTHORIZED,
    HTTP_403_FORBIDDEN,
    HTTP_404_NOT_FOUND,
    HTTP_409_CONFLICT,
    HTTP_410_GONE,
    HTTP_422_UNPROCESSABLE_ENTITY,
    HTTP_429_TOO_MANY_REQUESTS,
    HTTP_500_INTERNAL_SERVER_ERROR,
    HTTP_503_SERVICE_UNAVAILABLE,
)

from gateway.domain.access_errors import (
    AccessError,
    ForeignOrigin,
    NameTaken,
    NoSuchEntry,
    NotAllowed,
    SignInAgain,
    SignInNeeded,
    TooOften,
    WrongSecret,
)
from gateway.domain.errors import (
    ABSENT,
    BodyUnreadable,
    BrokenOff,
    FieldMissing,
    FieldNotAllowed,
    GatewayError,
    KeyReused,
    NotCancellable,
    OrderArchived,
    OrderIdTaken,
    OrderNotFound,
    OrderUnreadable,
    Overloaded,
    TakenOver,
    TooManyStreams,
)
from gateway.domain.staff_errors import (
    ChangeIdTaken,
    DepartmentAway,
    DepartmentNotFound,
    ItemNotFound,
    LineNotFound,
    StepIdTaken,
    StepRefused,
    StockRefused,
    TicketNotFound,
)
from gateway.rest.json_body import describe_parameter
from gateway.rest.path_segments import expected_segment
from gateway.rest.problem_schemas import Problem, Scalar
from gateway.rest.schemas import OrderResponse
from gateway.rest.staff_schemas import stock_change_response, stock_response, ticket_response
from infra.errors import DatabaseError

PROBLEM_JSON = "application/problem+json"
RETRY_AFTER_SECONDS = "1"

SIGN_IN_AGAIN = "urn:comanda:sign-in-again"
"""The type of the one problem that a page reacts to: it asks for the PIN, posts it to `/sign-in`, and tries again."""

log = structlog.get_logger("gateway")

STATUSES: dict[type[Exception], tuple[int, str]] = {  # exception -> status code and title
    FieldNotAllowed: (HTTP_400_BAD_REQUEST, "A field is not allowed"),
    KeyReused: (HTTP_422_UNPROCESSABLE_ENTITY, "The idempotency key is taken"),
    OrderNotFound: (HTTP_404_NOT_FOUND, "No such order"),
    OrderArchived: (HTTP_410_GONE, "The order is archived"),
    OrderUnreadable: (HTTP_503_SERVICE_UNAVAILABLE, "The order cannot be read"),
    OrderIdTaken: (HTTP_409_CONFLICT, "The order id is taken"),
    NotCancellable: (HTTP_409_CONFLICT, "The order cannot be cancelled"),
    TakenOver: (HTTP_503_SERVICE_UNAVAILABLE, "Another gateway has the order"),
    BrokenOff: (HTTP_503_SERVICE_UNAVAILABLE, "The request was cancelled"),
    Overloaded: (HTTP_503_SERVICE_UNAVAILABLE, "Too many orders"),
    TooManyStreams: (HTTP_503_SERVICE_UNAVAILABLE, "Too many clients follow the events"),
    DepartmentNotFound: (HTTP_404_NOT_FOUND, "No such department"),
    TicketNotFound: (HTTP_404_NOT_FOUND, "No such ticket"),
    LineNotFound: (HTTP_404_NOT_FOUND, "No such line"),
    ItemNotFound: (HTTP_404_NOT_FOUND, "No such item"),
    StepRefused: (HTTP_409_CONFLICT, "The ticket is in another state"),
    StepIdTaken: (HTTP_409_CONFLICT, "The step id is taken"),
    StockRefused: (HTTP_409_CONFLICT, "The stock does not allow it"),
    ChangeIdTaken: (HTTP_409_CONFLICT, "The change id is taken"),
    DepartmentAway: (HTTP_503_SERVICE_UNAVAILABLE, "The department cannot be reached"),
    SignInNeeded: (HTTP_401_UNAUTHORIZED, "Sign in first"),
    WrongSecret: (HTTP_401_UNAUTHORIZED, "Wrong, used or out of date"),
    NotAllowed: (HTTP_403_FORBIDDEN, "Not allowed"),
    SignInAgain: (HTTP_403_FORBIDDEN, "Enter the PIN again"),
    ForeignOrigin: (HTTP_403_FORBIDDEN, "From another site"),
    TooOften: (HTTP_429_TOO_MANY_REQUESTS, "Too often"),
    NameTaken: (HTTP_409_CONFLICT, "The name is taken"),
    NoSuchEntry: (HTTP_404_NOT_FOUND, "No such entry"),
    DatabaseError: (HTTP_503_SERVICE_UNAVAILABLE, "The journal cannot be used"),
}

_AnyRequest = Request[Any, Any, Any]

_CLIENT_LEFT = "client disconnected prematurely"
"""The detail of the InternalServerException that Litestar raises if a client closes the connection within a body."""

_missing = re.compile(r"Missing required \w+ parameter '(.*)' for path ", re.DOTALL).match


def problem(problem: Problem, headers: dict[str, str] | None = None) -> Response[Problem]:
    """Return a response with a problem."""
    return Response(problem, status_code=problem.status, media_type=PROBLEM_JSON, headers=headers)


def nothing_accepted(order: OrderResponse) -> Response[Problem]:
    """Return the 409 for an order of which no line could be accepted, with the reason of each line."""
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


def problem_of(error: Exception) -> Problem:
    """Return the problem for an exception of the table."""
    status, title = next(STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)
    body = Problem(title=title, status=status, detail=str(error), order_id=getattr(error, "order_id", None))
    if isinstance(error, SignInAgain):
        body.type = SIGN_IN_AGAIN
    if isinstance(error, FieldNotAllowed):
        body.field, body.allowed = error.field, error.allowed
        if error.value is not ABSENT:
            body.value = cast("Scalar", error.value)
    if isinstance(error, (StepRefused, StepIdTaken)) and error.ticket is not None:
        body.ticket = ticket_response(error.ticket)
    if isinstance(error, StockRefused):
        body.stock = None if error.stock is None else stock_response(error.stock)
        body.last_change = None if error.last_change is None else stock_change_response(error.last_change)
    return body


def _known(request: _AnyRequest, error: Exception) -> Response[Problem]:
    """Return the response to an exception of the table."""
    body = problem_of(error)
    if isinstance(error, DatabaseError):
        log.debug("the journal cannot be used", path=request.url.path, reason=str(error))
        body.detail = (
            f"{error}. Nothing is acknowledged: whether the order was stored is not known. "
            "Sending it again with the same order_id is safe."
        )
    headers = {"Retry-After": RETRY_AFTER_SECONDS} if body.status == HTTP_503_SERVICE_UNAVAILABLE else None
    return problem(body, headers)


def _refused(_request: _AnyRequest, error: AccessError) -> Response[Problem]:
    """Return the response to a caller who may not; the pages have one of their own for browsers."""
    body = problem_of(error)
    headers = {"Cache-Control": "no-store", "Vary": "Accept"}
    if isinstance(error, TooOften):
        headers["Retry-After"] = str(error.retry_after)
    if body.status == HTTP_401_UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return problem(body, headers)


def _invalid(request: _AnyRequest, error: ValidationException) -> Response[Problem]:
    """Return the response to parameters, or a body, that do not match what their handler declares."""
    if missing := _missing(error.detail):
        return _known(request, FieldMissing(missing[1], _expected(request, missing[1])))
    for each in error.extra if isinstance(error.extra, list) else ():
        if isinstance(each, dict) and "key" in each:
            return _known(request, _wrong_parameter(request, str(each["key"]), str(each.get("message", ""))))
    return _http(request, error)


def _wrong_parameter(request: _AnyRequest, key: str, message: str) -> FieldNotAllowed:
    """Return the error for a parameter that Litestar refused and named by the handler's argument, `key`."""
    fields = request.route_handler.parsed_fn_signature.parameters
    if key == "data" and message == "'data'":  # Litestar's KeyError for a body that is missing
        return BodyUnreadable("it is empty")
    if key not in fields:
        return FieldNotAllowed(key, ABSENT, f"expected another: {message}")
    name = getattr(fields[key].kwarg_definition, "name", None) or key
    value = request.query_params.get(name, request.headers.get(name, request.cookies.get(name, ABSENT)))
    return FieldNotAllowed("body" if key == "data" else name, value, _expected(request, name))


def _expected(request: _AnyRequest, name: str) -> str:
    """Return in words which values a handler accepts as the parameter of this name."""
    handler = request.route_handler
    for key, field in handler.parsed_fn_signature.parameters.items():
        if name in (key, getattr(field.kwarg_definition, "name", None)):
            return f"expected {describe_parameter(handler.signature_model.__annotations__[key])}"
    return "expected it"


def _http(request: _AnyRequest, error: HTTPException) -> Response[Problem]:
    """Return the response to what Litestar refuses itself: unknown path, wrong method, too large, not JSON."""
    if error.status_code == HTTPStatus.INTERNAL_SERVER_ERROR and error.detail != _CLIENT_LEFT:
        return _unexpected(request, error)
    headers = dict(error.headers or {})
    match error.status_code:
        case HTTPStatus.NOT_FOUND:
            path = request.url.path
            expected = expected_segment(request.app.routes, path)
            detail = f"there is no path {path[:200]}{expected}; /schema describes the paths that exist"
        case HTTPStatus.METHOD_NOT_ALLOWED:
            detail = f"{request.method} is not allowed here: expected one of {headers.get('allow')}"
        case HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            most = request.route_handler.resolve_request_max_body_size()
            detail = f"the body is too large: expected at most {most} bytes"
        case _:
            detail = error.detail
    title = HTTPStatus(error.status_code).phrase
    return problem(Problem(title=title, status=error.status_code, detail=detail), headers)


def _unexpected(request: _AnyRequest, error: Exception) -> Response[Problem]:
    """Return the response to an unexpected exception, and log the exception."""
    log.error("a handler failed", method=request.method, path=request.url.path, exc_info=error)
    return problem(
        Problem(title="A fault in the gateway", status=HTTP_500_INTERNAL_SERVER_ERROR, detail="it has been logged")
    )


HANDLERS: dict[int | type[Exception], Callable[..., Response[Any]]] = {
    GatewayError: _known,
    AccessError: _refused,
    DatabaseError: _known,
    ValidationException: _invalid,
    HTTPException: _http,
    Exception: _unexpected,
}
