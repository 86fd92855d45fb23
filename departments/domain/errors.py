"""The errors that a department raises on purpose.

DepartmentError
├── InvalidRequest          a field of the request has a value that is not allowed
├── TooManyWatchers         as many watch the department as may
└── OrderError              the error concerns one order
    ├── OrderIdTaken        the department has an order with this id and other lines
    ├── OrderNotFound       the department has no order with this id
    ├── StepIdTaken         the ticket has a step with this id that is another step
    ├── StepRefused
    │   ├── StepConflict    the ticket is not in the state that the caller expects
    │   └── StepNotAllowed  the ticket's state does not allow this step
    └── TicketUnreadable    the ticket was written by another version of the program
"""

from datetime import UTC, datetime


class DepartmentError(Exception):
    """Base class of every error that a department raises on purpose."""


class InvalidRequest(DepartmentError):
    """The value of `field` is not allowed, for the reason in `description`."""

    def __init__(self, field: str, description: str) -> None:
        super().__init__(f"{field}: {description}")
        self.field = field
        self.description = description


class TooManyWatchers(DepartmentError):
    """As many callers watch the department's changes as may do so at the same time."""

    def __init__(self, most: int) -> None:
        super().__init__(f"{most} callers watch this department, and no more may")


class OrderError(DepartmentError):
    """An error that concerns one order; `facts` repeat the message's values by name, as text, for programs."""

    def __init__(self, order_id: str, message: str, **facts: str) -> None:
        super().__init__(message)
        self.order_id = order_id
        self.facts = {"order_id": order_id} | facts


class OrderIdTaken(OrderError):
    """The department has an order with this id, and its lines differ."""

    def __init__(self, order_id: str) -> None:
        super().__init__(
            order_id, f"order {order_id} is known here with other lines; a new order needs an id of its own"
        )


class OrderNotFound(OrderError):
    """The department has no order with this id."""

    def __init__(self, order_id: str) -> None:
        super().__init__(order_id, f"order {order_id} is not known here")


class StepIdTaken(OrderError):
    """The step id belongs to another step of the same ticket."""

    def __init__(self, order_id: str, step_id: str, verb: str, before: str) -> None:
        reason = f"step {step_id!r} of ticket {order_id} was {verb} from {before}; a new step needs an id of its own"
        super().__init__(order_id, reason, step_id=step_id, verb=verb, expected_state=before)


class StepRefused(OrderError):
    """The ticket's state does not permit the step; `facts` contains the state."""


class StepConflict(StepRefused):
    """The ticket is not in the state that the caller expects.

    `moved_by` and `moved_at_ms` are those of the staff's step that led to the present state; `moved_at_ms` is 0 where
    the gateway changed the state.
    """

    def __init__(self, order_id: str, state: str, expected: str, moved_by: str, moved_at_ms: int) -> None:
        moved = ""
        if moved_at_ms:
            time = datetime.fromtimestamp(moved_at_ms / 1000, UTC).isoformat(timespec="seconds")
            moved = f"; {moved_by or 'the staff'} moved it at {time}"
        super().__init__(
            order_id,
            f"ticket {order_id} is {state}, not {expected}{moved}",
            state=state,
            expected_state=expected,
            moved_by=moved_by,
            moved_at_ms=str(moved_at_ms),
        )


class StepNotAllowed(StepRefused):
    """The ticket's state is not one from which this step can be taken."""

    def __init__(self, order_id: str, state: str, verb: str, allowed: str) -> None:
        reason = f"ticket {order_id} is {state}: {verb} is not allowed, {allowed or 'nothing'} is"
        super().__init__(order_id, reason, state=state)


class TicketUnreadable(OrderError):
    """The ticket's row has a value that this version does not know; a newer version may have written it."""

    def __init__(self, order_id: str, revision: int, reason: str) -> None:
        super().__init__(order_id, f"ticket {order_id} cannot be read by this version of the program: {reason}")
        self.revision = revision
        self.reason = reason
