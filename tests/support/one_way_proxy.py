"""A wire between the gateway and a department that can be cut in one direction: requests arrive, responses do not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class Wire:
    """Passes bytes on, both ways, until its responses are cut."""

    def __init__(self, port: int) -> None:
        """Lead to a port of this machine."""
        self.responses = True
        self._port = port
        self._open: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def on(self, port: int) -> AsyncIterator["Wire"]:
        """Listen on a port; both ends hang up with the first that does."""
        server = await asyncio.start_server(self._connect, "127.0.0.1", port)
        async with server:
            yield self
            server.close()
            for task in self._open:
                task.cancel()
            if self._open:
                await asyncio.wait(self._open)

    async def _connect(self, caller: asyncio.StreamReader, to_caller: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        task.add_done_callback(self._open.discard)
        try:
            called, to_called = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            to_caller.close()
            return
        ways = [
            asyncio.ensure_future(self._pass_on(caller, to_called, is_response=False)),
            asyncio.ensure_future(self._pass_on(called, to_caller, is_response=True)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            to_called.close()
            to_caller.close()

    async def _pass_on(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, is_response: bool) -> None:
        with suppress(OSError):
            while data := await source.read(65536):
                if self.responses or not is_response:
                    target.write(data)
                    await target.drain()
