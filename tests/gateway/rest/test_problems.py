"""The table of errors is complete, and each error becomes the problem that it should."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from litestar import Request
from litestar.exceptions import HTTPException, ValidationException

from gateway.domain import access_errors, errors, staff_errors
from gateway.domain.access import Action
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
    BodyUnreadable,
    BrokenOff,
    FieldMissing,
    FieldNotAllowed,
    GatewayError,
    KeyMismatch,
    KeyReused,
    NotCancellable,
    NoteTooLong,
    NulCharacter,
    OrderArchived,
    OrderIdTaken,
    OrderNotFound,
    OrderUnreadable,
    Overloaded,
    QuantityTooLarge,
    TakenOver,
    TooManyLines,
    TooManyStreams,
    UnknownDepartment,
    UnknownParameter,
)
from gateway.domain.staff_errors import (
    ChangeIdTaken,
    DepartmentAway,
    DepartmentNotFound,
    ItemNotFound,
    LineNotFound,
    StaffError,
    StepIdTaken,
    StepRefused,
    StockRefused,
    TicketNotFound,
)
from gateway.rest.problem_schemas import Problem, Scalar
from gateway.rest.problems import HANDLERS, PROBLEM_JSON, STATUSES
from infra.errors import DatabaseError
from tests.support.fake_watches import live_stock, live_ticket
from tests.support.orders import new_id

ORDER_ID = new_id()
EXAMPLES: list[tuple[Exception, int]] = [
    (FieldNotAllowed("table", "", "expected text"), 400),
    (BodyUnreadable("it is empty"), 400),
    (FieldMissing("lines", "expected a list"), 400),
    (UnknownParameter("colour", "red", {"limit"}), 400),
    (KeyMismatch("Idempotency-Key", "k", new_id(), ORDER_ID), 400),
    (UnknownDepartment("lines[0].department", "pub", {"bar"}), 400),
    (TooManyLines(51, 50), 400),
    (QuantityTooLarge("lines[0].quantity", 10**30, 1000), 400),
    (NoteTooLong("lines[0].note", "x" * 300, 200), 400),
    (NulCharacter("table", "\0"), 400),
    (OrderNotFound(ORDER_ID), 404),
    (OrderUnreadable(ORDER_ID, "Invalid enum value 'reserve'"), 503),
    (OrderArchived(ORDER_ID), 410),
    (OrderIdTaken(ORDER_ID), 409),
    (KeyReused(ORDER_ID), 422),
    (NotCancellable(ORDER_ID, "bar has it ready"), 409),
    (Overloaded(5000), 503),
    (TooManyStreams(2000), 503),
    (BrokenOff(ORDER_ID), 503),
    (TakenOver(ORDER_ID), 503),
    (DepartmentNotFound("pub", {"bar"}), 404),
    (TicketNotFound("bar", ORDER_ID), 404),
    (LineNotFound(live_ticket(ORDER_ID), 7), 404),
    (ItemNotFound("bar", "mocha", ["coffee"]), 404),
    (StepRefused("it is preparing, not queued", ORDER_ID, live_ticket(ORDER_ID)), 409),
    (StepIdTaken("step s1 was another", ORDER_ID, None), 409),
    (StockRefused("coffee has 3 on hand, not 4", live_stock("coffee", 3), None), 409),
    (ChangeIdTaken("change c1 was another", live_stock("coffee", 3), None), 409),
    (DepartmentAway("bar", "Connection refused"), 503),
    (SignInNeeded(Action.ORDER_LIST), 401),
    (WrongSecret("name or PIN"), 401),
    (NotAllowed(Action.STOCK_CHANGE), 403),
    (SignInAgain(Action.ACCESS_MANAGE, 300.0), 403),
    (ForeignOrigin(), 403),
    (TooOften("6 orders a minute", 12.0), 429),
    (NameTaken("Ada"), 409),
    (NoSuchEntry("key 0123abcd"), 404),
    (DatabaseError("the disk is gone"), 503),
]


def test_every_error_of_the_gateway_has_a_status() -> None:
    for kind in kinds_that_are_raised():
        assert any(base in STATUSES for base in kind.__mro__), f"{kind.__name__} has no status"


def test_every_error_of_the_gateway_has_an_example_below_and_is_in_the_tree_of_the_docstring() -> None:
    kinds = kinds_that_are_raised()
    assert kinds == {type(error) for error, _ in EXAMPLES} - {DatabaseError}
    for kind in kinds:
        assert f"── {kind.__name__} " in f"{errors.__doc__}{staff_errors.__doc__}{access_errors.__doc__}"


def test_the_table_holds_nothing_that_is_not_raised() -> None:
    assert set(STATUSES) <= {*kinds_that_are_raised(), DatabaseError}


@pytest.mark.parametrize(("error", "status"), EXAMPLES, ids=lambda value: type(value).__name__)
def test_an_error_is_a_problem_with_its_facts(error: Exception, status: int) -> None:
    body = _problem(error)
    assert body.status == status
    assert body.title
    assert str(error) in body.detail
    if isinstance(error, FieldNotAllowed):
        assert body.field == error.field
        assert body.allowed == error.allowed
        assert body.field in body.detail
        assert body.allowed in body.detail
    if getattr(error, "ticket", None) is not None:
        assert (body.ticket is None) == isinstance(error, LineNotFound)
    assert (body.stock is None) == (getattr(error, "stock", None) is None)
    if hasattr(error, "order_id"):
        assert body.order_id == ORDER_ID


@pytest.mark.parametrize(("error", "status"), EXAMPLES, ids=lambda value: type(value).__name__)
def test_a_503_says_when_to_try_again(error: Exception, status: int) -> None:
    headers = _respond(error).headers
    assert headers.get("Retry-After") == {503: "1", 429: "12"}.get(status)


def test_every_value_that_is_shown_is_a_scalar() -> None:
    for value in ([1], {"a": 1}, None, True, 1, 1.5, "text", 10**100):
        shown = _problem(FieldNotAllowed("field", value, "expected another")).value
        assert msgspec.convert(shown, Scalar) == shown


def test_the_detail_of_litestars_own_exceptions_is_kept() -> None:
    body = _problem(HTTPException("the teapot is empty", status_code=418))
    assert (body.status, body.title, body.detail) == (418, "I'm a Teapot", "the teapot is empty")


def test_any_other_exception_is_a_500_without_its_message() -> None:
    body = _problem(ZeroDivisionError("a secret"))
    assert body.status == 500
    assert "secret" not in body.detail


def test_handlers_are_found_for_every_kind() -> None:
    for kind in (*_kinds(GatewayError), DatabaseError, ValidationException, HTTPException, KeyError):
        assert _handler(kind) is not None


def kinds_that_are_raised() -> set[type[GatewayError]]:
    """All kinds of errors; of StaffError and AccessError only those below it are raised."""
    return set(_kinds(GatewayError)) - {StaffError, AccessError}


def _kinds(kind: type[GatewayError]) -> Iterator[type[GatewayError]]:
    for each in kind.__subclasses__():
        yield each
        yield from _kinds(each)


def _handler(kind: type[Exception]) -> Any:
    return next(HANDLERS[base] for base in kind.__mro__ if base in HANDLERS)


def _respond(error: Exception) -> Any:
    scope: Any = {"type": "http", "method": "POST", "path": "/orders", "query_string": b"", "headers": []}
    request: Request[Any, Any, Any] = Request(scope | {"server": ("gateway.test", 80), "scheme": "http"})
    response = _handler(type(error))(request, error)
    assert response.media_type == PROBLEM_JSON
    assert response.status_code == response.content.status
    return response


def _problem(error: Exception) -> Problem:
    body: Problem = _respond(error).content
    return body
