"""Under which address people reach this gateway: it stands in the codes that they scan."""

from urllib.parse import urlsplit

from gateway.rest.requester import Requester
from infra.tls import is_loopback


def own_address(public_url: str, host: str, requester: Requester) -> str:
    """Return the setting's address; without one that which the requester's browser used, `host` being its header."""
    if public_url:
        return public_url
    return f"{'https' if requester.is_secure else 'http'}://{host}"


def is_for_this_machine(address: str) -> bool:
    """Return whether only this machine can open an address."""
    try:
        host = urlsplit(address).hostname
    except ValueError:  # brackets that enclose no address
        return True
    return host is None or is_loopback(host)
