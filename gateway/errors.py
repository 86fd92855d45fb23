"""One table: what the gateway raises -> problem+json (RFC 9457)."""

import re
from collections.abc import Callable
from typing import Any

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

from gateway.domain.errors import (
    GatewayError,
    NotCancellable,
    OrderIdTaken,
    OrderNotFound,
    Overloaded,
    RuleBroken,
    TakenOver,
)
from gateway.schemas import OrderResponse, Problem
from plumbing.errors import DatabaseError

PROBLEM_JSON = "application/problem+json"
RETRY_AFTER_SECONDS = "1"

log = structlog.get_logger("gateway")

STATUSES: dict[type[Exception], tuple[int, str]] = {
    RuleBroken: (HTTP_400_BAD_REQUEST, "A field is not allowed"),
    OrderNotFound: (HTTP_404_NOT_FOUND, "No such order"),
    OrderIdTaken: (HTTP_409_CONFLICT, "The order id is taken"),
    NotCancellable: (HTTP_409_CONFLICT, "The order cannot be cancelled"),
    TakenOver: (HTTP_503_SERVICE_UNAVAILABLE, "The order changed hands"),
    Overloaded: (HTTP_503_SERVICE_UNAVAILABLE, "Too many orders"),
    DatabaseError: (HTTP_503_SERVICE_UNAVAILABLE, "The journal cannot be used"),
}

_AnyRequest = Request[Any, Any, Any]
_Place = re.compile(r"^(?P<reason>.*?) - at `\$(?P<path>[^`]*)`$", re.DOTALL)


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
        answer.value = error.value if isinstance(error.value, (str, int, float)) else str(error.value)
    if isinstance(error, DatabaseError):
        log.error("the journal cannot be used", path=request.url.path, reason=str(error))
        answer.detail = (
            f"{error}. Nothing is acknowledged: whether the order was written down is not known. "
            "Sending it again with the same order_id is safe."
        )
    headers = {"Retry-After": RETRY_AFTER_SECONDS} if status == HTTP_503_SERVICE_UNAVAILABLE else None
    return problem(answer, headers)


def _invalid(_request: _AnyRequest, error: ValidationException) -> Response[Problem]:
    """Answer a request that does not fit the contract; names the field, the value and what is allowed."""
    extra = error.extra[0] if isinstance(error.extra, list) and error.extra else {}
    message = str(extra.get("message", error.detail)) if isinstance(extra, dict) else str(error.detail)
    field = str(extra.get("key", "")) if isinstance(extra, dict) else ""
    source = str(extra.get("source", "body")) if isinstance(extra, dict) else "body"
    return problem(
        Problem(
            title="The request is not valid",
            status=error.status_code,
            detail=f"{field or source}: {message}",
            field=field or source,
            allowed=message,
        )
    )


def _http(_request: _AnyRequest, error: HTTPException) -> Response[Problem]:
    """Answer what Litestar refuses by itself: no such path, wrong method, too large, not JSON."""
    title = type(error).__name__.removesuffix("Exception")
    detail = error.detail or title
    return problem(Problem(title=title, status=error.status_code, detail=detail), dict(error.headers or {}))


def _too_deep(_request: _AnyRequest, _error: RecursionError) -> Response[Problem]:
    """Answer JSON that is nested deeper than anything here could mean."""
    return problem(
        Problem(title="The request is not valid", status=400, detail="body: JSON nested too deeply", field="body")
    )


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
    RecursionError: _too_deep,
    Exception: _unforeseen,
}
