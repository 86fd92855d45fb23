"""The auditor against a house whose books are in order, and against each way in which they may not be."""

import asyncio
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uuid_utils

from departments import transactions
from departments.domain.menu import Menu, MenuItem
from departments.domain.placing import Placement, RequestedLine
from departments.domain.steps import Move
from departments.domain.tickets import Decision, Source, State, Ticket, Verb
from departments.storage import MIGRATIONS as DEPARTMENT_MIGRATIONS
from gateway.domain.order import Goal, Line, LineResult, Order, Outcome, Policy, Status, TicketResult, TicketState
from gateway.orders.journal import Journal
from gateway.storage import MIGRATIONS as GATEWAY_MIGRATIONS
from infra.db.database import Database
from infra.errors import StartError
from ops.audit.auditor import KEPT, SHOWN, Acknowledged, Auditor, Report
from ops.audit.rules import Column, Finding
from tests.conftest import new_postgresql_database
from tests.e2e.harness import free_ports

STOCK = 10
MENUS = {
    "bar": Menu("bar", {"en": "Bar"}, "Drink", {"coffee": MenuItem("coffee", {"en": "Coffee"}, 300, STOCK)}),
    "kitchen": Menu("kitchen", {"en": "Kitchen"}, "Meal", {"pizza": MenuItem("pizza", {"en": "Pizza"}, 900, STOCK)}),
}
NOTHING_WRONG = dict.fromkeys(Column, 0)


class Books:
    """The books of a house, written through the programs' own code, and then falsified."""

    def __init__(self, home: Path, postgresql: str | None) -> None:
        self._home = home
        self._postgresql = postgresql
        self.told = home / "told.jsonl"
        self.journal_database = self._open("gateway", read_only=False)
        self.journal_database.prepare(GATEWAY_MIGRATIONS)
        self.departments = {name: self._open(name, read_only=False) for name in MENUS}
        for database in self.departments.values():
            database.prepare(DEPARTMENT_MIGRATIONS)
        self.journal = Journal(self.journal_database)
        self._opened = [self.journal_database, *self.departments.values()]

    async def open(self) -> None:
        await self.journal.enlist(9.0)
        for name, database in self.departments.items():
            await database.write(transactions.open_department, MENUS[name])

    async def place(
        self,
        *,
        policy: Policy = Policy.BEST_EFFORT,
        coffees: int = 1,
        table: str | None = "7",
        record: bool = True,
    ) -> Order:
        """Let an order take its whole way."""
        lines = [Line("bar", "coffee", coffees), Line("kitchen", "pizza")]
        order = Order.new(str(uuid_utils.uuid7()), policy, table, lines, 1000)
        await self.journal.insert(order)
        goal = Goal.HOLD if policy is Policy.ALL_OR_NOTHING else Goal.PLACE
        for name in self.departments:
            order.hear(name, goal, await self._ask(name, order, hold=goal is Goal.HOLD))
        if order.decide(goal):
            await self.settle(order)
        order.answered = True
        if record:
            await self.journal.update(order)
        return order

    async def cancel(self, order: Order) -> None:
        order.take_back()
        await self.settle(order)

    async def settle(self, order: Order) -> None:
        """Write a decision down and deliver it, and what is decided upon the answers."""
        await self.journal.update(order)
        for name, goal in list(order.owed.items()):
            database, decisions = self.departments[name], [Decision(order.order_id, order.epoch)]
            if goal is Goal.CANCEL:
                (ticket,) = await database.write(transactions.cancel, [order.order_id], 1000)
            else:
                way = transactions.confirm if goal is Goal.CONFIRM else transactions.suspend
                (ticket,) = await database.write(way, decisions, 1000)
            order.hear(name, goal, _answer(ticket))
            if order.decide(goal):
                await self.settle(order)
                return
        await self.journal.update(order)

    async def place_half(self) -> Order:
        """Let an order reach the bar, and wait for the kitchen."""
        order = Order.new(
            str(uuid.uuid4()), Policy.BEST_EFFORT, "7", [Line("bar", "coffee"), Line("kitchen", "pizza")], 0
        )
        await self.journal.insert(order)
        order.hear("bar", Goal.PLACE, await self._ask("bar", order, hold=False))
        order.answered = True
        await self.journal.update(order)
        return order

    async def sell(self, name: str, placement: Placement) -> None:
        """Let a department take an order that the gateway knows nothing of."""
        await self.departments[name].write(transactions.place, MENUS[name], [placement], 1000)

    async def step(self, name: str, order: Order, verb: Verb, expected: State = State.QUEUED, reason: str = "") -> None:
        move = Move(order.order_id, verb, expected, f"{verb} from {expected}", "Ana", reason)
        await self.departments[name].write(transactions.move, move, 2000)

    async def falsify(self, name: str, statement: str) -> None:
        """Change the books behind everybody's back."""
        database = self.journal_database if name == "gateway" else self.departments[name]
        await database.write(lambda connection: connection.exec_driver_sql(statement.replace("%", "%%")).rowcount)

    def tell(self, *notes: dict[str, Any]) -> None:
        """Add to a client's journal."""
        with self.told.open("a") as file:
            file.writelines(json.dumps(note) + "\n" for note in notes)

    async def audit(self, *, told: bool = False) -> Report:
        reading = {name: self._open(name, read_only=True) for name in ("gateway", *self.departments)}
        self._opened += reading.values()
        journal = reading.pop("gateway")
        return await Auditor(journal, reading, Acknowledged(self.told) if told else None, moment=0.05).audit()

    def close(self) -> None:
        while self._opened:
            self._opened.pop().close()

    async def _ask(self, name: str, order: Order, *, hold: bool) -> TicketResult:
        wishes = [RequestedLine(line.item, line.quantity, line.note) for line in order.shares[name]]
        placement = Placement(order.order_id, wishes, order.table or "", hold)
        (ticket,) = await self.departments[name].write(transactions.place, MENUS[name], [placement], 1000)
        return _answer(ticket)

    def _open(self, name: str, *, read_only: bool) -> Database:
        url = self._postgresql or f"sqlite:///{self._home}/{name}.db"
        return Database(url, schema=name, read_only=read_only)


def _answer(ticket: object) -> TicketResult:
    assert isinstance(ticket, Ticket)
    lines = [LineResult(Outcome(line.outcome.value), line.available, line.unit_price) for line in ticket.lines]
    return TicketResult(TicketState(ticket.state.value), lines)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_books(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Books]:
    server = request.getfixturevalue("postgresql") if request.param == "postgresql" else None
    books = Books(tmp_path, new_postgresql_database(server) if server else None)
    yield books
    books.close()


@pytest.fixture
async def books(empty_books: Books) -> Books:
    """Open a house with one order of each kind on its books."""
    await empty_books.open()
    await empty_books.place()
    await empty_books.place(policy=Policy.ALL_OR_NOTHING)
    await empty_books.place(policy=Policy.ALL_OR_NOTHING, coffees=STOCK)  # refused
    return empty_books


def note(order: Order, **changes: Any) -> dict[str, Any]:
    lines = [{"outcome": line.outcome.value} for line in order.lines]
    return {"order_id": order.order_id, "answer": {"status": order.status.value, "lines": lines, **changes}}


def counts(report: Report) -> dict[Column, int]:
    return {column: count for column, count in report.counts.items() if count}


async def test_books_in_order_are_all_zeros(books: Books) -> None:
    cancelled = await books.place()
    await books.cancel(cancelled)
    report = await books.audit()

    assert report.counts == NOTHING_WRONG
    assert report.is_right
    assert (report.acknowledged, report.orders, report.tickets, report.counter_sales) == (4, 4, 8, 0)


async def test_a_counter_sale_needs_no_order(books: Books) -> None:
    await books.sell("bar", Placement(str(uuid_utils.uuid7()), [RequestedLine("coffee", 1)], source=Source.COUNTER))
    await books.sell("kitchen", Placement(str(uuid_utils.uuid7()), [RequestedLine("pizza", 1)], source=Source.COUNTER))
    report = await books.audit()

    assert report.counts == NOTHING_WRONG
    assert report.counter_sales == 2


@pytest.mark.parametrize(
    ("order_id", "placement"),
    [
        ("no uuid", {}),
        (str(uuid.uuid4()), {}),
        (str(uuid_utils.uuid7()), {"hold": True}),
        (str(uuid_utils.uuid7()), {"table": "7"}),
        (str(uuid_utils.uuid7()), {"wishes": [RequestedLine("coffee", 2)]}),
        (str(uuid_utils.uuid7()), {"wishes": [RequestedLine("coffee", 1, "black")]}),
        (str(uuid_utils.uuid7()), {}),
    ],
)
async def test_what_the_gateway_placed_needs_an_order_whatever_it_looks_like(
    books: Books, order_id: str, placement: Any
) -> None:
    await books.sell("bar", Placement(**({"order_id": order_id, "wishes": [RequestedLine("coffee", 1)]} | placement)))
    report = await books.audit()

    assert counts(report) == {Column.DOUBLED: 1}
    assert report.findings[Column.DOUBLED][0].subject == order_id


async def test_an_order_in_flight_is_undecided_and_not_wrong(books: Books) -> None:
    order = await books.place(record=False)
    report = await books.audit()

    assert counts(report) == {Column.UNDECIDED: 1}
    assert report.is_right
    reason = "still owed: bar place, kitchen place; placed 1970-01-01T00:00:01+00:00"
    assert f"undecided: {order.order_id}: {reason}" in report.table()


async def test_an_order_that_waits_for_one_department_is_looked_at_in_the_others(books: Books) -> None:
    order = await books.place_half()
    right = await books.audit()
    await books.falsify("bar", f"DELETE FROM tickets WHERE order_id = '{order.order_id}'")
    await books.falsify("bar", "UPDATE stock SET sold = sold - 1, on_hand = on_hand + 1")

    assert counts(right) == {Column.UNDECIDED: 1}
    assert counts(await books.audit()) == {Column.UNDECIDED: 1, Column.LOST: 1}


async def test_an_accepted_order_without_its_ticket_is_lost(books: Books) -> None:
    order = await books.place()
    await books.falsify("kitchen", f"DELETE FROM tickets WHERE order_id = '{order.order_id}'")
    await books.falsify("kitchen", "UPDATE stock SET sold = sold - 1, on_hand = on_hand + 1")
    report = await books.audit()

    assert counts(report) == {Column.LOST: 1}
    assert not report.is_right
    assert f"lost: {order.order_id}: kitchen: 1 pizza was accepted, and there is no ticket" in report.table()


async def test_a_finished_order_with_a_pending_line_is_lost(books: Books) -> None:
    order = await books.place()
    order.lines[0].outcome = Outcome.PENDING
    await books.journal.update(order)

    assert counts(await books.audit()) == {Column.LOST: 1}


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ("""'"outcome":"accepted"', '"outcome":"out_of_stock"'""", Column.LOST),
        ("""'"unit_price":300', '"unit_price":299'""", Column.LOST),
        ("""'"quantity":2', '"quantity":1'""", Column.LOST),
        ("""'"quantity":2', '"quantity":3'""", Column.DOUBLED),
        ("""'"note":""', '"note":"no sugar"'""", Column.LOST),
        ("""'coffee', 'tea'""", Column.LOST),
    ],
)
async def test_a_ticket_that_says_something_else_is_found(books: Books, change: str, column: Column) -> None:
    order = await books.place(coffees=2)
    await books.falsify(
        "bar", f"UPDATE tickets SET lines = replace(lines, {change}) WHERE order_id = '{order.order_id}'"
    )

    found = await books.audit()
    assert [finding.subject for finding in found.findings[column]] == [order.order_id]
    assert found.counts[column] == 1


async def test_a_ticket_for_another_table_is_lost(books: Books) -> None:
    order = await books.place()
    await books.falsify("bar", f"UPDATE tickets SET placed_for = '8' WHERE order_id = '{order.order_id}'")
    report = await books.audit()

    assert counts(report) == {Column.LOST: 1}
    assert report.findings[Column.LOST][0].reason == "bar: the order is for table '7', the ticket for '8'"


async def test_a_ticket_at_a_department_that_the_order_does_not_concern_is_doubled(books: Books) -> None:
    order = Order.new(str(uuid.uuid4()), Policy.BEST_EFFORT, "7", [Line("bar", "coffee")], 1000)
    await books.journal.insert(order)
    order.hear("bar", Goal.PLACE, await books._ask("bar", order, hold=False))
    await books.journal.update(order)
    await books.sell("kitchen", Placement(order.order_id, [RequestedLine("pizza", 1)]))
    report = await books.audit()

    assert counts(report) == {Column.DOUBLED: 1}
    assert report.findings[Column.DOUBLED][0].subject == order.order_id


@pytest.mark.parametrize("table", ["7", None])
async def test_an_order_that_is_gone_from_the_journal_is_found_by_its_tickets(books: Books, table: str | None) -> None:
    """Even where each of its tickets alone looks like a sale over the counter."""
    order = await books.place(table=table)
    await books.falsify("gateway", f"DELETE FROM orders WHERE order_id = '{order.order_id}'")
    report = await books.audit()

    assert counts(report) == {Column.DOUBLED: 1}
    assert {finding.reason for finding in report.findings[Column.DOUBLED]} == {
        f"{name} has a ticket, queued, that no order in the journal asks for" for name in MENUS
    }


async def test_a_line_that_was_given_up_and_is_made_all_the_same_is_doubled(books: Books) -> None:
    order = await books.place()
    order.lines[0].outcome = Outcome.EXPIRED
    await books.journal.update(order)

    assert counts(await books.audit()) == {Column.DOUBLED: 1}


async def test_more_on_tickets_than_there_was_is_oversold(books: Books) -> None:
    order = await books.place()
    await books.falsify(
        "bar",
        f"""UPDATE tickets SET lines = replace(lines, '"quantity":1', '"quantity":99'), placed_at_ms = 2000
            WHERE order_id = '{order.order_id}'""",
    )
    report = await books.audit()

    assert [finding.subject for finding in report.findings[Column.OVERSOLD]] == [order.order_id]
    assert report.counts[Column.STOCK_LAW] == 1


async def test_an_all_or_nothing_order_that_stays_held_somewhere_is_half(books: Books) -> None:
    order = await books.place(policy=Policy.ALL_OR_NOTHING)
    await books.falsify("bar", f"UPDATE tickets SET state = 'held' WHERE order_id = '{order.order_id}'")
    await books.falsify("bar", "UPDATE stock SET held = held + 1, sold = sold - 1")

    assert counts(await books.audit()) == {Column.HALF: 1}


async def test_a_refused_all_or_nothing_order_that_is_still_held_somewhere_is_half(books: Books) -> None:
    order = await books.place(policy=Policy.ALL_OR_NOTHING, coffees=STOCK)
    await books.falsify("kitchen", f"UPDATE tickets SET state = 'held' WHERE order_id = '{order.order_id}'")
    await books.falsify("kitchen", "UPDATE stock SET held = held + 1, on_hand = on_hand - 1")

    assert order.status is Status.REFUSED
    assert counts(await books.audit()) == {Column.HALF: 1}


async def test_a_refused_all_or_nothing_order_that_is_made_somewhere_is_half(books: Books) -> None:
    order = await books.place(policy=Policy.ALL_OR_NOTHING, coffees=STOCK)
    await books.falsify("kitchen", f"UPDATE tickets SET state = 'ready' WHERE order_id = '{order.order_id}'")
    await books.falsify("kitchen", "UPDATE stock SET sold = sold + 1, on_hand = on_hand - 1")

    assert counts(await books.audit()) == {Column.HALF: 1}


async def test_a_held_ticket_that_nobody_owes_anything_is_lost(books: Books) -> None:
    order = await books.place()
    await books.falsify("bar", f"UPDATE tickets SET state = 'held' WHERE order_id = '{order.order_id}'")
    await books.falsify("bar", "UPDATE stock SET held = held + 1, sold = sold - 1")

    assert counts(await books.audit()) == {Column.LOST: 1}


async def test_an_all_or_nothing_order_that_misses_a_ticket_is_half(books: Books) -> None:
    order = await books.place(policy=Policy.ALL_OR_NOTHING)
    await books.falsify("bar", f"DELETE FROM tickets WHERE order_id = '{order.order_id}'")
    await books.falsify("bar", "UPDATE stock SET on_hand = on_hand + 1, sold = sold - 1")

    assert counts(await books.audit()) == {Column.HALF: 1}


async def test_an_all_or_nothing_order_decided_in_part_is_half(books: Books) -> None:
    order = await books.place(policy=Policy.ALL_OR_NOTHING)
    order.lines[0].outcome = Outcome.CANCELLED
    await books.journal.update(order)

    assert counts(await books.audit()) == {Column.HALF: 1}


@pytest.mark.parametrize("name", MENUS)
async def test_a_cancel_that_comes_too_late_for_one_department_leaves_no_half(books: Books, name: str) -> None:
    order = await books.place(policy=Policy.ALL_OR_NOTHING)
    await books.step(name, order, Verb.START)
    await books.cancel(order)

    assert [line.outcome for line in order.lines] == [Outcome.ACCEPTED] * 2
    assert counts(await books.audit()) == {}


async def test_an_all_or_nothing_order_that_is_suspended_is_undecided_and_not_half(books: Books) -> None:
    order = await books.place(policy=Policy.ALL_OR_NOTHING)
    order.take_back()
    await books.journal.update(order)
    await books.departments["bar"].write(transactions.suspend, [Decision(order.order_id, order.epoch)], 1000)

    assert counts(await books.audit()) == {Column.UNDECIDED: 1}


async def test_a_ticket_that_the_staff_cancels_is_withdrawn_and_not_wrong(books: Books) -> None:
    for policy in Policy:
        order = await books.place(policy=policy)
        await books.step("bar", order, Verb.CANCEL)
    report = await books.audit()

    assert counts(report) == {Column.WITHDRAWN: 2}
    assert report.is_right


async def test_what_the_staff_started_and_cancelled_is_wasted_and_told_with_who_and_why(books: Books) -> None:
    order = await books.place(coffees=2)
    await books.step("bar", order, Verb.START)
    await books.step("bar", order, Verb.CANCEL, State.PREPARING, "it fell down")
    right = await books.audit()
    await books.falsify("bar", "UPDATE stock SET wasted = wasted - 1, on_hand = on_hand + 1")

    assert counts(right) == {Column.WITHDRAWN: 1}
    reason = "bar: 2 coffee was accepted, and Ana cancelled it (it fell down), when it was started"
    assert f"withdrawn: {order.order_id}: {reason}" in right.table()
    wrong = await books.audit()
    assert counts(wrong) == {Column.WITHDRAWN: 1, Column.STOCK_LAW: 1}
    assert "stock law: bar coffee: held 0, sold 2, wasted 1; by its tickets 0, 2, 2" in wrong.table()


async def test_what_was_wasted_counts_as_taken(books: Books) -> None:
    order = await books.place()
    await books.step("bar", order, Verb.START)
    await books.step("bar", order, Verb.CANCEL, State.PREPARING)
    more = """lines = replace(lines, '"quantity":1', '"quantity":99'), placed_at_ms = 2000"""
    await books.falsify("bar", f"UPDATE tickets SET {more} WHERE order_id = '{order.order_id}'")
    report = await books.audit()

    assert [finding.subject for finding in report.findings[Column.OVERSOLD]] == [order.order_id]


async def test_an_accepted_order_whose_ticket_the_gateway_cancelled_is_lost(books: Books) -> None:
    order = await books.place()
    await books.departments["bar"].write(transactions.cancel, [order.order_id], 1000)
    report = await books.audit()

    assert counts(report) == {Column.LOST: 1}
    assert f"lost: {order.order_id}: bar: 1 coffee was accepted, and the gateway has cancelled it" in report.table()


async def test_what_the_staff_cancelled_makes_no_order_half(books: Books) -> None:
    """Also where the gateway has met with the cancelled ticket, as it delivered a decision once more."""
    order = await books.place(policy=Policy.ALL_OR_NOTHING)
    books.tell(note(order))
    await books.step("bar", order, Verb.CANCEL)
    order.lines[0].outcome = Outcome.CANCELLED
    await books.journal.update(order)

    assert counts(await books.audit(told=True)) == {}


async def test_an_acknowledged_line_that_nobody_cancelled_and_is_cancelled_is_lost(books: Books) -> None:
    order = await books.place()
    books.tell(note(order))
    await books.step("kitchen", order, Verb.CANCEL)
    for line in order.lines:
        line.outcome = Outcome.CANCELLED
    await books.journal.update(order)
    await books.departments["bar"].write(transactions.cancel, [order.order_id], 1000)

    report = await books.audit(told=True)
    assert counts(report) == {Column.LOST: 1}
    assert [finding.reason for finding in report.findings[Column.LOST]] == [
        "line 0 was acknowledged as accepted, and is cancelled"
    ]


async def test_a_lost_order_of_one_item_is_not_taken_for_a_sale_over_the_counter(books: Books) -> None:
    """The gateway's ids and the counter's are of one kind."""
    order = Order.new(str(uuid_utils.uuid7()), Policy.BEST_EFFORT, None, [Line("bar", "coffee")], 1000)
    await books.journal.insert(order)
    order.hear("bar", Goal.PLACE, await books._ask("bar", order, hold=False))
    await books.journal.update(order)
    await books.falsify("gateway", f"DELETE FROM orders WHERE order_id = '{order.order_id}'")
    report = await books.audit()

    assert counts(report) == {Column.DOUBLED: 1}
    assert (report.findings[Column.DOUBLED][0].subject, report.counter_sales) == (order.order_id, 0)


async def test_stock_that_is_not_what_the_tickets_say_breaks_the_law(books: Books) -> None:
    await books.falsify("bar", "UPDATE stock SET on_hand = on_hand - 1, sold = sold + 1")
    report = await books.audit()

    assert counts(report) == {Column.STOCK_LAW: 1}
    assert "stock law: bar coffee: held 0, sold 3, wasted 0; by its tickets 0, 2, 0" in report.table()


async def test_stock_that_was_delivered_is_lawful_and_stock_that_is_held_by_no_ticket_is_not(books: Books) -> None:
    await books.falsify("bar", "UPDATE stock SET on_hand = on_hand + 5, received = received + 5")
    delivered = await books.audit()
    await books.falsify("bar", "UPDATE stock SET on_hand = on_hand - 1, held = held + 1")

    assert delivered.is_right
    assert counts(await books.audit()) == {Column.STOCK_LAW: 1}


async def test_tickets_for_what_is_not_on_the_shelves_break_the_law(books: Books) -> None:
    await books.falsify("bar", "DELETE FROM stock")
    report = await books.audit()

    assert counts(report) == {Column.STOCK_LAW: 1}
    assert "stock law: bar coffee: there are tickets for it, and no stock" in report.table()


async def test_what_was_acknowledged_is_compared_with_the_journal(books: Books) -> None:
    order = await books.place()
    books.tell(note(order), note(order), {"order_id": order.order_id, "cancel": True})
    report = await books.audit(told=True)

    assert counts(report) == {}
    assert report.acknowledged == 1


async def test_an_acknowledged_order_that_the_journal_does_not_know_is_lost(books: Books) -> None:
    order = await books.place()
    books.tell(note(order) | {"order_id": str(uuid.uuid4())})

    assert counts(await books.audit(told=True)) == {Column.LOST: 1}


async def test_an_acknowledged_line_that_is_not_accepted_any_more_is_lost(books: Books) -> None:
    order = await books.place()
    books.tell(note(order))
    await books.cancel(order)

    assert counts(await books.audit(told=True)) == {Column.LOST: 1}


async def test_an_acknowledged_order_that_its_client_takes_back_is_not_lost(books: Books) -> None:
    order = await books.place()
    books.tell(note(order), {"order_id": order.order_id, "cancel": True})
    await books.cancel(order)

    assert counts(await books.audit(told=True)) == {}


async def test_a_refused_line_that_is_made_after_all_is_doubled(books: Books) -> None:
    order = await books.place()
    books.tell(note(order, status="refused", lines=[{"outcome": "out_of_stock"}] * 2))

    assert counts(await books.audit(told=True)) == {Column.DOUBLED: 1}


async def test_other_lines_than_were_acknowledged_are_lost(books: Books) -> None:
    order = await books.place()
    books.tell(note(order, lines=[{"outcome": "accepted"}]))

    assert counts(await books.audit(told=True)) == {Column.LOST: 1}


async def test_an_answer_that_was_cut_off_while_it_was_written_down_is_passed_over(books: Books) -> None:
    order = await books.place()
    books.tell(note(order))
    with books.told.open("a") as file:
        file.write('{"order_id": "')

    assert (await books.audit(told=True)).acknowledged == 1


@pytest.mark.parametrize("text", ["no JSON", '{"order_id": ""}', '{"answer": null}'])
async def test_a_client_journal_of_another_kind_is_told_by_its_line(books: Books, text: str) -> None:
    books.told.write_text(f'{{"order_id": "a"}}\n{text}\n')

    with pytest.raises(StartError, match=r"told\.jsonl, line 2: "):
        await books.audit(told=True)


async def test_a_client_journal_that_is_not_there_is_told(books: Books) -> None:
    with pytest.raises(StartError, match=r"told\.jsonl cannot be read: No such file"):
        await books.audit(told=True)


async def test_orders_that_are_decided_while_the_auditor_looks_are_not_wrong(books: Books) -> None:
    """Orders come, are decided and are cancelled all the time."""

    async def work() -> None:
        for number in range(20):
            await books.cancel(await books.place(policy=list(Policy)[number % 2]))

    working = asyncio.create_task(work())
    reports = []
    while not working.done():
        reports.append(await books.audit())
    await working

    assert len(reports) > 0
    assert [report for report in reports if not report.is_right or report.counts[Column.WITHDRAWN]] == []


async def test_looking_changes_nothing(books: Books) -> None:
    await books.audit()
    looker = books._opened[-1]

    with pytest.raises(Exception, match=r"read.?only"):
        await looker.write(lambda connection: connection.exec_driver_sql("DELETE FROM tickets").rowcount)


Command = Callable[..., Awaitable[subprocess.CompletedProcess[str]]]


@pytest.fixture
def command(empty_books: Books) -> Command:
    books = empty_books
    variables = {
        "COMANDA_HOME": str(books._home),
        "COMANDA_DATABASE_URL": books._postgresql or "",
        "COMANDA_MENUS": str(books._home / "menus"),
    }
    (books._home / "menus").mkdir()
    for name, menu in MENUS.items():
        items = "".join(
            f'[[items]]\nid = "{item.id}"\ntitles = {{ en = "A", ko = "B" }}\nprice = {item.price}\nstock = {STOCK}\n'
            for item in menu.items.values()
        )
        head = f'name = "{name}"\ntitles = {{ en = "A", ko = "B" }}\ngoods = "Dish"\n'
        (books._home / "menus" / f"{name}.toml").write_text(head + items)

    async def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return await run_audit(variables, *arguments)

    return run


async def run_audit(variables: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("COMANDA_")}
    line = [sys.executable, "-m", "ops", "audit", *arguments]
    return await asyncio.to_thread(
        subprocess.run, line, env=inherited | variables, capture_output=True, text=True, check=False, timeout=30
    )


async def test_the_command_answers_with_a_table(books: Books, command: Command) -> None:
    order = await books.place()
    books.tell(note(order))
    right = await command("--acknowledged", str(books.told))
    await books.falsify("bar", f"DELETE FROM tickets WHERE order_id = '{order.order_id}'")
    wrong = await command()

    assert (right.returncode, right.stderr) == (0, "")
    names, figures, summary = right.stdout.splitlines()
    assert " ".join(names.split()) == "acknowledged lost doubled oversold half stock law undecided withdrawn"
    assert figures.split() == ["1", *["0"] * 7]
    assert summary == "4 orders, 8 tickets, 0 of them sold over the counter"
    assert (wrong.returncode, wrong.stderr) == (1, "")
    assert f"lost: {order.order_id}: bar: 1 coffee was accepted, and there is no ticket" in wrong.stdout
    assert "stock law: bar coffee" in wrong.stdout


async def test_a_house_at_rest_can_be_audited(books: Books, command: Command) -> None:
    books.close()
    done = await command()

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[1].split() == ["3", *["0"] * 7]


async def test_open_orders_of_a_department_without_a_menu_file_are_not_all_right(
    books: Books, command: Command
) -> None:
    (books._home / "menus" / "kitchen.toml").rename(books._home / "kitchen.toml")
    finished = await command()
    await books.place_half()
    unfinished = await command()
    (books._home / "kitchen.toml").rename(books._home / "menus" / "kitchen.toml")
    known = await command()

    note = "not looked at, as there is no menu file: kitchen"
    assert (finished.returncode, finished.stdout.splitlines()[3:]) == (0, [note])
    assert (unfinished.returncode, unfinished.stderr) == (2, "")
    assert "not known: 1 open orders are owed something by kitchen, which has no menu file" in unfinished.stdout
    assert known.returncode == 0


async def test_an_order_that_cannot_be_read_does_not_keep_the_audit_from_the_others(
    books: Books, command: Command
) -> None:
    spoiled, lost = await books.place(), await books.place()
    books.tell(note(spoiled), note(lost))
    await books.falsify(
        "gateway", f"""UPDATE orders SET owed = '{{"bar": "reserve"}}' WHERE order_id = '{spoiled.order_id}'"""
    )
    unknown = await command("--acknowledged", str(books.told))
    await books.falsify("bar", f"DELETE FROM tickets WHERE order_id = '{lost.order_id}'")
    wrong = await command("--acknowledged", str(books.told))

    assert (unknown.returncode, unknown.stderr) == (2, "")
    assert unknown.stdout.splitlines()[2].startswith("5 orders, 10 tickets, 0 of them")
    assert f"not known: {spoiled.order_id} cannot be read: Invalid enum value 'reserve'" in unknown.stdout
    assert unknown.stdout.splitlines()[1].split() == ["2", *["0"] * 7]
    assert wrong.returncode == 1
    assert f"lost: {lost.order_id}: bar: 1 coffee was accepted, and there is no ticket" in wrong.stdout


@pytest.mark.parametrize(
    ("words", "reason"),
    [("lines = '['", "Input data was truncated"), ("state = 'plated'", "'plated' is not a valid State")],
)
async def test_a_ticket_that_cannot_be_read_is_told_and_the_others_are_looked_at(
    books: Books, command: Command, words: str, reason: str
) -> None:
    strange, lost = await books.place(), await books.place()
    await books.falsify("bar", f"UPDATE tickets SET {words} WHERE order_id = '{strange.order_id}'")
    incomplete = await command()
    await books.falsify("kitchen", f"DELETE FROM tickets WHERE order_id = '{lost.order_id}'")
    wrong = await command()

    assert (incomplete.returncode, incomplete.stderr) == (2, "")
    assert incomplete.stdout.splitlines()[1].split() == ["5", *["0"] * 7]
    assert f"not known: bar {strange.order_id} cannot be read: {reason}" in incomplete.stdout
    assert wrong.returncode == 1
    assert f"lost: {lost.order_id}: kitchen: 1 pizza was accepted, and there is no ticket" in wrong.stdout


async def test_stock_is_compared_with_the_tickets_that_can_be_read(books: Books) -> None:
    strange = await books.place(coffees=2)
    await books.falsify("bar", f"UPDATE tickets SET state = 'plated' WHERE order_id = '{strange.order_id}'")
    await books.falsify("bar", "UPDATE stock SET sold = sold - 3, on_hand = on_hand + 3")

    report = await books.audit()
    assert (counts(report), list(report.unreadable)) == ({Column.STOCK_LAW: 1}, [f"bar {strange.order_id}"])


async def test_a_database_without_tables_is_told_in_one_line(empty_books: Books, command: Command) -> None:
    await empty_books.falsify("kitchen", "DROP TABLE tickets")
    done = await command()

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"house: {empty_books.departments['kitchen']}, kitchen, cannot be read: ")
    assert "tickets" in done.stderr
    assert done.stderr.count("\n") == 1


async def test_a_house_that_is_not_there_is_told_in_one_line(tmp_path: Path) -> None:
    done = await run_audit({"COMANDA_HOME": str(tmp_path), "COMANDA_DATABASE_URL": ""})

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"house: there is no database {tmp_path}/gateway.db\n"


async def test_a_postgresql_that_nobody_runs_is_told_in_one_line_without_its_password() -> None:
    at = f"127.0.0.1:{free_ports(1)[0]}/comanda"
    done = await run_audit({"COMANDA_DATABASE_URL": f"postgresql://chef:secret@{at}"})

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"house: postgresql+psycopg://chef:***@{at}, gateway, cannot be read: ")
    assert "refused" in done.stderr
    assert done.stderr.count("\n") == 1


async def test_the_help_tells_what_the_columns_and_the_exit_codes_mean() -> None:
    done = await run_audit({}, "--help")

    assert done.returncode == 0
    for column in Column:
        assert f"\n  {column} " in done.stdout
    assert (
        "exit code: 0 all is right, 1 something is wrong, 2 it could not be found out, or not of everything"
        in done.stdout
    )


def test_a_report_counts_all_and_keeps_the_first() -> None:
    report = Report()
    report.add(Finding(Column.LOST, str(number), "gone") for number in range(2 * KEPT) for _ in range(2))

    assert report.counts == NOTHING_WRONG | {Column.LOST: 2 * KEPT}
    assert len(report.findings[Column.LOST]) == KEPT
    assert report.table().endswith(f"\nlost: and {2 * KEPT - SHOWN // 2} more")
