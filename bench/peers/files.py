"""A SQLite file through aiosqlite: one connection, one transaction for each change, as durable as Comanda's."""

import asyncio

import aiosqlite


class File:
    """One writer: a second connection would only wait for the first one's lock."""

    def __init__(self, path: str) -> None:
        """Name the file; `open` opens it."""
        self._path = path
        self._lock = asyncio.Lock()
        self._connection: aiosqlite.Connection | None = None

    async def open(self, schema: str) -> None:
        """Open the file, and make its table."""
        self._connection = await aiosqlite.connect(self._path)
        await self._connection.execute("PRAGMA journal_mode = WAL")
        await self._connection.execute("PRAGMA synchronous = FULL")
        await self.commit(schema)

    async def commit(self, statement: str, *values: object) -> int:
        """Execute and commit one statement, durable when this returns; return how many rows it changed."""
        if self._connection is None:
            raise RuntimeError(f"{self._path} is not open")
        async with self._lock:
            cursor = await self._connection.execute(statement, values)
            await self._connection.commit()
            return int(cursor.rowcount)

    async def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            await self._connection.close()
