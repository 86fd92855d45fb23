"""An address that is silent to whoever connects, as that of a machine that has gone."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from infra.grpc.connecting import AddressInfo


@contextmanager
def silent_address(host: str = "127.0.0.1") -> Iterator[AddressInfo]:
    """Return an address on this machine at which connections are neither made nor refused: its queue is full."""
    with ExitStack() as opened:
        server = opened.enter_context(socket.socket())
        server.bind((host, 0))
        server.listen(0)
        for _ in range(4):
            client = opened.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(server.getsockname())
        yield address_info(server)


def address_info(sock: socket.socket) -> AddressInfo:
    """Return what a resolver says of the address at which a socket listens."""
    return (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", sock.getsockname())


def free_address() -> AddressInfo:
    """Return an address that refuses connections: nobody listens there."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return address_info(sock)
