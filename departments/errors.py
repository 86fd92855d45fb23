"""One table: what a department raises -> the gRPC status that its caller gets."""

from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from grpclib.const import Status
from grpclib.exceptions import GRPCError

from departments.domain.errors import (
    DepartmentError,
    InvalidRequest,
    OrderIdTaken,
    OrderNotFound,
    StepNotAllowed,
)
from plumbing.errors import DatabaseError
from plumbing.grpc_server import invalid_argument

STATUSES: dict[type[DepartmentError], Status] = {
    InvalidRequest: Status.INVALID_ARGUMENT,
    OrderIdTaken: Status.ALREADY_EXISTS,
    OrderNotFound: Status.NOT_FOUND,
    StepNotAllowed: Status.FAILED_PRECONDITION,
}


def to_status(error: Exception) -> GRPCError | None:
    """Translate an error, with google.rpc details; None for one that nobody foresaw."""
    if isinstance(error, InvalidRequest):
        return invalid_argument(error.field, error.description)
    if isinstance(error, DatabaseError):
        details = RetryInfo()
        details.retry_delay.FromSeconds(1)
        return GRPCError(Status.UNAVAILABLE, f"the database is out of order: {error}", [details])
    if isinstance(error, (OrderIdTaken, OrderNotFound, StepNotAllowed)):
        info = ErrorInfo(reason=type(error).__name__, domain="comanda", metadata={"order_id": error.order_id})
        return GRPCError(STATUSES[type(error)], str(error), [info])
    return None
