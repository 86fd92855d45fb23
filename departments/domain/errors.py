"""The errors that a department raises on purpose.

DepartmentError
├── InvalidRequest          a field of the request has a value that is not allowed
├── TooManyWatchers         as many watch the department as may
└── DetailedError               an error with facts for programs
    ├── OrderError              the error concerns one order
    │   ├── LineNotFound        the ticket has no line with this number
    │   ├── OrderArchived       the department had the order, and archived its ticket
    │   ├── OrderIdTaken        the department has an order with this id and other lines
    │   ├── OrderNotFound       the department has no order with this id
    │   ├── StepIdTaken         the ticket has a step with this id that is another step
    │   ├── StepRefused
    │   │   ├── LineNotCancellable  the line is not accepted, so there is nothing to cancel
    │   │   ├── StepConflict    the ticket is not in the state that the caller expects
    │   │   ├── StepNotAllowed  the ticket's state does not allow this step
    │   │   └── TickNotAllowed  the ticket or its line is not one that is being made
    │   └── TicketUnreadable    the ticket was written by another version of the program
    └── ItemError               the error concerns the stock of one item
        ├── ChangeIdTaken       there is a stock change with this id that is another change
        ├── ItemNotFound        the department has no stock of this item
        └── StockRefused
            ├── StockConflict   the quantity on hand is not the one that the caller expects
            ├── StockTooLow     less is on hand than the change takes
            └── StockUnlimited  the item has no stock figure that could be changed
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


class DetailedError(DepartmentError):
    """An error whose `facts` repeat the message's values by name, as text, for programs."""

    def __init__(self, message: str, **facts: str) -> None:
        super().__init__(message)
        self.facts = facts


class OrderError(DetailedError):
    """An error that concerns one order."""

    def __init__(self, order_id: str, message: str, **facts: str) -> None:
        super().__init__(message, order_id=order_id, **facts)
        self.order_id = order_id


class LineNotFound(OrderError):
    """The ticket has `lines` lines, and none with this number; they are counted from 0."""

    def __init__(self, order_id: str, line: int, lines: int) -> None:
        has = f"its lines are 0 to {lines - 1}" if lines else "it has no lines"
        super().__init__(order_id, f"ticket {order_id} has no line {line}: {has}", line=str(line))


class OrderArchived(OrderError):
    """The department's ticket of the order was closed long ago and is in an archive; it is not placed again."""

    def __init__(self, order_id: str) -> None:
        super().__init__(order_id, f"order {order_id} was archived here; a new order needs an id of its own")


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
        differs = (
            "has nothing to prepare, as no line was accepted" if state == "none" else f"is {state}, not {expected}"
        )
        super().__init__(
            order_id,
            f"ticket {order_id} {differs}{moved}",
            state=state,
            expected_state=expected,
            moved_by=moved_by,
            moved_at_ms=str(moved_at_ms),
        )


class StepNotAllowed(StepRefused):
    """The ticket's state is not one from which this step can be taken."""

    def __init__(self, order_id: str, state: str, verb: str, allowed: str) -> None:
        rule = f"expected {allowed}" if allowed else "nothing is"
        reason = f"ticket {order_id} is {state}: {verb} is not allowed, {rule}"
        super().__init__(order_id, reason, state=state)


class LineNotCancellable(StepRefused):
    """The line is not accepted: it was refused when the order was placed, or it is cancelled already."""

    def __init__(self, order_id: str, state: str, line: int, outcome: str) -> None:
        reason = f"line {line} of ticket {order_id} is {outcome}: only an accepted line can be cancelled"
        super().__init__(order_id, reason, state=state, line=str(line), outcome=outcome)


class TickNotAllowed(StepRefused):
    """The ticket is not open, or the line was not accepted: nothing of it is being made."""

    def __init__(self, order_id: str, state: str, line: int, outcome: str) -> None:
        open_states = "queued, preparing or ready"
        reason = f"ticket {order_id} is {state}, and line {line} is {outcome}"
        rule = f"only an accepted line of a ticket that is {open_states} can be ticked"
        super().__init__(order_id, f"{reason}: {rule}", state=state, line=str(line), outcome=outcome)


class TicketUnreadable(OrderError):
    """The ticket's row has a value that this version does not know; a newer version may have written it."""

    def __init__(self, order_id: str, revision: int, reason: str) -> None:
        super().__init__(order_id, f"ticket {order_id} cannot be read by this version of the program: {reason}")
        self.revision = revision
        self.reason = reason


class ItemError(DetailedError):
    """An error that concerns the stock of one item."""

    def __init__(self, item: str, message: str, **facts: str) -> None:
        super().__init__(message, item=item, **facts)
        self.item = item


class ChangeIdTaken(ItemError):
    """The change id belongs to another change of the stock, of `item`."""

    def __init__(self, item: str, change_id: str, reason: str, delta: int) -> None:
        known = f"change {change_id!r} of {item} was {reason} of {delta:+d}"
        super().__init__(
            item, f"{known}; a new change needs an id of its own", change_id=change_id, reason=reason, delta=str(delta)
        )


class ItemNotFound(ItemError):
    """The department has no stock of this item."""

    def __init__(self, item: str) -> None:
        super().__init__(item, f"item {item!r} is not known here")


class StockRefused(ItemError):
    """The item's stock does not permit the change; `facts` contain the quantity on hand where there is one."""


class StockConflict(StockRefused):
    """The quantity on hand is not the one that the caller expects."""

    def __init__(self, item: str, on_hand: int, expected: int) -> None:
        super().__init__(
            item, f"{item} has {on_hand} on hand, not {expected}", on_hand=str(on_hand), expected=str(expected)
        )


class StockTooLow(StockRefused):
    """Less is on hand than the change takes."""

    def __init__(self, item: str, on_hand: int, reason: str, delta: int) -> None:
        message = f"{item} has {on_hand} on hand: {reason} of {delta:+d} would leave less than none"
        super().__init__(item, message, on_hand=str(on_hand), delta=str(delta))


class StockUnlimited(StockRefused):
    """The item has no stock figure: only waste can be noted."""

    def __init__(self, item: str, reason: str) -> None:
        super().__init__(item, f"{item} is unlimited: it has no stock figure to change by a {reason}", reason=reason)
