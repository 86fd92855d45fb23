"""Lets an evening happen: takes each step of its script at its time, at the programs of the demo.

The guests, and the staff of each department, take their steps one after the other, and do not wait for each other.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from http import HTTPStatus
from http.client import HTTPException
from typing import Protocol

import structlog

from infra.errors import StartError
from ops.demo.requests import Call, call_of
from ops.demo.steps import Deliver, Leave, Place, Return, Step, Timed
from ops.staff.rest import Rest

GUESTS, OFFICE = "guests", "office"
"""Who takes steps, beside the departments."""

AWAY = 0
"""In place of a status, where the gateway does not respond."""

AGAIN = frozenset({AWAY, HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE})
"""Statuses after which the same step is taken again: the department is away, or its ticket has not arrived yet."""

PAUSE, GIVE_UP = 0.5, 30.0
"""Seconds between two attempts, and until a step is given up."""

log = structlog.get_logger("demo")


class Held(Protocol):
    """A program that can be stopped for a while; `ops.child.Child` is one."""

    def hold(self) -> None:
        """Stop it."""

    def release(self) -> None:
        """Start it again."""


class Director:
    """Takes the steps."""

    def __init__(self, new_rest: Callable[[str], Rest], departments: Mapping[str, Held], speed: float) -> None:
        """`new_rest` makes a connection to the gateway for GUESTS, for the staff of a department, or for the OFFICE.

        `speed` is how many times as fast the evening goes.
        """
        self._new_rest = new_rest
        self._departments = departments
        self._speed = speed
        self.taken = 0
        self.refused = 0

    async def run(self, script: Iterable[Timed]) -> None:
        """Take every step at its time."""
        queues: dict[str, asyncio.Queue[Step | None]] = {name: asyncio.Queue() for name in (GUESTS, *self._departments)}
        async with asyncio.TaskGroup() as people:
            for name, queue in queues.items():
                people.create_task(self._follow(queue, self._new_rest(name), self._new_rest(OFFICE)))
            loop = asyncio.get_running_loop()
            begun = loop.time()
            for timed in script:
                await asyncio.sleep(begun + timed.at / self._speed - loop.time())
                step = timed.step
                queues[GUESTS if isinstance(step, Place) else step.department].put_nowait(step)
            for queue in queues.values():
                queue.put_nowait(None)

    async def _follow(self, queue: "asyncio.Queue[Step | None]", own: Rest, office: Rest) -> None:
        """Take the steps of a queue, until None."""
        with closing(own), closing(office):
            while (step := await queue.get()) is not None:
                await self._take(office if isinstance(step, Deliver) else own, step)

    async def _take(self, rest: Rest, step: Step) -> None:
        match step:
            case Leave():
                self._departments[step.department].hold()
            case Return():
                self._departments[step.department].release()
            case _:
                await self._ask(rest, call_of(step))

    async def _ask(self, rest: Rest, call: Call) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + GIVE_UP
        status = await asyncio.to_thread(_status, rest, call)
        while status in AGAIN and loop.time() < until:
            await asyncio.sleep(PAUSE)
            status = await asyncio.to_thread(_status, rest, call)
        if status in AGAIN or status >= HTTPStatus.BAD_REQUEST:
            self.refused += 1
            log.warning("a step was refused", status=status, method=call.method, path=call.path)
        else:
            self.taken += 1


def make_station_keys(office: Rest, departments: Iterable[str]) -> dict[str, str]:
    """Make a key for the station of each department, as a manager; return the secrets."""
    return {
        name: office.send("POST", "access", "keys", body={"name": "tablet", "role": "station", "departments": [name]})[
            "secret"
        ]
        for name in departments
    }


def _status(rest: Rest, call: Call) -> int:
    """Send a request; return the status of its response, or AWAY."""
    try:
        response, _ = rest.open(call.method, call.path, call.body)
        response.read()
    except (StartError, OSError, HTTPException):
        return AWAY
    return response.status
