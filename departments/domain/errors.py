"""What a department refuses.

DepartmentError
├── InvalidRequest      a field of the request is not allowed
├── OrderIdTaken        the order id is known, with other lines
├── OrderNotFound       no such order here
└── StepNotAllowed      the ticket's state does not allow this step
"""


class DepartmentError(Exception):
    """Anything that this package raises on purpose."""


class InvalidRequest(DepartmentError):
    """`field` is not allowed, for the reason that `description` gives."""

    def __init__(self, field: str, description: str) -> None:
        super().__init__(f"{field}: {description}")
        self.field = field
        self.description = description


class OrderIdTaken(DepartmentError):
    """The order id belongs to an order with other lines."""

    def __init__(self, order_id: str) -> None:
        super().__init__(f"order {order_id} is known here with other lines; a new order needs an id of its own")
        self.order_id = order_id


class OrderNotFound(DepartmentError):
    """The department has never heard of the order."""

    def __init__(self, order_id: str) -> None:
        super().__init__(f"order {order_id} is not known here")
        self.order_id = order_id


class StepNotAllowed(DepartmentError):
    """The ticket is not in a state from which this step is taken."""

    def __init__(self, order_id: str, state: str, verb: str, allowed: str) -> None:
        super().__init__(f"ticket {order_id} is {state}: {verb} is not allowed, {allowed or 'nothing'} is")
        self.order_id = order_id
