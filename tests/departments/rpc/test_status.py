from collections.abc import Iterator

import pytest
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, PreconditionFailure, RetryInfo
from grpclib.const import Status

from departments.domain.errors import (
    ChangeIdTaken,
    DepartmentError,
    InvalidRequest,
    ItemNotFound,
    LineNotCancellable,
    LineNotFound,
    OrderArchived,
    OrderIdTaken,
    OrderNotFound,
    StepConflict,
    StepIdTaken,
    StepNotAllowed,
    StockConflict,
    StockTooLow,
    StockUnlimited,
    TicketUnreadable,
    TickNotAllowed,
    TooManyWatchers,
)
from departments.rpc.status import STATUSES, to_status
from infra.errors import DatabaseError
from tests.support.department_factories import new_id

ORDER = new_id()

EXAMPLES: dict[type[DepartmentError], DepartmentError] = {
    InvalidRequest: InvalidRequest("notes[3]", "0 to 200 characters are allowed"),
    OrderArchived: OrderArchived(ORDER),
    OrderIdTaken: OrderIdTaken(ORDER),
    OrderNotFound: OrderNotFound(ORDER),
    StepConflict: StepConflict(ORDER, "ready", "preparing", "Ana", 1_800_000_000_000),
    StepIdTaken: StepIdTaken(ORDER, "a", "start", "queued"),
    StepNotAllowed: StepNotAllowed(ORDER, "served", "start", "recall"),
    TicketUnreadable: TicketUnreadable(ORDER, 7, "'plated' is not a valid TicketState"),
    LineNotCancellable: LineNotCancellable(ORDER, "queued", 1, "out_of_stock"),
    LineNotFound: LineNotFound(ORDER, 3, 2),
    TickNotAllowed: TickNotAllowed(ORDER, "served", 1, "accepted"),
    ChangeIdTaken: ChangeIdTaken("coffee", "a", "delivery", 5),
    ItemNotFound: ItemNotFound("coffee"),
    StockConflict: StockConflict("coffee", 7, 8),
    StockTooLow: StockTooLow("coffee", 7, "waste", -8),
    StockUnlimited: StockUnlimited("coffee", "count"),
    TooManyWatchers: TooManyWatchers(64),
}

FACTS: dict[type[DepartmentError], dict[str, str]] = {
    OrderArchived: {},
    OrderIdTaken: {},
    OrderNotFound: {},
    StepConflict: {
        "state": "ready",
        "expected_state": "preparing",
        "moved_by": "Ana",
        "moved_at_ms": "1800000000000",
    },
    StepIdTaken: {"step_id": "a", "verb": "start", "expected_state": "queued"},
    StepNotAllowed: {"state": "served"},
    TicketUnreadable: {},
    LineNotCancellable: {"state": "queued", "line": "1", "outcome": "out_of_stock"},
    LineNotFound: {"line": "3"},
    TickNotAllowed: {"state": "served", "line": "1", "outcome": "accepted"},
}

ITEM_FACTS: dict[type[DepartmentError], dict[str, str]] = {
    ChangeIdTaken: {"change_id": "a", "reason": "delivery", "delta": "5"},
    ItemNotFound: {},
    StockConflict: {"on_hand": "7", "expected": "8"},
    StockTooLow: {"on_hand": "7", "delta": "-8"},
    StockUnlimited: {"reason": "count"},
}


def kinds(kind: type[DepartmentError] = DepartmentError) -> Iterator[type[DepartmentError]]:
    """List the errors that are raised: those that have no narrower ones."""
    for narrower in kind.__subclasses__():
        if not narrower.__subclasses__():
            yield narrower
        yield from kinds(narrower)


def test_the_table_knows_every_error_and_no_other() -> None:
    assert set(STATUSES) == set(kinds()) == set(EXAMPLES)


@pytest.mark.parametrize("kind", EXAMPLES)
def test_every_error_gets_the_status_of_the_table_and_its_own_words(kind: type[DepartmentError]) -> None:
    status = to_status(EXAMPLES[kind])
    assert status is not None
    assert (status.status, status.message) == (STATUSES[kind], str(EXAMPLES[kind]))


def test_the_statuses_are_those_that_clients_rely_on() -> None:
    assert {
        InvalidRequest: Status.INVALID_ARGUMENT,
        OrderArchived: Status.ALREADY_EXISTS,
        OrderIdTaken: Status.ALREADY_EXISTS,
        OrderNotFound: Status.NOT_FOUND,
        StepConflict: Status.FAILED_PRECONDITION,
        StepIdTaken: Status.ALREADY_EXISTS,
        StepNotAllowed: Status.FAILED_PRECONDITION,
        TicketUnreadable: Status.RESOURCE_EXHAUSTED,
        LineNotCancellable: Status.FAILED_PRECONDITION,
        LineNotFound: Status.OUT_OF_RANGE,
        TickNotAllowed: Status.FAILED_PRECONDITION,
        ChangeIdTaken: Status.ALREADY_EXISTS,
        ItemNotFound: Status.NOT_FOUND,
        StockConflict: Status.FAILED_PRECONDITION,
        StockTooLow: Status.FAILED_PRECONDITION,
        StockUnlimited: Status.FAILED_PRECONDITION,
        TooManyWatchers: Status.RESOURCE_EXHAUSTED,
    } == STATUSES


def test_an_invalid_request_names_its_field() -> None:
    status = to_status(EXAMPLES[InvalidRequest])
    assert status is not None
    violation = BadRequest.FieldViolation(field="notes[3]", description="0 to 200 characters are allowed")
    assert status.details == [BadRequest(field_violations=[violation])]


@pytest.mark.parametrize("kind", FACTS)
def test_an_error_about_an_order_names_the_order_its_reason_and_what_else_is_known(kind: type[DepartmentError]) -> None:
    status = to_status(EXAMPLES[kind])
    assert status is not None
    metadata = {"order_id": ORDER} | FACTS[kind]
    assert status.details[0] == ErrorInfo(reason=kind.__name__, domain="comanda", metadata=metadata)


@pytest.mark.parametrize("kind", FACTS)
def test_a_step_that_the_state_does_not_allow_is_a_precondition_about_its_ticket(kind: type[DepartmentError]) -> None:
    status = to_status(EXAMPLES[kind])
    assert status is not None
    violation = PreconditionFailure.Violation(
        type="TICKET_STATE", subject=f"tickets/{ORDER}", description=str(EXAMPLES[kind])
    )
    about_states = [PreconditionFailure(violations=[violation])]
    is_refused = kind in (StepConflict, StepNotAllowed, TickNotAllowed, LineNotCancellable)
    assert status.details[1:] == (about_states if is_refused else [])


@pytest.mark.parametrize("kind", ITEM_FACTS)
def test_an_error_about_stock_names_the_item_and_the_figure_as_it_is(kind: type[DepartmentError]) -> None:
    status = to_status(EXAMPLES[kind])
    assert status is not None
    metadata = {"item": "coffee"} | ITEM_FACTS[kind]
    assert status.details[0] == ErrorInfo(reason=kind.__name__, domain="comanda", metadata=metadata)
    violation = PreconditionFailure.Violation(type="STOCK", subject="stock/coffee", description=str(EXAMPLES[kind]))
    about_stock = [PreconditionFailure(violations=[violation])]
    is_refused = kind in (StockConflict, StockTooLow, StockUnlimited)
    assert status.details[1:] == (about_stock if is_refused else [])


def test_a_database_that_fails_is_unavailable_and_worth_another_try() -> None:
    status = to_status(DatabaseError("disk full"))
    assert status is not None
    assert (status.status, status.message) == (Status.UNAVAILABLE, "the database is out of order: disk full")
    (retry,) = status.details
    assert isinstance(retry, RetryInfo)
    assert retry.retry_delay.ToSeconds() == 1


@pytest.mark.parametrize("error", [ValueError("a fault"), KeyError("coffee"), DepartmentError("of no kind")])
def test_an_unexpected_error_is_left_to_the_server(error: Exception) -> None:
    assert to_status(error) is None
