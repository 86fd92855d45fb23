"""`python -m bench.watchers`: clients of `/events`, and staff who take steps with tickets, in one process of their own.

It writes a line once all clients have everything. Then each line on standard input is a command, and gets a line of
JSON: `steps RATE SECONDS` takes steps at a fixed rate, and tells when their events reached the clients.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from subprocess import PIPE, Popen
from typing import Any

import msgspec
import uvloop

from bench.percentiles import PERCENTILES, percentiles
from bench.programs import ROOT, ProgramFailed
from bench.steps import Key, Staff, Step
from bench.streams import Arrival, Streams

ARRIVE_SECONDS = 10.0
LOOK_SECONDS = 0.005
READY = b"ready\n"


class Followed(msgspec.Struct, frozen=True):
    """Steps, and their events. Milliseconds by percentile: from due to each client, to the response, and to sent.

    `deliveries` counts a step once for each client that got its event. Since the clients connected, `lost` of them were
    left by the gateway, and `resets` came.
    """

    steps: int
    failed: int
    deliveries: int
    lost: int
    resets: int
    events: int
    bytes: int
    latencies: dict[float, float]
    responses: dict[float, float]
    lateness: dict[float, float]
    last_failure: str = ""


class _Delivery:
    """Notes when the clients get the events of the steps that were taken."""

    def __init__(self, clients: int) -> None:
        self.latencies: list[float] = []
        self.left = 0
        self._clients = clients
        self._due: dict[Key, tuple[Step, set[int]]] = {}

    def expect(self, step: Step) -> None:
        self._due[step.key] = step, set()
        self.left += self._clients

    def forget(self, step: Step) -> None:
        _, clients = self._due.pop(step.key)
        self.left -= self._clients - len(clients)

    def note(self, arrival: Arrival) -> None:
        ticket = arrival.ticket
        step, clients = self._due.get((ticket.department, ticket.order_id), (None, set()))
        if step is not None and ticket.state == step.state and arrival.client not in clients:
            clients.add(arrival.client)
            self.left -= 1
            self.latencies.append((arrival.at - step.due) * 1000)


async def take_steps(streams: Streams, staff: Staff, clients: int, rate: float, seconds: float) -> Followed:
    """Take steps, and wait until their events have reached all clients, or for some seconds."""
    delivery = _Delivery(clients)
    streams.on_ticket = delivery.note
    del staff.latencies[:], staff.lateness[:]
    failed = staff.failed
    steps = await staff.take_steps(rate, seconds, delivery)
    deadline = time.perf_counter() + ARRIVE_SECONDS
    while delivery.left and time.perf_counter() < deadline:  # noqa: ASYNC110 - once a run
        await asyncio.sleep(LOOK_SECONDS)
    streams.on_ticket = None
    return Followed(
        steps=steps,
        failed=staff.failed - failed,
        deliveries=len(delivery.latencies),
        lost=streams.lost,
        resets=streams.resets,
        events=streams.events,
        bytes=streams.bytes,
        latencies=percentiles(delivery.latencies, PERCENTILES),
        responses=percentiles(staff.latencies, PERCENTILES),
        lateness=percentiles(staff.lateness, PERCENTILES),
        last_failure=staff.answer,
    )


class Watchers:
    """The process, as the benchmark has it."""

    def __init__(self, process: "Popen[bytes]") -> None:
        """Wait until all clients have everything; raises ProgramFailed."""
        self._process = process
        if self._read() != READY:
            raise ProgramFailed("the clients of /events did not get everything")

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def take_steps(self, rate: float, seconds: float) -> Followed:
        """Take steps at a rate; raises ProgramFailed."""
        _write(self._process, f"steps {rate} {seconds}\n")
        return msgspec.json.decode(self._read(), type=Followed)

    def lost(self) -> int:
        """Return how many clients the gateway has left."""
        return self.take_steps(1, 0).lost

    def _read(self) -> bytes:
        line = self._process.stdout.readline() if self._process.stdout else b""
        if not line:
            raise ProgramFailed(f"the clients of /events ended with {self._process.wait()}")
        return line


@contextmanager
def watching(port: int, clients: int) -> Iterator[Watchers]:
    """Run clients of a gateway, and staff; they leave at the end."""
    command = [sys.executable, "-m", "bench.watchers", "--port", str(port), "--clients", str(clients)]
    with Popen(command, cwd=ROOT, stdin=PIPE, stdout=PIPE, start_new_session=True) as process:
        try:
            yield Watchers(process)
        finally:
            if process.stdin:
                process.stdin.close()


def _write(process: "Popen[bytes]", line: str) -> None:
    if process.stdin:
        process.stdin.write(line.encode())
        process.stdin.flush()


async def _serve(port: int, clients: int) -> None:
    """Connect, then do what the lines of standard input say, until it ends."""
    streams, staff = Streams(port), Staff(port)
    await streams.connect(clients)
    await staff.find_tickets()
    _say(READY)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        _, rate, seconds = line.split()
        followed = await take_steps(streams, staff, clients, float(rate), float(seconds))
        _say(msgspec.json.encode(followed) + b"\n")
    staff.close()
    streams.close()


def _say(line: bytes) -> None:
    output: Any = sys.stdout.buffer
    output.write(line)
    output.flush()


def main() -> None:
    """Connect clients, and take steps where they are asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench.watchers", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--clients", type=int, required=True)
    given = parser.parse_args()
    uvloop.run(_serve(given.port, given.clients))


if __name__ == "__main__":
    main()
