"""What the REST layer needs of access."""

from dataclasses import dataclass

from gateway.access.administration import Administration
from gateway.access.signing_in import SigningIn
from gateway.rest.access_check import AccessCheck


@dataclass(frozen=True, slots=True)
class AccessParts:
    """The check of every request, and what the routes of access call."""

    check: AccessCheck
    signing_in: SigningIn
    administration: Administration
    public_url: str = ""
    """Where guests and staff reach the gateway; empty for where each request came."""
