"""What a department refuses.

DepartmentError
├── InvalidRequest          a field of the request is not allowed
└── OrderError              it is about one order
    ├── OrderIdTaken        the order id is known, with other lines
    ├── OrderNotFound       no such order here
    ├── StepIdTaken         the step id is known, with another step
    ├── StepRefused
    │   ├── StepConflict    the ticket is not in the state that the caller expects
    │   └── StepNotAllowed  the ticket's state does not allow this step
    └── TicketUnreadable    the ticket was written by another version of the program
"""

from datetime import UTC, datetime


class DepartmentError(Exception):
    """Anything that this package raises on purpose."""


class InvalidRequest(DepartmentError):
    """`field` is not allowed, for the reason that `description` gives."""

    def __init__(self, field: str, description: str) -> None:
        super().__init__(f"{field}: {description}")
        self.field = field
        self.description = description


class OrderError(DepartmentError):
    """Something about one order; `facts` are the same for programs, as text."""

    def __init__(self, order_id: str, message: str, **facts: str) -> None:
        super().__init__(message)
        self.order_id = order_id
        self.facts = {"order_id": order_id} | facts


class OrderIdTaken(OrderError):
    """The order id belongs to an order with other lines."""

    def __init__(self, order_id: str) -> None:
        super().__init__(
            order_id, f"order {order_id} is known here with other lines; a new order needs an id of its own"
        )


class OrderNotFound(OrderError):
    """The department has never heard of the order."""

    def __init__(self, order_id: str) -> None:
        super().__init__(order_id, f"order {order_id} is not known here")


class StepIdTaken(OrderError):
    """The step id belongs to another step that was taken with the same ticket."""

    def __init__(self, order_id: str, step_id: str, verb: str, before: str) -> None:
        reason = f"step {step_id!r} of ticket {order_id} was {verb} from {before}; a new step needs an id of its own"
        super().__init__(order_id, reason, step_id=step_id, verb=verb, expected_state=before)


class StepRefused(OrderError):
    """The step cannot be taken from the ticket's state; `facts` has the state."""


class StepConflict(StepRefused):
    """The ticket is not in the state that the caller expects.

    `moved_by` and `moved_at_ms` belong to the step of the staff that led to its state; 0 where the gateway moved it.
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
    """The ticket is not in a state from which this step is taken."""

    def __init__(self, order_id: str, state: str, verb: str, allowed: str) -> None:
        reason = f"ticket {order_id} is {state}: {verb} is not allowed, {allowed or 'nothing'} is"
        super().__init__(order_id, reason, state=state)


class TicketUnreadable(OrderError):
    """The ticket holds a word that this version of the program does not know; a newer version may have written it."""

    def __init__(self, order_id: str, revision: int, reason: str) -> None:
        super().__init__(order_id, f"ticket {order_id} cannot be read by this version of the program: {reason}")
        self.revision = revision
        self.reason = reason
