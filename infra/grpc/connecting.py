"""Connects to a name that has several addresses, of which some may be dead.

A service without an address of its own, such as one of Kubernetes that is headless, has a name that resolves to the
addresses of all replicas. An address whose machine has gone does not refuse a connection: it stays silent, for longer
than any deadline. So the next address is tried when one has been silent for a moment (RFC 8305 does the same), and the
first connection that is made is used. A new connection goes to another address than the last one, where there is one:
whoever connects anew has lost a connection, or is to leave it.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

SILENT_SECONDS = 0.25
"""How long one address may be silent before the next one is tried, too."""

AddressInfo = tuple[int, int, int, str, Any]
"""Family, type, protocol, canonical name and address of a socket, as `getaddrinfo` returns them."""

Resolve = Callable[[str, int], Awaitable[Sequence[AddressInfo]]]


async def resolve(host: str, port: int) -> Sequence[AddressInfo]:
    """Return the addresses of a name, asked for anew; raises OSError."""
    return await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)


class Connector:
    """Makes TCP connections to one name and port."""

    def __init__(self, host: str, port: int, resolve: Resolve = resolve) -> None:
        """`resolve` is asked for each connection."""
        self._host = host
        self._port = port
        self._resolve = resolve
        self._last: Any = None

    async def connect(self) -> socket.socket:
        """Connect to one of the addresses; raises OSError where none can be connected to."""
        addresses = await self._resolve(self._host, self._port)
        ordered = sorted(dict.fromkeys(addresses), key=lambda each: bool(each[4] == self._last))
        if not ordered:
            raise OSError(f"{self._host} has no address")
        sock, self._last = await _first_connected(ordered)
        return sock


async def _first_connected(addresses: list[AddressInfo]) -> tuple[socket.socket, Any]:
    """Return the first connection that is made, and its address; raises OSError with the reason of each.

    An address is tried when those before it have failed or are silent.
    """
    attempts: dict[asyncio.Task[socket.socket], Any] = {}
    waiting = list(reversed(addresses))
    reasons: list[OSError] = []
    try:
        while waiting or attempts:
            if waiting:
                address = waiting.pop()
                attempts[asyncio.create_task(_connected(address))] = address[4]
            seconds = SILENT_SECONDS if waiting else None
            done, _ = await asyncio.wait(attempts, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            for attempt in done:
                address = attempts.pop(attempt)
                reason = attempt.exception()
                if reason is None:
                    return attempt.result(), address
                if not isinstance(reason, OSError):
                    raise reason
                reasons.append(reason)
        raise reasons[0] if len(reasons) == 1 else OSError("; ".join(str(reason) for reason in reasons))
    finally:
        await _give_up(list(attempts))


async def _give_up(attempts: list["asyncio.Task[socket.socket]"]) -> None:
    """End attempts that are not needed any more; a connection that one of them has made is closed."""
    for attempt in attempts:
        attempt.cancel()
    for made in await asyncio.gather(*attempts, return_exceptions=True):
        if isinstance(made, socket.socket):
            made.close()


async def _connected(address: AddressInfo) -> socket.socket:
    family, kind, protocol, _, place = address
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(sock, place)
    except BaseException:
        sock.close()
        raise
    return sock
