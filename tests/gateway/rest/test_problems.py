"""The table of errors is complete, and says what each is."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from litestar import Request
from litestar.exceptions import HTTPException, ValidationException

from gateway.domain import errors
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
    OrderIdTaken,
    OrderNotFound,
    OrderUnreadable,
    Overloaded,
    QuantityTooLarge,
    TakenOver,
    TooManyLines,
    UnknownDepartment,
    UnknownParameter,
)
from gateway.rest.problems import HANDLERS, PROBLEM_JSON, STATUSES
from gateway.rest.schemas import Problem, Scalar
from infra.errors import DatabaseError
from tests.gateway.fakes import new_id

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
    (OrderIdTaken(ORDER_ID), 409),
    (KeyReused(ORDER_ID), 422),
    (NotCancellable(ORDER_ID, "bar has it ready"), 409),
    (Overloaded(5000), 503),
    (BrokenOff(ORDER_ID), 503),
    (TakenOver(ORDER_ID), 503),
    (DatabaseError("the disk is gone"), 503),
]


def test_every_error_of_the_gateway_has_a_status() -> None:
    for kind in _kinds(GatewayError):
        assert any(base in STATUSES for base in kind.__mro__), f"{kind.__name__} has no status"


def test_every_error_of_the_gateway_is_tried_below_and_stands_in_the_tree_of_the_docstring() -> None:
    kinds = set(_kinds(GatewayError))
    assert kinds == {type(error) for error, _ in EXAMPLES} - {DatabaseError}
    for kind in kinds:
        assert f"── {kind.__name__} " in str(errors.__doc__)


def test_the_table_holds_nothing_that_is_not_raised() -> None:
    assert set(STATUSES) <= {*_kinds(GatewayError), DatabaseError}


@pytest.mark.parametrize(("error", "status"), EXAMPLES, ids=lambda value: type(value).__name__)
def test_an_error_is_a_problem_with_its_facts(error: Exception, status: int) -> None:
    answer = _answer(error)
    assert answer.status == status
    assert answer.title
    assert str(error) in answer.detail
    if isinstance(error, FieldNotAllowed):
        assert answer.field == error.field
        assert answer.allowed == error.allowed
        assert answer.field in answer.detail
        assert answer.allowed in answer.detail
    if hasattr(error, "order_id"):
        assert answer.order_id == ORDER_ID


@pytest.mark.parametrize(("error", "status"), EXAMPLES, ids=lambda value: type(value).__name__)
def test_an_error_that_will_pass_says_when_to_come_again(error: Exception, status: int) -> None:
    headers = _respond(error).headers
    assert headers.get("Retry-After") == ("1" if status == 503 else None)


def test_every_value_that_is_shown_is_a_scalar() -> None:
    for value in ([1], {"a": 1}, None, True, 1, 1.5, "text", 10**100):
        shown = _answer(FieldNotAllowed("field", value, "expected another")).value
        assert msgspec.convert(shown, Scalar) == shown


def test_what_litestar_refuses_by_itself_keeps_its_words() -> None:
    answer = _answer(HTTPException("the teapot is empty", status_code=418))
    assert (answer.status, answer.title, answer.detail) == (418, "I'm a Teapot", "the teapot is empty")


def test_whatever_else_is_raised_is_a_fault_of_ours_that_tells_nothing() -> None:
    answer = _answer(ZeroDivisionError("a secret"))
    assert answer.status == 500
    assert "secret" not in answer.detail


def test_handlers_are_found_for_every_kind() -> None:
    for kind in (*_kinds(GatewayError), DatabaseError, ValidationException, HTTPException, KeyError):
        assert _handler(kind) is not None


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


def _answer(error: Exception) -> Problem:
    answer: Problem = _respond(error).content
    return answer
