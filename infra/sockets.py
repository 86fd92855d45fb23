"""TCP sockets for servers."""

import socket

from infra.addresses import join_address
from infra.errors import StartError


def bind(host: str, port: int) -> socket.socket:
    """Bind a TCP socket; raises StartError if the address is in use or is not of this machine."""
    try:
        family, kind, proto, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError) as error:  # UnicodeError: a name with an empty or too long part
        reason = error.strerror if isinstance(error, OSError) else "that is not a host's name"
        raise StartError(f"cannot listen on {join_address(host, port)}: {reason}") from None
    sock = socket.socket(family, kind, proto)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:  # `::` listens on IPv4, too
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.bind(address)
    except OSError as error:
        sock.close()
        raise StartError(f"cannot listen on {join_address(host, port)}: {error.strerror}") from None
    return sock
