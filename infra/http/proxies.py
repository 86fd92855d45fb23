"""Whose address a request comes from: the connection's, or the one that a proxy names, where the proxy is trusted."""

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

FORWARDED_FOR = b"x-forwarded-for"
FORWARDED_PROTO = b"x-forwarded-proto"

UNKNOWN = "unknown"
"""The address of a client that the server does not know: one without a socket."""


class Proxies:
    """The proxies in front of this server, by addresses and networks."""

    def __init__(self, trusted: Iterable[str] = ()) -> None:
        """Trust these; raises ValueError for a text that is no address and no network."""
        self._trusted: list[IPv4Network | IPv6Network] = [ip_network(text) for text in trusted]

    def address(self, scope: Mapping[str, Any], headers: Mapping[bytes, bytes]) -> str:
        """Return the client's address.

        Of `X-Forwarded-For` the last address counts that is not a trusted proxy's: what stands before it may be the
        client's invention.
        """
        client = scope.get("client")
        address = client[0] if client else UNKNOWN
        if not self._is_trusted(address):
            return address
        for part in reversed(headers.get(FORWARDED_FOR, b"").decode("latin-1").split(",")):
            named = part.strip()
            if not _is_address(named):
                break
            address = named
            if not self._is_trusted(named):
                break
        return address

    def is_secure(self, scope: Mapping[str, Any], headers: Mapping[bytes, bytes]) -> bool:
        """Return whether the client speaks TLS, with this server or with a trusted proxy."""
        if scope.get("scheme") == "https":
            return True
        client = scope.get("client")
        return client is not None and self._is_trusted(client[0]) and headers.get(FORWARDED_PROTO) == b"https"

    def _is_trusted(self, address: str) -> bool:
        if not self._trusted or not _is_address(address):
            return False
        found = ip_address(address)
        return any(found in network for network in self._trusted if network.version == found.version)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
