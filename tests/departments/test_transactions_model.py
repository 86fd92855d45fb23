"""The department against a model in plain Python, under any sequence of calls, restarts included; SQLite only."""

import asyncio
import copy
import dataclasses
import shutil
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from departments import transactions
from departments.domain.errors import (
    ChangeIdTaken,
    LineNotCancellable,
    LineNotFound,
    OrderIdTaken,
    OrderNotFound,
    StepConflict,
    StepIdTaken,
    StepNotAllowed,
    StockConflict,
    StockTooLow,
    StockUnlimited,
    TickNotAllowed,
)
from departments.domain.placing import Placement, RequestedLine
from departments.domain.positions import Position
from departments.domain.steps import Move
from departments.domain.stock_changes import OF_SALE, ChangeReason, StockOrder
from departments.domain.tickets import NOT_FOR_STAFF, TICKABLE, Decision, Outcome, Ticket, TicketState, Verb
from departments.transactions import TicketOrError
from tests.departments.department_database import SOLD, DepartmentDatabase
from tests.support.department_factories import NEXT, small_menu

pytestmark = pytest.mark.long

MENU = small_menu(coffee=12, soda=5, beer=0, water=0)
MENU = replace(MENU, items={**MENU.items, "water": replace(MENU.items["water"], unlimited=True)})
IDS = [str(UUID(int=number)) for number in range(8)]
STAFF = [verb for verb in Verb if verb not in NOT_FOR_STAFF]
REASONS = [reason for reason in ChangeReason if reason not in OF_SALE]
ALIVE = frozenset({TicketState.HELD, TicketState.QUEUED, TicketState.PREPARING})

ids = st.sampled_from(IDS)
batches_of_ids = st.lists(ids, min_size=1, max_size=2)
requested_lines = st.builds(
    RequestedLine,
    st.sampled_from([*MENU.items, "tea"]),
    st.integers(1, 4),
    st.sampled_from(["", "hot"]),
    st.sampled_from([None, None, 100, 110]),
    st.booleans(),
)
placements = st.builds(Placement, ids, st.lists(requested_lines, min_size=1, max_size=3), st.just("7"), st.booleans())


@dataclass
class Known:
    """What the model remembers of an order; a tombstone has no lines."""

    state: TicketState
    lines: list[RequestedLine]
    outcomes: list[tuple[Outcome, int]]
    """Each line's outcome, and how many were left."""
    epoch: int = 0
    wasted: bool = False
    steps: dict[str, tuple[Move, Ticket]] = field(default_factory=dict)
    """By its id, each step of the staff's: as it was asked for, and the ticket that was returned."""
    made: set[int] = field(default_factory=set)
    """The lines that are ticked off."""
    cancelled: dict[int, tuple[str, bool]] = field(default_factory=dict)
    """The lines that the staff cancelled alone, in their order: why, and whether the ticket had been started."""


class Model:
    """The same rules in the plainest form: every quantity is counted anew from the orders."""

    def __init__(self) -> None:
        self.orders: dict[str, Known] = {}
        self.off_sale: set[str] = set()
        self.changes: dict[str, StockOrder] = {}
        """By its id, each change of the stock that was made."""

    def figure(self, item: str, states: frozenset[TicketState], *, wasted: bool = False) -> int:
        return sum(
            line.quantity
            for known in self.orders.values()
            if known.state in states and known.wasted is wasted
            for line, (outcome, _) in zip(known.lines, known.outcomes, strict=True)
            if outcome is Outcome.ACCEPTED and line.item == item
        )

    def left(self, item: str) -> int:
        if MENU.items[item].unlimited:
            return 0
        return self.received(item) - self.figure(item, SOLD | {TicketState.HELD}) - self.wasted(item)

    def received(self, item: str) -> int:
        if MENU.items[item].unlimited:
            return self.figure(item, SOLD | {TicketState.HELD}) + self.wasted(item)
        came = [each for each in self.changes.values() if each.item == item and each.reason is not ChangeReason.WASTE]
        return MENU.items[item].stock + sum(each.change for each in came)

    def wasted(self, item: str) -> int:
        thrown = [each for each in self.changes.values() if each.item == item and each.reason is ChangeReason.WASTE]
        made = self.figure(item, frozenset({TicketState.CANCELLED}), wasted=True)
        made += sum(
            known.lines[place].quantity
            for known in self.orders.values()
            for place, (_, is_wasted) in known.cancelled.items()
            if is_wasted and known.lines[place].item == item
        )
        return made - sum(each.delta for each in thrown)

    def place(self, placement: Placement) -> Known | None:
        """Place an order and return its record; None where the id is taken."""
        known = self.orders.get(placement.order_id)
        if known is None:
            known = self.orders[placement.order_id] = Known(
                TicketState.HELD if placement.hold else TicketState.QUEUED, [], []
            )
            for line in placement.lines:
                result = self._outcome(line)
                known.lines.append(line)
                known.outcomes.append(result)
            if all(outcome is not Outcome.ACCEPTED for outcome, _ in known.outcomes):
                known.state = TicketState.NONE
        return known if not known.lines or known.lines == placement.lines else None

    def _outcome(self, line: RequestedLine) -> tuple[Outcome, int]:
        if line.item not in MENU.items:
            return Outcome.NOT_ON_MENU, 0
        if line.item in self.off_sale:
            return Outcome.OFF_SALE, 0
        if line.expected_price not in (None, MENU.items[line.item].price):
            return Outcome.PRICE_CHANGED, 0
        if line.quantity > self.left(line.item) and not MENU.items[line.item].unlimited:
            return Outcome.OUT_OF_STOCK, self.left(line.item)
        return Outcome.ACCEPTED, 0

    def settle(self, decision: Decision, before: TicketState, after: TicketState) -> Known:
        known = self.orders.setdefault(decision.order_id, Known(TicketState.CANCELLED, [], []))
        if known.state is not TicketState.CANCELLED and decision.epoch >= known.epoch:
            known.epoch = decision.epoch
            if known.state is before:
                known.state = after
        return known

    def cancel(self, order_id: str) -> Known:
        known = self.orders.setdefault(order_id, Known(TicketState.CANCELLED, [], []))
        if known.state in (TicketState.HELD, TicketState.QUEUED):
            known.state = TicketState.CANCELLED
        return known


class TransactionsAndModel(RuleBasedStateMachine):
    """Whatever is asked of the department is asked of the model too, and they agree."""

    @initialize(first=st.lists(placements, min_size=3, max_size=6))
    def open(self, first: list[Placement]) -> None:
        self.runner = asyncio.Runner()
        self.folder = Path(tempfile.mkdtemp(prefix="department-"))
        self.model = Model()
        self.position = Position()
        self.copy: tuple[bytes, Model] | None = None
        self.seen: dict[str, Ticket] = {}
        self.department = self.run_open()
        self.agree_on_placing(first)  # hypothesis leaves some rules out of each run: without orders most do nothing

    def teardown(self) -> None:
        self.department.database.close()
        self.runner.close()
        shutil.rmtree(self.folder)

    def run_open(self) -> DepartmentDatabase:
        return self.runner.run(DepartmentDatabase.open(f"sqlite:///{self.folder}/bar.db", MENU))

    @rule(batch=st.lists(placements, min_size=1, max_size=4))
    def place(self, batch: list[Placement]) -> None:
        self.agree_on_placing(batch)

    def agree_on_placing(self, batch: list[Placement]) -> None:
        for placement, result in zip(batch, self.runner.run(self.department.place(*batch)), strict=True):
            known = self.model.place(placement)
            if known is None:
                assert isinstance(result, OrderIdTaken)
            else:
                self.agree(placement.order_id, known, result)

    @rule(hold=st.booleans())
    def replay_everything(self, hold: bool) -> None:
        known = {order_id: known for order_id, known in self.model.orders.items() if known.lines}
        again = [Placement(order_id, list(each.lines), "7", hold) for order_id, each in known.items()]
        outcomes = self.runner.run(self.department.place(*again))
        for (order_id, each), result in zip(known.items(), outcomes, strict=True):
            self.agree(order_id, each, result)

    @rule(data=st.data())
    def confirm(self, data: st.DataObject) -> None:
        self.settle(Verb.CONFIRM, self.decisions(data), TicketState.HELD, TicketState.QUEUED)

    @rule(data=st.data())
    def suspend(self, data: st.DataObject) -> None:
        self.settle(Verb.SUSPEND, self.decisions(data), TicketState.QUEUED, TicketState.HELD)

    def decisions(self, data: st.DataObject) -> list[Decision]:
        """Draw decisions about any orders, mostly those that are on their way, with epochs near the one known."""
        alive = [order_id for order_id, known in self.model.orders.items() if known.state in ALIVE]
        drawn = data.draw(st.lists(st.sampled_from(alive * 4 + IDS), min_size=1, max_size=4))
        epochs = {order_id: known.epoch for order_id, known in self.model.orders.items()}
        return [Decision(each, max(0, epochs.get(each, 0) + data.draw(st.integers(-1, 2)))) for each in drawn]

    def settle(self, verb: Verb, batch: list[Decision], before: TicketState, after: TicketState) -> None:
        expected = [self.model.settle(decision, before, after) for decision in batch]
        outcomes = self.runner.run(self.department.settle(verb, *batch))
        for decision, known, result in zip(batch, expected, outcomes, strict=True):
            self.agree(decision.order_id, known, result)

    @rule(batch=batches_of_ids)
    def cancel(self, batch: list[str]) -> None:
        for order_id, result in zip(batch, self.runner.run(self.department.cancel(*batch)), strict=True):
            self.agree(order_id, self.model.cancel(order_id), result)

    @rule(
        order_id=ids,
        verb=st.sampled_from(STAFF),
        expected=st.sampled_from(TicketState),
        step_id=st.sampled_from("abcd"),
        line=st.integers(0, 3),
    )
    def move_from_any_state(self, order_id: str, verb: Verb, expected: TicketState, step_id: str, line: int) -> None:
        self.move(Move(order_id, verb, expected, step_id, "Ana", line=line if verb is Verb.CANCEL_LINE else None))

    @rule(order_id=ids, verb=st.sampled_from(STAFF), step_id=st.sampled_from("abcd"), line=st.integers(0, 2))
    def move_from_the_state_it_is_in(self, order_id: str, verb: Verb, step_id: str, line: int) -> None:
        known = self.model.orders.get(order_id)
        reason = "why not" if verb in (Verb.CANCEL, Verb.CANCEL_LINE) else ""
        state = known.state if known else TicketState.QUEUED
        self.move(Move(order_id, verb, state, step_id, "Bo", reason, line if verb is Verb.CANCEL_LINE else None))

    @rule(data=st.data())
    def move_once_more(self, data: st.DataObject) -> None:
        """Repeat any step that was taken, however long ago."""
        taken = [move for known in self.model.orders.values() for move, _ in known.steps.values()]
        if taken:
            self.move(data.draw(st.sampled_from(taken)))

    def move(self, move: Move) -> None:
        known = self.model.orders.get(move.order_id)
        before = known.steps.get(move.step_id) if known else None
        try:
            ticket = self.runner.run(self.department.take(move))
        except OrderNotFound:
            assert known is None
        except StepIdTaken:
            assert before is not None
            assert (before[0].verb, before[0].expected, before[0].line) != (move.verb, move.expected, move.line)
        except StepConflict:
            assert known is not None
            assert (before, known.state is move.expected) == (None, False)
        except StepNotAllowed:
            assert known is not None
            assert (before, known.state) == (None, move.expected)
            assert move.verb not in NEXT[known.state] or (known.state, move.verb) == (TicketState.HELD, Verb.CANCEL)
        except LineNotFound:
            assert known is not None
            assert move.line is not None
            assert (before, move.line >= len(known.lines)) == (None, True)
        except LineNotCancellable:
            assert known is not None
            assert move.line is not None
            assert (before, known.outcomes[move.line][0] is Outcome.ACCEPTED) == (None, False)
        else:
            assert known is not None
            if before is not None:
                # The epoch is no part of the step: a decision of the gateway may have raised it since.
                # Nor are the ticks.
                ticks = [line.made for line in ticket.lines]
                lines = [
                    dataclasses.replace(line, made=made) for line, made in zip(before[1].lines, ticks, strict=True)
                ]
                assert ticket == dataclasses.replace(before[1], epoch=known.epoch, lines=lines)
                return
            assert known.state is move.expected
            is_started = known.state is TicketState.PREPARING
            if move.line is None or self.is_last(known, move.line):
                is_cancelled = move.verb in (Verb.CANCEL, Verb.CANCEL_LINE)
                known.wasted = is_started and is_cancelled
                known.state = TicketState.CANCELLED if is_cancelled else NEXT[known.state][move.verb]
                assert ticket.cancel_reason == move.reason
            else:
                known.outcomes[move.line] = Outcome.CANCELLED, 0
                known.cancelled[move.line] = move.reason, is_started
                assert ticket.cancel_reason == ""
            known.steps[move.step_id] = move, copy.deepcopy(ticket)
            self.agree(move.order_id, known, ticket)
            assert (ticket.moved_by, ticket.wasted) == (move.moved_by, known.wasted)

    def is_last(self, known: Known, line: int) -> bool:
        accepted = [place for place, (outcome, _) in enumerate(known.outcomes) if outcome is Outcome.ACCEPTED]
        return accepted == [line]

    @rule(order_id=ids, line=st.integers(0, 3), made=st.booleans())
    def tick(self, order_id: str, line: int, made: bool) -> None:
        known = self.model.orders.get(order_id)
        try:
            ticket = self.runner.run(self.department.tick(order_id, line, made=made))
        except OrderNotFound:
            assert known is None
        except LineNotFound:
            assert known is not None
            assert line >= len(known.lines)
        except TickNotAllowed:
            assert known is not None
            assert known.state not in TICKABLE or known.outcomes[line][0] is not Outcome.ACCEPTED
        else:
            assert known is not None
            assert known.state in TICKABLE
            known.made = known.made | {line} if made else known.made - {line}
            self.agree(order_id, known, ticket)

    @rule(
        item=st.sampled_from(list(MENU.items)),
        change_id=st.sampled_from("abcdef"),
        reason=st.sampled_from(REASONS),
        figure=st.integers(1, 12),
        error=st.sampled_from([0, 0, 1]),
    )
    def change_stock(self, item: str, change_id: str, reason: ChangeReason, figure: int, error: int) -> None:
        """Change the stock, or count it from a figure that may be wrong."""
        if reason is ChangeReason.COUNT:
            order = StockOrder(item, change_id, reason, 0, figure, self.model.left(item) + error)
        else:
            order = StockOrder(item, change_id, reason, figure if reason is ChangeReason.DELIVERY else -figure)
        self.send_change(order)

    @rule(data=st.data())
    def change_stock_once_more(self, data: st.DataObject) -> None:
        """Repeat any change that was made, however long ago."""
        if self.model.changes:
            self.send_change(data.draw(st.sampled_from(list(self.model.changes.values()))))

    def send_change(self, order: StockOrder) -> None:
        made, left = self.model.changes.get(order.change_id), self.model.left(order.item)
        unlimited = MENU.items[order.item].unlimited
        try:
            self.runner.run(self.department.change_stock(order))
        except ChangeIdTaken:
            assert made not in (None, order)
        except StockUnlimited:
            assert (made, unlimited) == (None, True)
        except StockConflict:
            assert (made, order.expected == left) == (None, False)
        except StockTooLow:
            assert (made, left + order.change < 0) == (None, True)
        else:
            assert made is None or (made.item, made.reason, made.change) == (order.item, order.reason, order.change)
            self.model.changes.setdefault(order.change_id, order)

    @rule(item=st.sampled_from(list(MENU.items)), on_sale=st.booleans())
    def set_on_sale(self, item: str, on_sale: bool) -> None:
        self.runner.run(self.department.set_on_sale(item, on_sale=on_sale))
        self.model.off_sale = self.model.off_sale - {item} if on_sale else self.model.off_sale | {item}

    @rule()
    def reopen(self) -> None:
        self.department.database.close()
        self.department = self.run_open()

    @rule()
    def back_up(self) -> None:
        self.department.database.close()
        self.copy = (self.folder / "bar.db").read_bytes(), copy.deepcopy(self.model)
        self.department = self.run_open()

    @rule(idle=st.integers(0, 6))
    def restore(self, idle: int) -> None:
        """Put the copy back, and write until the database may have come to where its reader believes it to be."""
        if self.copy is None:
            return
        self.department.database.close()
        content, model = self.copy
        (self.folder / "bar.db").write_bytes(content)
        self.model = copy.deepcopy(model)
        self.department = self.run_open()
        self.runner.run(self.department.database.write(transactions.renew_incarnations))
        for _ in range(idle):
            self.runner.run(self.department.database.write(transactions.open_department, MENU, 1))

    @invariant()
    def figures_agree(self) -> None:
        self.runner.run(self.department.check_the_law())
        levels = self.runner.run(self.department.stock_levels())
        for item in MENU.items:
            stock = levels.stock[item]
            assert stock.on_hand == self.model.left(item)
            assert stock.held == self.model.figure(item, frozenset({TicketState.HELD}))
            assert stock.sold == self.model.figure(item, SOLD)
            assert stock.wasted == self.model.wasted(item)
            assert stock.received == self.model.received(item)
            assert stock.off_sale == (item in self.model.off_sale)

    @invariant()
    def a_watcher_knows_everything(self) -> None:
        while True:
            page = self.runner.run(self.department.page(self.position, limit=3))
            assert page.reset == (page.incarnation != self.position.incarnation != "")
            if page.reset:
                self.seen.clear()
            self.seen.update({ticket.order_id: ticket for ticket in page.tickets})
            is_over = not page.snapshot and page.revision == self.position.after
            self.position = Position(page.revision, page.incarnation, page.snapshot)
            if is_over:
                break
        assert {key: ticket.state for key, ticket in self.seen.items()} == {
            key: known.state for key, known in self.model.orders.items()
        }

    def agree(self, order_id: str, known: Known, result: TicketOrError) -> None:
        assert isinstance(result, Ticket)
        assert (result.order_id, result.state, result.epoch) == (order_id, known.state, known.epoch)
        assert [
            RequestedLine(line.item, line.quantity, line.note, line.expected_price, line.allergy)
            for line in result.lines
        ] == known.lines
        assert {number for number, line in enumerate(result.lines) if line.made} == known.made
        assert [(line.outcome, line.available) for line in result.lines] == known.outcomes
        cancelled = {each.line: (each.reason, each.wasted) for each in result.cancelled_lines}
        assert list(cancelled.items()) == list(known.cancelled.items())


TestTransactionsAndModel = TransactionsAndModel.TestCase
TestTransactionsAndModel.settings = settings(
    max_examples=30, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
