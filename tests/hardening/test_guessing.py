"""Keys that are guessed, thousands in a row: they cost little, and those who have one are served meanwhile."""

import asyncio
import time
from itertools import count

from tests.support.http2_peers import memory_of
from tests.support.processes import Program
from tests.support.rest_clients import line, order
from tests.support.systems import System

REQUEST = b"GET /orders HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer comanda_%043d\r\n\r\n"
GUESSES = 5000
CONNECTIONS = 10
AT_ONCE = 50
GROWTH_MIB = 10


async def guess(port: int, numbers: "count[int]", guesses: int) -> int:
    """Send guesses on one connection, some at once; return how many were refused."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    refused = 0
    for _ in range(guesses // AT_ONCE):
        writer.write(b"".join(REQUEST % next(numbers) for _ in range(AT_ONCE)))
        for _ in range(AT_ONCE):
            head = await reader.readuntil(b"\r\n\r\n")
            refused += head.startswith(b"HTTP/1.1 401 ")
            length = next(part for part in head.lower().split(b"\r\n") if part.startswith(b"content-length:"))
            await reader.readexactly(int(length.partition(b":")[2]))
    writer.close()
    return refused


async def test_thousands_of_guesses_find_nothing_and_orders_are_taken_meanwhile(
    system: System, gateway: Program
) -> None:
    numbers, before, begun = count(), memory_of(gateway.pid), time.monotonic()
    share = GUESSES // CONNECTIONS
    guessing = [asyncio.create_task(guess(gateway.port, numbers, share)) for _ in range(CONNECTIONS)]
    statuses = set()
    async with system.client() as client:
        while not all(task.done() for task in guessing):
            statuses.add((await client.post("/orders", json=order(line("bar", "coffee")))).status_code)
        took = time.monotonic() - begun
        assert sum([await task for task in guessing]) == GUESSES
        assert statuses == {201}
        lines = (await client.get("/access/audit?limit=1000")).json()["lines"]
    noted = [each for each in lines if each["what"] == "wrong key"]
    assert len(noted) <= 1 + took / 60 + 1, "an address is noted once a minute"
    assert memory_of(gateway.pid) - before < GROWTH_MIB
