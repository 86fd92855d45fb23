"""A TCP proxy between a gateway and a department that fails by command, as networks do."""

import asyncio
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum

CHUNK = 65536


class Mode(StrEnum):
    """What becomes of the bytes. `STALL`: they wait, and so do new connections; `DROP`: they vanish."""

    PASS = "pass"
    STALL = "stall"
    DROP = "drop"


class Proxy:
    """Passes bytes on, both ways, until it is told otherwise.

    A stalled connection is half open: both ends believe in it, and nothing moves. What was stalled stays so for ever,
    as behind a firewall that forgot it: only connections made after `resume` pass.
    """

    def __init__(self, port: int, to: int) -> None:
        """Listen on a port and lead to another one of this machine."""
        self.port = port
        self._to = to
        self._mode = Mode.PASS
        self._server: asyncio.Server | None = None
        self._wires: set[_Wire] = set()

    @property
    def connections(self) -> int:
        """How many connections pass bytes at this moment."""
        return sum(wire.mode is Mode.PASS for wire in self._wires)

    async def open(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", self.port)

    async def close(self) -> None:
        """Hang up."""
        if self._server is not None:
            self._server.close()
        self.reset()
        while tasks := {wire.task for wire in self._wires if wire.task is not None}:
            await asyncio.wait(tasks)

    def stall(self) -> None:
        """Let nothing through, and hang up on nobody."""
        self._switch(Mode.STALL)

    def drop(self) -> None:
        """Swallow every byte."""
        self._switch(Mode.DROP)

    def resume(self) -> None:
        """Let new connections pass."""
        self._mode = Mode.PASS

    def reset(self) -> None:
        """Break off every connection, on both sides."""
        for wire in list(self._wires):
            wire.reset()

    def _switch(self, mode: Mode) -> None:
        self._mode = mode
        for wire in self._wires:
            wire.mode = mode

    async def _connect(self, caller: asyncio.StreamReader, to_caller: asyncio.StreamWriter) -> None:
        wire = _Wire(self._mode, to_caller, self._wires.discard)
        self._wires.add(wire)
        await wire.run(caller, self._to)


class _Wire:
    """One connection."""

    def __init__(self, mode: Mode, to_caller: asyncio.StreamWriter, gone: "Callable[[_Wire], None]") -> None:
        self.mode = mode
        self.task = asyncio.current_task()
        self._ends = [to_caller]
        self._gone = gone
        self._broken = asyncio.Event()

    async def run(self, caller: asyncio.StreamReader, port: int) -> None:
        ways: list[asyncio.Task[None]] = [asyncio.create_task(self._wait_for_break())]
        try:
            with suppress(OSError):
                called, to_called = await asyncio.open_connection("127.0.0.1", port)
                self._ends.append(to_called)
                ways.append(asyncio.create_task(self._pass_on(caller, to_called)))
                ways.append(asyncio.create_task(self._pass_on(called, self._ends[0])))
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.wait(ways)
            for end in self._ends:
                end.close()
            self._gone(self)

    def reset(self) -> None:
        for end in self._ends:
            sock = end.get_extra_info("socket")
            with suppress(OSError, ValueError, AttributeError):  # what uvloop says of a socket that is closed already
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            end.transport.abort()
        self._broken.set()

    async def _wait_for_break(self) -> None:
        await self._broken.wait()

    async def _pass_on(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(CHUNK):
                if self.mode is Mode.STALL:
                    await asyncio.Event().wait()  # until the connection is reset, or the proxy ends
                if self.mode is Mode.PASS:
                    target.write(data)
                    await target.drain()
        if self.mode is not Mode.PASS:
            await asyncio.Event().wait()  # a silent network does not tell of an end either
