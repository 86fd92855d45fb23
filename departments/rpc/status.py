"""The table from a department's errors to the gRPC statuses that its callers get."""

from typing import Any

from google.rpc.error_details_pb2 import ErrorInfo, PreconditionFailure, RetryInfo
from grpclib.const import Status
from grpclib.exceptions import GRPCError

from departments.domain.errors import (
    ChangeIdTaken,
    DepartmentError,
    DetailedError,
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
    StepRefused,
    StockConflict,
    StockRefused,
    StockTooLow,
    StockUnlimited,
    TicketUnreadable,
    TickNotAllowed,
    TooManyWatchers,
)
from infra.errors import DatabaseError
from infra.grpc.server import invalid_argument

STATUSES: dict[type[DepartmentError], Status] = {
    ChangeIdTaken: Status.ALREADY_EXISTS,
    InvalidRequest: Status.INVALID_ARGUMENT,
    ItemNotFound: Status.NOT_FOUND,
    LineNotCancellable: Status.FAILED_PRECONDITION,
    LineNotFound: Status.OUT_OF_RANGE,
    OrderArchived: Status.ALREADY_EXISTS,
    OrderIdTaken: Status.ALREADY_EXISTS,
    OrderNotFound: Status.NOT_FOUND,
    StepConflict: Status.FAILED_PRECONDITION,
    StepIdTaken: Status.ALREADY_EXISTS,
    StepNotAllowed: Status.FAILED_PRECONDITION,
    StockConflict: Status.FAILED_PRECONDITION,
    StockTooLow: Status.FAILED_PRECONDITION,
    StockUnlimited: Status.FAILED_PRECONDITION,
    TickNotAllowed: Status.FAILED_PRECONDITION,
    TicketUnreadable: Status.RESOURCE_EXHAUSTED,
    TooManyWatchers: Status.RESOURCE_EXHAUSTED,
}


def to_status(error: Exception) -> GRPCError | None:
    """Return the status of an error, with google.rpc details, or None for an error that is a fault of the program."""
    if isinstance(error, InvalidRequest):
        return invalid_argument(error.field, error.description)
    if isinstance(error, DatabaseError):
        details = RetryInfo()
        details.retry_delay.FromSeconds(1)
        return GRPCError(Status.UNAVAILABLE, f"the database is out of order: {error}", [details])
    if isinstance(error, TooManyWatchers):
        return GRPCError(STATUSES[TooManyWatchers], str(error))
    if isinstance(error, DetailedError) and type(error) in STATUSES:
        return GRPCError(STATUSES[type(error)], str(error), _details(error))
    return None


def _details(error: DetailedError) -> list[Any]:
    """Return the facts for programs: ErrorInfo, and PreconditionFailure where a state or stock is the cause."""
    details: list[Any] = [ErrorInfo(reason=type(error).__name__, domain="comanda", metadata=error.facts)]
    failure = PreconditionFailure()
    if isinstance(error, StepRefused):
        failure.violations.add(type="TICKET_STATE", subject=f"tickets/{error.order_id}", description=str(error))
    elif isinstance(error, StockRefused):
        failure.violations.add(type="STOCK", subject=f"stock/{error.item}", description=str(error))
    if failure.violations:
        details.append(failure)
    return details
