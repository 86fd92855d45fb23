"""The errors of access.

GatewayError
└── AccessError
    ├── SignInNeeded     the caller is unknown, and the action is not a guest's
    ├── NotAllowed       the caller's roles do not include the action
    ├── SignInAgain      the sign-in is too long ago for the action
    ├── ForeignOrigin    a page of another site made the request
    ├── WrongSecret      the PIN, key or code is wrong, used or out of date
    ├── TooOften         the caller has to wait
    ├── NameTaken        a person has the name
    └── NoSuchEntry      there is no such key, person or session
"""

import math

from gateway.domain.access import Action
from gateway.domain.errors import GatewayError


class AccessError(GatewayError):
    """Anything that access refuses."""


class SignInNeeded(AccessError):
    """The caller is unknown, and the action is not a guest's."""

    def __init__(self, action: Action | None = None) -> None:
        super().__init__("the key is not valid" if action is None else f"{action} needs a sign-in or a key")


class NotAllowed(AccessError):
    """The caller's roles do not include the action."""

    def __init__(self, action: Action, reason: str = "the caller's role does not include it") -> None:
        super().__init__(f"{action} is not allowed: {reason}")


class SignInAgain(AccessError):
    """The sign-in is too long ago for the action, or was that of somebody who may not take it."""

    def __init__(self, action: Action, seconds: float) -> None:
        super().__init__(f"{action} needs a manager's sign-in of the last {seconds:g} s: enter the PIN again")


class ForeignOrigin(AccessError):
    """A page of another site made the request."""

    def __init__(self) -> None:
        super().__init__("a request with a session has to come from this site's own pages; programs send a key")


class WrongSecret(AccessError):
    """The PIN, key or code is wrong, used or out of date; which of them is not said."""

    def __init__(self, what: str) -> None:
        super().__init__(f"the {what} is wrong, used or out of date")


class TooOften(AccessError):
    """The caller has to wait."""

    def __init__(self, what: str, seconds: float) -> None:
        self.retry_after = max(1, math.ceil(seconds))
        super().__init__(f"{what}: expected another try after {self.retry_after} s")


class NameTaken(AccessError):
    """A person has the name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is a person {name!r} already")


class NoSuchEntry(AccessError):
    """There is no such key, person or session."""

    def __init__(self, what: str) -> None:
        super().__init__(f"there is no {what}, or it was revoked")
