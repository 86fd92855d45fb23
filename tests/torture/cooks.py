"""Cooks who take steps with tickets, at a replica of a department, while clients order and cancel."""

import asyncio
import random
import uuid

from grpclib.client import Channel

from generated.restaurant import v1
from tests.support.processes import Program

_TICKETS = 50
_STEPS = [
    (v1.Verb(v1.Verb.START), v1.TicketState(v1.TicketState.QUEUED)),
    (v1.Verb(v1.Verb.FINISH), v1.TicketState(v1.TicketState.PREPARING)),
    (v1.Verb(v1.Verb.SERVE), v1.TicketState(v1.TicketState.READY)),
]


class Cook:
    """Takes steps with tickets, so that some cancels come too late."""

    def __init__(self, department: Program, seed: int) -> None:
        """Work at a replica of a department."""
        self._department = department
        self._name = f"cook at {department.port}"
        self._chance = random.Random(f"{seed}-{department.port}")
        self._page = v1.ListTicketsResponse()
        self.steps = 0

    async def work(self) -> None:
        """Work until the shift is over (until cancelled)."""
        while True:
            await asyncio.sleep(0.3)
            channel = Channel("127.0.0.1", self._department.port)
            try:
                async with asyncio.timeout(2.0):
                    await self._look(v1.DepartmentServiceStub(channel))
            except Exception:  # noqa: BLE001 - the department is being tortured, and a cook promises nothing
                continue
            finally:
                channel.close()

    async def _look(self, stub: "v1.DepartmentServiceStub") -> None:
        asked = v1.ListTicketsRequest(
            self._page.revision,
            limit=_TICKETS,
            incarnation=self._page.incarnation,
            snapshot_revision=self._page.snapshot_revision,
        )
        self._page = await stub.list_tickets(asked)
        for ticket in self._page.tickets:
            if ticket.state is v1.TicketState.QUEUED and self._chance.random() < 0.1:
                for verb, expected in _STEPS[: self._chance.randint(1, 3)]:
                    step_id = str(uuid.UUID(int=self._chance.getrandbits(128), version=4))
                    request = v1.MoveTicketRequest(ticket.order_id, verb, expected, step_id, self._name)
                    for _ in range(self._chance.randint(1, 2)):  # a repeated request takes no second step
                        await stub.move_ticket(request)
                    self.steps += 1
