"""Who makes the request that is being served, for its handler."""

from contextvars import ContextVar
from dataclasses import dataclass

from gateway.access.access import name_of
from gateway.access.administration import By
from gateway.access.guest_limits import GuestLimits
from gateway.domain.access import Action, Caller, Target
from gateway.domain.access_errors import NotAllowed, SignInNeeded


@dataclass(frozen=True, slots=True)
class Requester:
    """The caller, and from where the request came."""

    caller: Caller
    origin: str = ""
    is_secure: bool = False
    """Whether the client speaks TLS."""
    limits: GuestLimits | None = None
    """Where the orders of guests are limited."""
    is_plain: bool = False
    """A guest without limits, for whom an order needs nothing more: the usual case on a laptop."""

    def check(self, action: Action, target: Target) -> None:
        """Raise SignInNeeded or NotAllowed unless the caller may take an action."""
        if not self.caller.may(action, target):
            raise refusal(self.caller, action)

    @property
    def by(self) -> By:
        """Who administers, for the audit log."""
        return By(name_of(self.caller), self.origin)

    def staff_name(self, given: str) -> str:
        """Return who takes a step: the person who signed in; else the name that the request gives, and the device."""
        caller = self.caller
        if caller.person is not None:
            return caller.person
        if caller.name is None:
            return given
        return f"{given} ({caller.name})"[:64] if given else caller.name


def refusal(caller: Caller, action: Action) -> SignInNeeded | NotAllowed:
    """Return the error for a caller who may not take an action: who is unknown may sign in."""
    return SignInNeeded(action) if caller.name is None else NotAllowed(action)


REQUESTER: ContextVar[Requester] = ContextVar("requester")


def requester() -> Requester:
    """Return who makes the request that is being served, as a dependency of handlers."""
    return REQUESTER.get()
