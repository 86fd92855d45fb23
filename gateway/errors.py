"""One table: what the gateway raises -> problem+json (RFC 9457)."""

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
    HTTP_500_INTERNAL_SERVER_ERROR,
    HTTP_503_SERVICE_UNAVAILABLE,
)

from gateway.bodies import rule
from gateway.domain.errors import (
    ABSENT,
    BrokenOff,
    GatewayError,
    NotCancellable,
    OrderIdTaken,
    OrderNotFound,
    OrderUnreadable,
    Overloaded,
    RuleBroken,
    TakenOver,
)
from gateway.schemas import OrderResponse, Problem, Scalar
from plumbing.errors import DatabaseError

PROBLEM_JSON = "application/problem+json"
RETRY_AFTER_SECONDS = "1"

log = structlog.get_logger("gateway")

STATUSES: dict[type[Exception], tuple[int, str]] = {
    RuleBroken: (HTTP_400_BAD_REQUEST, "A field is not allowed"),
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
    """Answer a query that does not fit the contract."""
    field = cast("list[dict[str, str]]", error.extra)[0]["key"]
    kind = request.route_handler.signature_model.__annotations__[field]
    return _known(request, RuleBroken(field, request.query_params.get(field), f"expected {rule(kind)}"))


def _http(request: _AnyRequest, error: HTTPException) -> Response[Problem]:
    """Answer what Litestar refuses by itself: no such path, wrong method, too large, not JSON."""
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
