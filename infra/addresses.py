"""Network addresses as text: `host:port`, or `[::1]:port` where the host is an IPv6 address."""

import re
from ipaddress import IPv4Address, IPv6Network, ip_address
from typing import Self

_WRITTEN = re.compile(r"(?:\[(?P<inside>[^\[\]\s]+)\]|(?P<host>[^\[\]:\s]+)):(?P<port>[0-9]+)\Z")
_HIGHEST_PORT = 65535


class Address(str):
    """An address as text that is known to have a host and a port; raises ValueError for any other text."""

    __slots__ = ("host", "port")

    host: str
    """A name or an IP address, without brackets."""
    port: int

    def __new__(cls, text: str) -> Self:
        """Parse an address; raises ValueError."""
        parts = _WRITTEN.match(text)
        if parts is None:
            hint = "; an IPv6 address stands in brackets, as in [::1]:50051" if text.count(":") > 1 else ""
            raise ValueError(f"{text!r} is not host:port{hint}")
        port = int(parts["port"])
        if not 1 <= port <= _HIGHEST_PORT:
            raise ValueError(f"{text!r} has no port from 1 to {_HIGHEST_PORT}")
        address = super().__new__(cls, text)
        address.host, address.port = parts["inside"] or parts["host"], port
        return address

    @classmethod
    def of(cls, host: str, port: int) -> Self:
        """Build the address of a host and its port."""
        return cls(join_address(host, port))


def network_of(address: str) -> str:
    """Return what one client has of addresses: an IPv4 address, the /64 network of an IPv6 address; else the text."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv4Address):
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(IPv6Network((found.packed[:8] + bytes(8), 64)))


def join_address(host: str, port: int) -> str:
    """Join a host and a port as in a URL, with brackets around an IPv6 address; the port may be 0."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
