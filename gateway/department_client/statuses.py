"""What each gRPC status means when a department ends a call, or one batch of a stream, with it."""

from collections.abc import Mapping
from enum import Enum

from grpclib.const import Status


class Meaning(Enum):
    """The meaning of a status for the batch that it ends."""

    NO_RESPONSE = "the department did not respond, or rejects every call of this gateway; the breaker opens"
    REFUSED = "the department refuses an order of the batch, and would refuse it again"
    TOO_MUCH = "one order of the batch, or its size, exceeds a limit; a smaller batch may succeed"
    UNDECIDED = "the department has decided nothing; a retry may succeed"


MEANINGS: Mapping[Status, Meaning] = {
    Status.OK: Meaning.UNDECIDED,  # an error never has it
    Status.CANCELLED: Meaning.UNDECIDED,
    Status.UNKNOWN: Meaning.UNDECIDED,
    Status.INVALID_ARGUMENT: Meaning.REFUSED,
    Status.DEADLINE_EXCEEDED: Meaning.NO_RESPONSE,
    Status.NOT_FOUND: Meaning.REFUSED,
    Status.ALREADY_EXISTS: Meaning.REFUSED,
    Status.PERMISSION_DENIED: Meaning.NO_RESPONSE,  # it concerns the caller: a setting or a certificate is wrong
    Status.RESOURCE_EXHAUSTED: Meaning.TOO_MUCH,
    Status.FAILED_PRECONDITION: Meaning.REFUSED,
    Status.ABORTED: Meaning.UNDECIDED,
    Status.OUT_OF_RANGE: Meaning.REFUSED,
    Status.UNIMPLEMENTED: Meaning.UNDECIDED,
    Status.INTERNAL: Meaning.UNDECIDED,
    Status.UNAVAILABLE: Meaning.NO_RESPONSE,
    Status.DATA_LOSS: Meaning.UNDECIDED,
    Status.UNAUTHENTICATED: Meaning.NO_RESPONSE,  # likewise
}

MAY_SPLIT = frozenset({Meaning.REFUSED, Meaning.TOO_MUCH})
"""The meanings after which a batch is sent again in halves, until the order that causes them is alone."""
