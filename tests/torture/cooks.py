"""Cooks who work at a replica of a department while clients order and cancel.

They take steps, tick lines, book what is delivered and thrown away, and take items off sale and put them back. They
cancel single lines through a gateway, as a screen does.
"""

import asyncio
import random
import uuid
from collections.abc import Sequence
from typing import Any

import httpx
from grpclib.client import Channel

from generated.restaurant import v1
from tests.support.keys import AUTHORIZED
from tests.support.processes import Program
from tests.support.recorded_clients import MENUS

_TICKETS = 50
_STEPS = [
    (v1.Verb(v1.Verb.START), v1.TicketState(v1.TicketState.QUEUED)),
    (v1.Verb(v1.Verb.FINISH), v1.TicketState(v1.TicketState.PREPARING)),
    (v1.Verb(v1.Verb.SERVE), v1.TicketState(v1.TicketState.READY)),
]
_CANCEL = v1.Verb(v1.Verb.CANCEL)
_LINE_CANCELLABLE = {v1.TicketState.QUEUED: "queued", v1.TicketState.PREPARING: "preparing"}
"""The states of a ticket of which a line can be cancelled, as REST writes them."""

_CANCELLED = 200
_NOT_NOW = frozenset({404, 409, 503})
"""What a gateway may respond: the ticket is archived, somebody was quicker, the department is away."""

_GATEWAY_SECONDS = 2.0
_DELIVERY, _WASTE = v1.ChangeReason(v1.ChangeReason.DELIVERY), v1.ChangeReason(v1.ChangeReason.WASTE)


class Cook:
    """Takes steps with tickets, so that some cancels come too late, and changes the stock.

    `changes` counts the ticks and the changes of the stock that got a response, `lines` the lines that were cancelled
    alone. `surprises`: what a gateway should not have responded.
    """

    def __init__(self, department: Program, urls: Sequence[str], seed: int) -> None:
        """Work at a replica of a department, and with gateways."""
        self._department = department
        self._urls = urls
        self._item = list(MENUS[department.name])[1]
        self._name = f"cook at {department.port}"
        self._chance = random.Random(f"{seed}-{department.port}")
        self._page = v1.ListTicketsResponse()
        self.steps = 0
        self.changes = 0
        self.lines = 0
        self.surprises: list[str] = []

    async def work(self) -> None:
        """Work until the shift is over (until cancelled)."""
        while True:
            await asyncio.sleep(0.3)
            channel = Channel("127.0.0.1", self._department.port)
            try:
                async with asyncio.timeout(2.0):
                    stub = v1.DepartmentServiceStub(channel)
                    await self._look(stub)
                    await self._change_stock(stub)
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
            if ticket.state in _LINE_CANCELLABLE and self._chance.random() < 0.2:
                await self._cancel_line(ticket)
            elif ticket.state is v1.TicketState.QUEUED and self._chance.random() < 0.1:
                await self._work(stub, ticket)

    async def _work(self, stub: "v1.DepartmentServiceStub", ticket: v1.Ticket) -> None:
        """Take a ticket some steps further, or cancel it; between two steps, tick what can be ticked."""
        steps = self._chance.randint(1, 3)
        for verb, expected in _STEPS[:steps]:
            for number, line in enumerate(ticket.lines):
                if line.outcome is v1.Outcome.ACCEPTED and self._chance.random() < 0.5:
                    await stub.tick_line(v1.TickLineRequest(ticket.order_id, number, True, self._name))
                    self.changes += 1
            if steps < 3 and self._chance.random() < 0.1:
                verb = _CANCEL
            request = v1.MoveTicketRequest(ticket.order_id, verb, expected, self._id(), self._name)
            for _ in range(self._chance.randint(1, 2)):  # a repeated request takes no second step
                await stub.move_ticket(request)
            self.steps += 1
            if verb is _CANCEL:
                break

    async def _cancel_line(self, ticket: v1.Ticket) -> None:
        """Cancel one of several accepted lines, through any gateway."""
        accepted = [number for number, line in enumerate(ticket.lines) if line.outcome is v1.Outcome.ACCEPTED]
        if len(accepted) < 2:
            return
        line = self._chance.choice(accepted)
        expected = _LINE_CANCELLABLE[ticket.state]
        body = {"verb": "cancel", "expected": expected, "step_id": self._id(), "line": line}
        body |= self._chance.choice(({}, {"reason": "it is burnt"}))
        path = f"/tickets/{self._department.name}/{ticket.order_id}/moves"
        async with httpx.AsyncClient(timeout=_GATEWAY_SECONDS, trust_env=False, headers=AUTHORIZED) as client:
            for _ in range(self._chance.randint(1, 2)):  # a repeated request cancels nothing more
                response = await client.post(self._chance.choice(self._urls) + path, json=body)
                self._note(path, body, response)
        self.lines += 1

    def _note(self, path: str, body: dict[str, Any], response: httpx.Response) -> None:
        """Note a response that should say that the line is cancelled, and does not.

        Another cook may have cancelled the other lines: then this was the last one, and the ticket is cancelled.
        """
        if response.status_code == _CANCELLED:
            ticket = response.json()
            line = ticket["lines"][body["line"]]
            is_cancelled = (line["outcome"], line["cancel_reason"]) == ("cancelled", body.get("reason"))
            if is_cancelled or (ticket["state"], ticket["cancel_reason"]) == ("cancelled", body.get("reason")):
                return
        elif response.status_code in _NOT_NOW:
            return
        self.surprises.append(f"POST {path} {body}: {response.status_code} {response.text}")

    async def _change_stock(self, stub: "v1.DepartmentServiceStub") -> None:
        """Book a delivery or waste of an item that sells out, or take it off sale for this look or until another."""
        chance = self._chance.random()
        if chance < 0.3:
            on_sale = chance < 0.2
            await stub.set_on_sale(v1.SetOnSaleRequest(self._item, on_sale, self._name))
        elif chance < 0.6:
            reason, delta = self._chance.choice([(_DELIVERY, 3), (_DELIVERY, 5), (_WASTE, -1)])
            request = v1.ChangeStockRequest(self._item, self._id(), reason, delta, changed_by=self._name)
            for _ in range(self._chance.randint(1, 2)):  # a repeated request makes no second change
                await stub.change_stock(request)
        else:
            return
        self.changes += 1

    def _id(self) -> str:
        return str(uuid.UUID(int=self._chance.getrandbits(128), version=4))
