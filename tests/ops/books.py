"""The databases of a restaurant, written through the programs' own code, and then falsified."""

import json
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import uuid_utils

from departments import staff_transactions, transactions
from departments.domain.menu import Menu, MenuItem
from departments.domain.placing import Placement, RequestedLine
from departments.domain.steps import Move
from departments.domain.stock_changes import ChangeReason, StockOrder
from departments.domain.tickets import Decision, Ticket, TicketState, Verb
from departments.storage import MIGRATIONS as DEPARTMENT_MIGRATIONS
from gateway.domain.lines import Line, LineResult, Outcome, TicketResult
from gateway.domain.lines import TicketState as GatewayTicketState
from gateway.domain.order import Order, Policy
from gateway.domain.transitions import Goal
from gateway.orders.journal import Journal
from gateway.storage import MIGRATIONS as GATEWAY_MIGRATIONS
from infra.db.database import DEFAULT_TENANT, Database
from ops.audit.auditor import Auditor
from ops.audit.client_log import ClientLog
from ops.audit.records import SLICE
from ops.audit.report import Report
from ops.audit.rules import Column
from tests.support.migrated import prepare
from tests.support.orders import EUR

STOCK = 10
MENUS = {
    "bar": Menu("bar", {"en": "Bar"}, "Drink", {"coffee": MenuItem("coffee", {"en": "Coffee"}, 300, STOCK)}),
    "kitchen": Menu("kitchen", {"en": "Kitchen"}, "Meal", {"pizza": MenuItem("pizza", {"en": "Pizza"}, 900, STOCK)}),
}


class Books:
    """A journal and two departments, on SQLite or on one PostgreSQL database."""

    def __init__(self, home: Path, postgresql: str | None, restaurant: str = DEFAULT_TENANT) -> None:
        self.home = home
        self.restaurant = restaurant
        self.postgresql = postgresql
        self.client_log = home / "client.jsonl"
        self.journal_database = self._open("gateway", read_only=False)
        prepare(self.journal_database, GATEWAY_MIGRATIONS)
        self.departments = {name: self._open(name, read_only=False) for name in MENUS}
        for database in self.departments.values():
            prepare(database, DEPARTMENT_MIGRATIONS)
        self.journal = Journal(self.journal_database)
        self.opened = [self.journal_database, *self.departments.values()]

    async def open(self) -> None:
        await self.journal.enlist()
        for name, database in self.departments.items():
            await database.write(transactions.open_department, MENUS[name], 1)

    async def place(
        self,
        *,
        policy: Policy = Policy.BEST_EFFORT,
        coffees: int = 1,
        table: str | None = "7",
        record: bool = True,
        expected_price: int | None = None,
        allergy: bool = False,
        more: Sequence[Line] = (),
    ) -> Order:
        """Place an order from the request to its end: coffees and a pizza, and more lines after them."""
        coffee = Line("bar", "coffee", coffees, expected_price=expected_price, allergy=allergy)
        lines = [coffee, Line("kitchen", "pizza"), *more]
        order = Order.new(str(uuid_utils.uuid7()), policy, table, EUR, lines, 1000)
        await self.journal.insert(order)
        goal = Goal.HOLD if policy is Policy.ALL_OR_NOTHING else Goal.PLACE
        for name in self.departments:
            order.record_response(name, goal, await self.ask(name, order, hold=goal is Goal.HOLD))
        if order.decide(goal):
            await self.settle(order)
        order.response_recorded = True
        if record:
            await self.journal.update(order)
        return order

    async def cancel(self, order: Order) -> None:
        order.cancel()
        await self.settle(order)

    async def settle(self, order: Order) -> None:
        """Write a decision and deliver it, and then the decision that follows from the responses."""
        await self.journal.update(order)
        for name, goal in list(order.owed.items()):
            database, decisions = self.departments[name], [Decision(order.order_id, order.epoch)]
            if goal is Goal.CANCEL:
                (ticket,) = await database.write(transactions.cancel, [Decision(order.order_id)], 1000)
            else:
                way = transactions.confirm if goal is Goal.CONFIRM else transactions.suspend
                (ticket,) = await database.write(way, decisions, 1000)
            order.record_response(name, goal, _result(ticket))
            if order.decide(goal):
                await self.settle(order)
                return
        await self.journal.update(order)

    async def place_half(self) -> Order:
        """Place an order that the bar has, and that the kitchen still owes a response."""
        order = Order.new(
            str(uuid.uuid4()), Policy.BEST_EFFORT, "7", EUR, [Line("bar", "coffee"), Line("kitchen", "pizza")], 0
        )
        await self.journal.insert(order)
        order.record_response("bar", Goal.PLACE, await self.ask("bar", order, hold=False))
        order.response_recorded = True
        await self.journal.update(order)
        return order

    async def sell(self, name: str, placement: Placement) -> None:
        """Place an order at a department that the gateway does not have."""
        await self.departments[name].write(transactions.place, MENUS[name], [placement], 1000)

    async def step(
        self,
        name: str,
        order: Order,
        verb: Verb,
        expected: TicketState = TicketState.QUEUED,
        reason: str = "",
        line: int | None = None,
    ) -> None:
        step_id = f"{verb} from {expected}" + ("" if line is None else f" of {line}")
        move = Move(order.order_id, verb, expected, step_id, "Ana", reason, line)
        await self.departments[name].write(staff_transactions.move, move, 2000)

    async def change_stock(self, name: str, item: str, reason: ChangeReason, delta: int) -> None:
        change = StockOrder(item, str(uuid.uuid4()), reason, delta, changed_by="Ana")
        await self.departments[name].write(staff_transactions.change_stock, change, 2000)

    async def set_on_sale(self, name: str, item: str, *, on_sale: bool) -> None:
        await self.departments[name].write(staff_transactions.set_on_sale, item, "Ana", 2000, on_sale)

    async def falsify(self, name: str, statement: str) -> None:
        """Change a database without the programs' code."""
        database = self.journal_database if name == "gateway" else self.departments[name]
        await database.write(lambda connection: connection.exec_driver_sql(statement.replace("%", "%%")).rowcount)

    def log(self, *records: dict[str, Any]) -> None:
        """Add to a client's log."""
        with self.client_log.open("a") as file:
            file.writelines(json.dumps(record) + "\n" for record in records)

    async def audit(self, *, with_log: bool = False, slice_size: int = SLICE) -> Report:
        reading = {name: self._open(name, read_only=True) for name in ("gateway", *self.departments)}
        self.opened += reading.values()
        journal = reading.pop("gateway")
        client_log = ClientLog(self.client_log) if with_log else None
        return await Auditor(journal, reading, client_log, pause=0.05, slice_size=slice_size).audit()

    def close(self) -> None:
        while self.opened:
            self.opened.pop().close()

    async def ask(self, name: str, order: Order, *, hold: bool) -> TicketResult:
        lines = [
            RequestedLine(line.item, line.quantity, line.note, line.expected_price, line.allergy)
            for line in order.shares[name]
        ]
        placement = Placement(order.order_id, lines, order.table or "", hold)
        (ticket,) = await self.departments[name].write(transactions.place, MENUS[name], [placement], 1000)
        return _result(ticket)

    def _open(self, name: str, *, read_only: bool) -> Database:
        url = self.postgresql or f"sqlite:///{self.home}/{name}.db"
        return Database(url, schema=name, tenant=self.restaurant, read_only=read_only)


def _result(ticket: object) -> TicketResult:
    assert isinstance(ticket, Ticket)
    lines = [LineResult(Outcome(line.outcome.value), line.available, line.unit_price) for line in ticket.lines]
    return TicketResult(GatewayTicketState(ticket.state.value), lines)


def record(order: Order, **changes: Any) -> dict[str, Any]:
    """Return a client log's record of the response that the order stands for now."""
    lines = [{"outcome": line.outcome.value} for line in order.lines]
    return {"order_id": order.order_id, "answer": {"status": order.status.value, "lines": lines, **changes}}


def counts(report: Report) -> dict[Column, int]:
    """Return the columns that are not zero."""
    return {column: count for column, count in report.counts.items() if count}
