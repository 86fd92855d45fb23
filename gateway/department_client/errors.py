"""The errors of a request to a department.

DepartmentCallError
├── Unreachable          there was no response: whether the department carried out the request is not known
├── Deferred             the response decides nothing, or this program has a fault
├── Refused              the department refuses the request, and would refuse it again
│   └── IdTaken              the department has another order with this id
└── NotConfigured        the gateway's settings do not name the department any more
"""


class DepartmentCallError(Exception):
    """Base class: a department did not carry out a request, or is not known to have done so."""


class Unreachable(DepartmentCallError):
    """There was no response, so whether the department carried out the request is not known. A retry is safe."""


class Deferred(DepartmentCallError):
    """A department that can be reached decided nothing. A retry is safe; `cause` is for the log."""

    def __init__(self, department: str, cause: str) -> None:
        super().__init__(f"{department} cannot take it now; it is still being tried")
        self.cause = cause


class Refused(DepartmentCallError):
    """The department refuses the request, and would refuse every retry."""


class IdTaken(Refused):
    """The department has another order with this id."""


class NotConfigured(DepartmentCallError):
    """The gateway's settings do not name the department any more."""

    def __init__(self, department: str) -> None:
        super().__init__(f"there is no department {department} any more")
