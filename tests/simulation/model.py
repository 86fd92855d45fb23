"""The whole system against a plain-Python model: order, cancel, cook, tick, change stock, archive, restart, restore.

The staff cancel tickets and single lines of them.

`python -m tests.simulation.model --steps 100000` is the long version. Real gateway, departments, contract and database;
virtual time; one step after another, so that the model can say exactly what has to happen.
"""

import argparse
import asyncio
import multiprocessing
import random
import sys
import time
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from departments.app import DepartmentApp
from departments.domain.errors import (
    LineNotCancellable,
    LineNotFound,
    StepConflict,
    StepNotAllowed,
    StockConflict,
    StockTooLow,
    StockUnlimited,
    TickNotAllowed,
)
from departments.domain.steps import Move, Tick
from departments.domain.stock_changes import ChangeReason, StockOrder
from departments.domain.tickets import NOT_FOR_STAFF, TICKABLE, CancelledLine, Ticket, TicketState, Verb
from gateway.domain.errors import NotCancellable, OrderArchived, OrderIdTaken
from gateway.domain.lines import Line, Outcome
from gateway.domain.order import Order, Policy, Status
from gateway.orders.backoff import RetryPolicy
from tests.simulation.archivist import Archivist
from tests.simulation.network import Weather
from tests.simulation.quiet import be_quiet
from tests.simulation.run import CONVERGENCE_SECONDS, is_settled
from tests.simulation.staff import NO_LINE, Staff, without_ticks
from tests.simulation.stockroom import QUANTITIES, Change
from tests.simulation.virtual import EPOCH
from tests.simulation.world import CURRENCIES, Station, Told, World, menu
from tests.support.department_factories import NEXT

STOCK = {"bar": {"coffee": 4, "soda": 2, "water": 0}, "kitchen": {"pasta": 5, "meat": 0}}
UNLIMITED = {("bar", "water")}
ITEMS = sorted((name, item) for name, items in STOCK.items() for item in items)
STAFF = [verb for verb in Verb if verb not in NOT_FOR_STAFF and verb is not Verb.CANCEL_LINE]
"""The verbs of steps with whole tickets."""

CANCELLABLE = (TicketState.QUEUED, TicketState.PREPARING)
FOLLOW_SECONDS = 10.0
R = TypeVar("R")

TAKEN = (Outcome.ACCEPTED, Outcome.PENDING)
REFUSALS = (Outcome.OUT_OF_STOCK, Outcome.NOT_ON_MENU, Outcome.OFF_SALE, Outcome.PRICE_CHANGED)

Wish = tuple[str, str, int]


@dataclass(slots=True)
class Expected:
    """An order as the model knows it: what became of each line, and where its tickets are.

    `taken_back`: the departments that are closed and have not heard yet that the client wants to cancel. `suspended`:
    the order is all or nothing and was confirmed, so that it depends on all of them together. `unsettled`: the
    departments that are closed and have not heard yet what was decided. `states`: of the tickets that the staff have
    moved, by department; `wasted`: what they had started, and cancelled. `prices`: what each line expects to cost.
    `made`: the lines that the staff have ticked off, by department and place in its ticket. `cancelled`: the single
    lines that they cancelled, by department.
    """

    wishes: list[Wish]
    policy: Policy
    make: Callable[[], Order]
    prices: list[int | None]
    outcomes: list[Outcome] = field(default_factory=list)
    states: dict[str, TicketState] = field(default_factory=dict)
    wasted: list[Wish] = field(default_factory=list)
    made: set[tuple[str, int]] = field(default_factory=set)
    cancelled: dict[str, list[CancelledLine]] = field(default_factory=dict)
    taken_back: set[str] = field(default_factory=set)
    suspended: bool = False
    unsettled: set[str] = field(default_factory=set)
    is_archived: bool = False

    @property
    def told(self) -> list[Outcome]:
        """What the client is told: until all is decided, what is held is pending."""
        is_held = self.policy is Policy.ALL_OR_NOTHING and Outcome.PENDING in self.outcomes
        return [Outcome.PENDING if is_held and made is Outcome.ACCEPTED else made for made in self.outcomes]

    @property
    def started(self) -> set[str]:
        """The departments that have begun to make it."""
        return {name for name, state in self.states.items() if state not in (TicketState.QUEUED, TicketState.CANCELLED)}

    @property
    def is_finished(self) -> bool:
        """Whether all that is made of it was served, and nobody has to say anything about it any more."""
        made = {name for (name, _, _), outcome in zip(self.wishes, self.outcomes, strict=True) if outcome in TAKEN}
        return not self.is_open and all(self.states.get(name) is TicketState.SERVED for name in made)

    @property
    def withdrawn(self) -> set[int]:
        """The numbers of the single lines that the staff cancelled."""
        return {self.number(name, each.line) for name, lines in self.cancelled.items() for each in lines}

    @property
    def left(self) -> list[Outcome]:
        """What became of the other lines."""
        return [outcome for number, outcome in enumerate(self.outcomes) if number not in self.withdrawn]

    def number(self, name: str, place: int) -> int:
        """Return the number in the order of a line by its place at a department; NO_LINE where that has none."""
        numbers = [number for number, (where, _, _) in enumerate(self.wishes) if where == name]
        return numbers[place] if place < len(numbers) else NO_LINE

    def is_taken(self, name: str) -> bool:
        """Whether what a department accepted is still taken from its stock: its staff have not cancelled it."""
        return self.states.get(name) is not TicketState.CANCELLED

    @property
    def is_open(self) -> bool:
        """Whether a department that is closed has still to say something."""
        return Outcome.PENDING in self.outcomes or bool(self.taken_back or self.unsettled)


class SystemAgainstModel(RuleBasedStateMachine):
    """Every rule does the same to the system and to the model, and compares."""

    steps = 0

    def __init__(self) -> None:
        super().__init__()
        self.world = World.build(
            0,
            {name: menu(name, items, 100, _unlimited(name)) for name, items in STOCK.items()},
            gateways=1,
            replicas=1,
            retry_policy=RetryPolicy(time_to_decide=1e6),
        )
        for disk in self.world.disks.values():
            disk.slowness = 0.0
        self.world.network.weather = Weather(
            silent=0.0
        )  # or a batch may be late, and its order pending, after a restart
        self.world.open()
        self.received = {(name, item): count for name, items in STOCK.items() for item, count in items.items()}
        self.discarded = Counter[tuple[str, str]]()
        self.off_sale: set[tuple[str, str]] = set()
        self.orders: list[Expected] = []
        self.closed: set[str] = set()
        self.staff = Staff(self.world, random.Random(0))
        self.watching = self.staff.watch()
        self.archivist = Archivist(self.world, random.Random(0))
        self.taken: list[tuple[str, Move, Ticket]] = []
        self._run(asyncio.sleep(1.0))

    def teardown(self) -> None:
        try:
            for name in sorted(self.closed):
                self._open(name)
            self._settle()
            self.the_stock_is_as_the_model_says()
            self._run(self.staff.check())
            self.nobody_complains()
        finally:
            self.world.close()

    # What is done.

    @rule(
        wishes=st.lists(
            st.tuples(
                st.sampled_from(sorted(STOCK)),
                st.sampled_from(["coffee", "soda", "water", "pasta", "meat"]),
                st.integers(1, 3),
            ),
            min_size=1,
            max_size=4,
        ),
        policy=st.sampled_from(Policy),
        off=st.lists(st.sampled_from([None, None, 0, 10]), min_size=4, max_size=4),
    )
    def place(self, wishes: list[Wish], policy: Policy, off: list[int | None]) -> None:
        """Place an order; `off` tells by how much each line is wrong about its price, None where it states none."""
        number = len(self.orders)
        seen = [self.world.price(name, item) for name, item, _ in wishes]
        prices = [None if wrong is None else price + wrong for price, wrong in zip(seen, off, strict=False)]

        def make() -> Order:
            now = int((EPOCH + self.world.loop.time()) * 1000)
            order_id = f"00000000-0000-4000-8000-{number:012d}"
            lines = [Line(*wish, expected_price=price) for wish, price in zip(wishes, prices, strict=True)]
            return Order.new(order_id, policy, None, CURRENCIES[0], lines, now)

        expected = Expected(wishes, policy, make, prices)
        expected.outcomes = self._predict(expected)
        self.orders.append(expected)
        self._compare(expected, self._place(make))

    @precondition(lambda self: self.orders)
    @rule(data=st.data())
    def replay(self, data: st.DataObject) -> None:
        expected = self._pick(data)
        self._compare(expected, self._place(expected.make))

    @precondition(lambda self: self.orders)
    @rule(data=st.data())
    def ask_for_something_else(self, data: st.DataObject) -> None:
        expected = self._pick(data)

        def other() -> Order:
            order = expected.make()
            order.lines[-1].quantity += 1
            return order

        try:
            self._place(other)
        except OrderIdTaken:
            return
        raise AssertionError("another order was taken under a known id")

    @precondition(lambda self: self.orders)
    @rule(data=st.data())
    def find(self, data: st.DataObject) -> None:
        expected = self._pick(data)
        self._compare(expected, self._run(self.world.find(self.world.gateways[0], expected.make().order_id)))

    @precondition(lambda self: self.orders)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        expected = self._pick(data)
        before = list(expected.outcomes)
        self._predict_cancel(expected)
        try:
            told = self._run(self.world.cancel(self.world.gateways[0], expected.make().order_id))
        except NotCancellable:
            assert expected.outcomes == before
            assert not expected.taken_back
            return
        assert Outcome.CANCELLED in expected.outcomes or expected.taken_back, f"{told}, but {expected}"
        self._compare(expected, told)

    @precondition(lambda self: self.orders)
    @rule(data=st.data(), name=st.sampled_from(sorted(STOCK)), verb=st.sampled_from(STAFF), times=st.integers(1, 2))
    def work(self, data: st.DataObject, name: str, verb: Verb, times: int) -> None:
        self._work(self._pick(data), name, verb, times)

    @precondition(lambda self: self.orders)
    @rule(
        data=st.data(),
        name=st.sampled_from(sorted(STOCK)),
        place=st.sampled_from([0, 0, 1, 2, NO_LINE]),
        times=st.integers(1, 2),
    )
    def cancel_a_line(self, data: st.DataObject, name: str, place: int, times: int) -> None:
        self._cancel_line(self._pick(data), name, place, times)

    @precondition(lambda self: self.taken)
    @rule(data=st.data())
    def repeat_a_step(self, data: st.DataObject) -> None:
        """Whatever happened since, the response is the same, and nothing changes."""
        name, move, ticket = data.draw(st.sampled_from(self.taken))
        if name not in self.closed:
            again = replace(self._move(name, move), epoch=ticket.epoch)
            assert without_ticks(again) == without_ticks(ticket)

    @precondition(lambda self: self.taken)
    @rule(data=st.data(), expected=st.sampled_from(TicketState))
    def ask_for_a_step_from_another_state(self, data: st.DataObject, expected: TicketState) -> None:
        name, move, _ = data.draw(st.sampled_from(self.taken))
        order = next(order for order in self.orders if order.make().order_id == move.order_id)
        if name in self.closed or order.is_open or Outcome.ACCEPTED not in self._made(order, name):
            return
        if expected is not order.states[name]:
            with pytest.raises(StepConflict, match=f" is {order.states[name]}, not {expected}"):
                self._move(name, replace(move, expected=expected, step_id="another"))

    @rule(name=st.sampled_from(sorted(STOCK)))
    def read_tickets(self, name: str) -> None:
        """Read a page of a department's list, from where the last one ended."""
        self._run(self.staff.readers[sorted(STOCK).index(name)].read())

    @rule(
        data=st.data(),
        name=st.sampled_from(sorted(STOCK)),
        verbs=st.lists(st.sampled_from([*STAFF, Verb.CANCEL_LINE]), max_size=6),
    )
    def restore_a_department(self, data: st.DataObject, name: str, verbs: list[Verb]) -> None:
        """Back a department up, let its staff work, and restore the backup: their work is undone.

        They cancel no whole ticket: the order would stay cancelled. A line that they have cancelled is made after all.
        """
        if self.closed or any(order.is_open for order in self.orders):
            return
        self._run(asyncio.sleep(0.1))
        self._station(name).kill()
        copy = self.world.disks[name].copy()
        kept = [
            (order, dict(order.states), list(order.wasted), list(order.outcomes), deepcopy(order.cancelled))
            for order in self.orders
        ]
        taken = list(self.taken)
        self._station(name).start()
        self._run(asyncio.sleep(0.1))
        for verb in verbs:
            if not self.orders or verb is Verb.CANCEL:
                continue
            order = self._pick(data)
            if verb is not Verb.CANCEL_LINE:
                self._work(order, name, verb, 1)
            elif self._made(order, name).count(Outcome.ACCEPTED) > 1:
                self._cancel_line(order, name, data.draw(st.integers(0, 2)), 1)
        if data.draw(st.booleans()):
            self.read_tickets(name)
        self._station(name).kill()
        self.world.disks[name].put_back(copy)
        for order, states, wasted, outcomes, cancelled in kept:
            order.states, order.wasted, order.outcomes, order.cancelled = states, wasted, outcomes, cancelled
        self.taken = taken
        self._station(name).start()
        self._run(asyncio.sleep(0.1))
        for order in self.orders:
            if not order.is_archived:
                self._run(self._until_followed(order))

    @precondition(lambda self: self.orders)
    @rule(data=st.data(), name=st.sampled_from(sorted(STOCK)), line=st.integers(0, 3), made=st.booleans())
    def tick(self, data: st.DataObject, name: str, line: int, made: bool) -> None:
        order = self._pick(data)
        if name in self.closed or order.is_open or name not in {where for where, _, _ in order.wishes}:
            return
        outcomes, state = self._made(order, name), order.states.get(name, TicketState.QUEUED)
        key = (name, order.make().order_id, line)
        request = Tick(*key[1:], made, "cook")
        if line >= len(outcomes) or outcomes[line] is not Outcome.ACCEPTED or state not in TICKABLE:
            with pytest.raises((LineNotFound, TickNotAllowed)):
                self._ask(name, lambda department: department.tick(request))
            return
        order.made = order.made | {(name, line)} if made else order.made - {(name, line)}
        self.staff.ticks.asked.add(key)
        self.staff.ticks.sure[key] = made, 0
        for _ in range(2):
            ticket = self._ask(name, lambda department: department.tick(request))
            assert ticket.state is state
            assert [each.made for each in ticket.lines] == [(name, n) in order.made for n in range(len(outcomes))]

    @rule(
        wanted=st.sampled_from(ITEMS),
        reason=st.sampled_from(QUANTITIES),
        delta=st.integers(-3, 3),
        off=st.integers(0, 1),
    )
    def change_the_stock(self, wanted: tuple[str, str], reason: ChangeReason, delta: int, off: int) -> None:
        """Book a delivery, a count (which expects a figure that may be `off` by one), waste or a correction, twice."""
        name, item = wanted
        if name in self.closed or (delta <= 0 and reason is ChangeReason.DELIVERY):
            return
        there = self._stock_levels()[wanted].on_hand
        delta = -abs(delta) if reason is ChangeReason.WASTE else delta
        order = StockOrder(item, f"change {len(self.staff.stockroom.changes)}", reason, delta, changed_by="chef")
        if reason is ChangeReason.COUNT:
            order = replace(order, delta=0, count=max(0, there + delta), expected=there + off)
        if refusal := self._refusal(wanted, order, there):
            with pytest.raises(refusal):
                self._ask(name, lambda department: department.change_stock(order))
            return
        self.staff.stockroom.changes[order.change_id] = Change(name, order, 0, is_made=True)
        if reason is ChangeReason.WASTE:
            self.discarded[wanted] -= order.change
        else:
            self.received[wanted] += order.change
        self._repeat_change(name, order)
        self._repeat_change(name, order)

    @precondition(lambda self: self.staff.stockroom.changes)
    @rule(data=st.data())
    def repeat_a_change_of_the_stock(self, data: st.DataObject) -> None:
        """Whatever happened since, nothing changes."""
        change = data.draw(st.sampled_from(list(self.staff.stockroom.changes.values())))
        if change.name not in self.closed:
            self._repeat_change(change.name, change.order)

    @precondition(lambda self: self.orders and not self.closed)
    @rule()
    def archive(self) -> None:
        """Archive all that may be: what is finished, but for the newest order, whose place is not to be given again."""
        if any(order.is_open for order in self.orders):
            return
        self._run(asyncio.sleep(FOLLOW_SECONDS))
        for order in self.orders[:-1]:
            order.is_archived |= order.is_finished
        self._run(self.archivist.archive_once(kept_seconds=0.0))
        archived = {order.make().order_id for order in self.orders if order.is_archived}
        assert self.world.disks["gateway"].archived() == archived
        for name in STOCK:
            assert self.world.disks[name].archived() == {
                order.make().order_id
                for order in self.orders
                if order.is_archived and name in {where for where, _, _ in order.wishes}
            }
        self.taken = [each for each in self.taken if each[1].order_id not in archived]

    @precondition(lambda self: any(order.is_archived for order in self.orders))
    @rule(data=st.data(), off=st.integers(0, 1))
    def ask_for_an_archived_order(self, data: st.DataObject, off: int) -> None:
        """Whatever is asked, nothing comes of it."""
        order = data.draw(st.sampled_from([order for order in self.orders if order.is_archived]))

        def again() -> Order:
            sent = order.make()
            sent.lines[-1].quantity += off
            return sent

        order_id, gateway = again().order_id, self.world.gateways[0]
        with pytest.raises(OrderArchived):
            self._place(again)
        for ask in (self.world.find, self.world.cancel):
            with pytest.raises(OrderArchived):
                self._run(ask(gateway, order_id))

    @rule(wanted=st.sampled_from(ITEMS), on_sale=st.booleans())
    def sell(self, wanted: tuple[str, str], on_sale: bool) -> None:
        """Take an item off sale, or put it back, twice."""
        name, item = wanted
        if name in self.closed:
            return
        self.off_sale = self.off_sale - {wanted} if on_sale else self.off_sale | {wanted}
        for _ in range(2):
            stock = self._ask(name, lambda department: department.set_on_sale(item, "chef", on_sale=on_sale))
            assert stock.off_sale is not on_sale

    @rule()
    def restart_the_gateway(self) -> None:
        """Kill it once its records are written: what a crash before that may do is the simulation's to find out."""
        self._run(asyncio.sleep(0.1))
        self.world.gateways[0].kill()
        self.world.gateways[0].start()
        self._run(asyncio.sleep(0.5))

    @rule()
    def stop_the_gateway_gently(self) -> None:
        self._run(self.world.gateways[0].close())
        self.world.gateways[0].start()
        self._run(asyncio.sleep(0.5))

    @rule(name=st.sampled_from(sorted(STOCK)))
    def restart_a_department(self, name: str) -> None:
        for station in self.world.stations:
            if station.menu.name == name and name not in self.closed:
                station.kill()
                station.start()
        self._run(asyncio.sleep(0.1))

    @rule(name=st.sampled_from(sorted(STOCK)))
    def close_a_department(self, name: str) -> None:
        if name in self.closed:
            return
        self.closed.add(name)
        for station in self.world.stations:
            if station.menu.name == name:
                station.kill()

    @precondition(lambda self: self.closed)
    @rule(data=st.data())
    def open_a_department(self, data: st.DataObject) -> None:
        self._open(data.draw(st.sampled_from(sorted(self.closed))))
        if not self.closed:
            self._settle()

    # What must be true after every step.

    @invariant()
    def the_stock_is_as_the_model_says(self) -> None:
        type(self).steps += 1
        shelves = self._stock_levels()
        for (name, item), shelf in shelves.items():
            if (name, item) in UNLIMITED:
                assert shelf.on_hand == 0, f"{name}/{item} has a figure"
            else:
                assert shelf.received == self.received[name, item], f"{name}/{item}"
            assert shelf.off_sale == ((name, item) in self.off_sale), f"{name}/{item}"
            law = shelf.on_hand + shelf.held + shelf.sold + shelf.wasted
            assert shelf.received == law, f"the stock law: {name} {shelf}"
            assert min(shelf.on_hand, shelf.held, shelf.sold, shelf.wasted) >= 0, f"{name} {shelf}"
            wasted = self._wasted(name, item)
            assert shelf.wasted == wasted, f"{name}: {shelf}, {wasted} wasted"
        if any(order.is_open for order in self.orders):
            return
        for (name, item), shelf in shelves.items():
            assert shelf.held == 0, f"{name} {shelf}"
            assert shelf.sold == self._taken(name, item), f"{name}: {shelf}, but {self._taken(name, item)} sold"

    @invariant()
    def nobody_complains(self) -> None:
        assert not self.staff.complaints, self.staff.complaints

    # The model.

    def _predict(self, order: Expected) -> list[Outcome]:
        left = {key: shelf.on_hand for key, shelf in self._stock_levels().items()}
        if not any(each.is_open for each in self.orders):
            gone = {key: self._taken(*key) + self._wasted(*key) for key in self.received}
            assert left == {k: 0 if k in UNLIMITED else n - gone[k] for k, n in self.received.items()}
        outcomes = []
        for (name, item, quantity), price in zip(order.wishes, order.prices, strict=True):
            if name in self.closed:
                outcomes.append(Outcome.PENDING)
            elif (name, item) not in left:
                outcomes.append(Outcome.NOT_ON_MENU)
            elif (name, item) in self.off_sale:
                outcomes.append(Outcome.OFF_SALE)
            elif price not in (None, self.world.price(name, item)):
                outcomes.append(Outcome.PRICE_CHANGED)
            elif (name, item) in UNLIMITED:
                outcomes.append(Outcome.ACCEPTED)
            elif left[name, item] < quantity:
                outcomes.append(Outcome.OUT_OF_STOCK)
            else:
                left[name, item] -= quantity
                outcomes.append(Outcome.ACCEPTED)
        if (
            order.policy is Policy.ALL_OR_NOTHING
            and not set(outcomes) <= set(TAKEN)
            and Outcome.PENDING not in outcomes
        ):
            return [Outcome.CANCELLED if outcome is Outcome.ACCEPTED else outcome for outcome in outcomes]
        return outcomes

    def _predict_cancel(self, order: Expected) -> None:
        places = {name for name, _, _ in order.wishes}
        if order.policy is Policy.ALL_OR_NOTHING and {Outcome.ACCEPTED} == set(order.left):
            if order.started - self.closed:
                return  # too late for one, so too late for all
            order.suspended = bool(places & self.closed)
            order.taken_back |= places & self.closed
            if not order.suspended:
                order.outcomes = [Outcome.CANCELLED] * len(order.outcomes)
            return
        for number, (name, _, _) in enumerate(order.wishes):
            if order.outcomes[number] not in TAKEN:
                continue
            if name in self.closed:
                order.taken_back.add(name)  # even if it is too late: nobody can know that yet
            elif name not in order.started:
                order.outcomes[number] = Outcome.CANCELLED

    def _taken(self, name: str, item: str) -> int:
        return sum(
            quantity
            for order in self.orders
            for outcome, (where, what, quantity) in zip(order.outcomes, order.wishes, strict=True)
            if outcome is Outcome.ACCEPTED and (where, what) == (name, item) and order.is_taken(name)
        )

    def _wasted(self, name: str, item: str) -> int:
        wasted = [wish for order in self.orders for wish in order.wasted]
        cancelled = sum(quantity for where, what, quantity in wasted if (where, what) == (name, item))
        return cancelled + self.discarded[name, item]

    def _work(self, order: Expected, name: str, verb: Verb, times: int) -> None:
        """Let the staff of a department take a step, and send it so many times.

        They cancel no part of an order that is all or nothing: what the gateway makes of the rest of it, once it meets
        with the cancelled ticket, is the simulation's to find out.
        """
        if name in self.closed or order.is_open or Outcome.ACCEPTED not in self._made(order, name):
            return
        if verb is Verb.CANCEL and order.policy is Policy.ALL_OR_NOTHING:
            return
        before = order.states.get(name, TicketState.QUEUED)
        move = Move(order.make().order_id, verb, before, f"step {len(self.taken)}", "cook")
        after = NEXT[before].get(verb)
        if after is None:
            with pytest.raises(StepNotAllowed):
                self._move(name, move)
            return
        tickets = [self._move(name, move) for _ in range(times)]
        assert [ticket.state for ticket in tickets] == [after] * times
        assert all(ticket == tickets[0] for ticket in tickets)
        self.taken.append((name, move, tickets[0]))
        order.states[name] = after
        if tickets[0].wasted:
            assert (before, verb) == (TicketState.PREPARING, Verb.CANCEL)
            lines = zip(order.outcomes, order.wishes, strict=True)
            order.wasted += [wish for made, wish in lines if made is Outcome.ACCEPTED and wish[0] == name]
        if verb is Verb.CANCEL:
            for number, (where, _, _) in enumerate(order.wishes):
                if where == name and order.outcomes[number] is Outcome.ACCEPTED:
                    order.outcomes[number] = Outcome.CANCELLED
            self._run(self._until_followed(order))

    def _cancel_line(self, order: Expected, name: str, place: int, sent: int) -> None:
        """Let the staff of a department cancel a line, and send that so many times."""
        made = self._made(order, name)
        if name in self.closed or order.is_open or Outcome.ACCEPTED not in made:
            return
        is_last = place < len(made) and made[place] is Outcome.ACCEPTED and made.count(Outcome.ACCEPTED) == 1
        if is_last and order.policy is Policy.ALL_OR_NOTHING:
            return  # as in _work
        before = order.states.get(name, TicketState.QUEUED)
        reason = f"reason {len(self.taken)}"
        move = Move(
            order.make().order_id, Verb.CANCEL_LINE, before, f"step {len(self.taken)}", "cook", reason, line=place
        )
        refusal = _refused_line(before, made, place)
        if refusal is not None:
            with pytest.raises(refusal):
                self._move(name, move)
            return
        times = self._times(name, move.order_id)
        number, is_wasted = order.number(name, place), before is TicketState.PREPARING
        order.outcomes[number] = Outcome.CANCELLED
        order.wasted += [order.wishes[number]] if is_wasted else []
        order.states[name] = TicketState.CANCELLED if is_last else before
        if not is_last:
            order.cancelled[name] = [*order.cancelled.get(name, ()), CancelledLine(place, reason, is_wasted)]
        tickets = [self._move(name, move) for _ in range(sent)]
        assert all(ticket == tickets[0] for ticket in tickets)
        self.taken.append((name, move, tickets[0]))
        assert is_last or self._times(name, move.order_id) == times
        self._compare_ticket(order, name, move, tickets[0], is_last=is_last)
        self._run(self._until_followed(order))
        told = self._run(self.world.find(self.world.gateways[0], order.make().order_id))
        self._compare(order, told)

    def _times(self, name: str, order_id: str) -> tuple[int, ...]:
        """Return the times of the steps that a ticket has taken."""
        times = "started_at_ms, ready_at_ms, served_at_ms, cancelled_at_ms"
        (row,) = self.world.disks[name].query(f"SELECT {times} FROM tickets WHERE order_id = '{order_id}'")
        return tuple(row)

    def _compare_ticket(self, order: Expected, name: str, move: Move, ticket: Ticket, *, is_last: bool) -> None:
        """Compare the ticket after the cancel of a line with what it has to be."""
        alone = order.cancelled.get(name, [])
        cancelled = {each.line for each in alone}
        others = [
            made.value for place, made in enumerate(self._made(order, name)) if place not in {*cancelled, move.line}
        ]
        assert ticket.state is order.states[name]
        assert list(ticket.cancelled_lines) == alone
        for place, line in enumerate(ticket.lines):
            assert (line.outcome.value == Outcome.CANCELLED.value) == (place in cancelled)
        assert others == [line.outcome.value for n, line in enumerate(ticket.lines) if n not in {*cancelled, move.line}]
        assert (ticket.moved_by, ticket.withdrawn) == ("cook", is_last)
        assert ticket.wasted == (is_last and move.expected is TicketState.PREPARING)
        assert ticket.cancel_reason == (move.reason if is_last else "")

    async def _until_followed(self, order: Expected) -> None:
        """Wait until the order says what its department's staff have cancelled."""
        end = self.world.loop.time() + FOLLOW_SECONDS
        while True:
            told = await self.world.find(self.world.gateways[0], order.make().order_id)
            if [line.outcome for line in told.lines] == order.told:
                return
            assert self.world.loop.time() < end, f"{told} does not follow {order}"
            await asyncio.sleep(0.05)

    def _refusal(self, wanted: tuple[str, str], order: StockOrder, there: int) -> type[Exception] | None:
        """Predict why a change of the stock is refused, if it is."""
        is_waste = order.reason is ChangeReason.WASTE
        if wanted in UNLIMITED:
            return None if is_waste else StockUnlimited
        if order.reason is ChangeReason.COUNT and order.expected != there:
            return StockConflict
        return StockTooLow if there + order.change < 0 else None

    def _repeat_change(self, name: str, order: StockOrder) -> None:
        stock = self._ask(name, lambda department: department.change_stock(order))
        there = self._stock_levels()[name, order.item]
        assert (stock.on_hand, stock.received, stock.wasted) == (there.on_hand, there.received, there.wasted)

    def _made(self, order: Expected, name: str) -> list[Outcome]:
        return [made for made, (where, _, _) in zip(order.outcomes, order.wishes, strict=True) if where == name]

    def _adopt(self, order: Expected, told: Told) -> None:
        """Learn what became of an order that was open: any order of arrival is right, no half order is."""
        for number, (before, line) in enumerate(zip(order.outcomes, told.lines, strict=True)):
            if order.suspended:
                allowed = {Outcome.ACCEPTED if order.started else Outcome.CANCELLED}
            elif line.department in order.taken_back and before in TAKEN:
                allowed = self._allowed_when_taken_back(order, line.department)
            elif before is Outcome.PENDING:
                allowed = {Outcome.ACCEPTED, *REFUSALS}
                allowed |= {Outcome.CANCELLED} if order.policy is Policy.ALL_OR_NOTHING else set()
            elif before is Outcome.ACCEPTED and order.policy is Policy.ALL_OR_NOTHING:
                allowed = {Outcome.ACCEPTED, Outcome.CANCELLED}
            else:
                allowed = {before}
            if number in order.withdrawn:
                allowed = {Outcome.CANCELLED}
            assert line.outcome in allowed, f"{line} was {before}, and may become {allowed}"
            order.outcomes[number] = line.outcome
        outcomes = set(order.left)
        if order.policy is Policy.ALL_OR_NOTHING:
            assert outcomes == {Outcome.ACCEPTED} or Outcome.ACCEPTED not in outcomes, f"half: {order.outcomes}"
        order.taken_back.clear()
        order.unsettled.clear()
        order.suspended = False

    def _allowed_when_taken_back(self, order: Expected, name: str) -> set[Outcome]:
        return {Outcome.ACCEPTED} if name in order.started else {Outcome.CANCELLED, *REFUSALS}

    # The system.

    def _station(self, name: str) -> Station:
        return next(station for station in self.world.stations if station.menu.name == name)

    def _ask(self, name: str, use_case: Callable[[DepartmentApp], Awaitable[R]]) -> R:
        return self._run(self.world.ask(name, use_case))

    def _move(self, name: str, move: Move) -> Ticket:
        return self._ask(name, lambda department: department.move(move))

    def _settle(self) -> None:
        async def settle() -> None:
            end = self.world.loop.time() + CONVERGENCE_SECONDS
            while not is_settled(self.world):
                assert self.world.loop.time() < end, "not settled in time"
                await asyncio.sleep(0.05)

        self._run(settle())
        for order in self.orders:
            if order.is_archived:
                continue
            told = self._run(self.world.find(self.world.gateways[0], order.make().order_id))
            if order.is_open:
                self._adopt(order, told)
            self._compare(order, told)

    def _open(self, name: str) -> None:
        self.closed.discard(name)
        for station in self.world.stations:
            if station.menu.name == name:
                station.start()
        self._run(asyncio.sleep(5.0))  # the gateway's knocks are at most two seconds apart
        if self.closed:
            for order in self.orders:
                if order.is_open:
                    self._learn(order, name)

    def _learn(self, order: Expected, name: str) -> None:
        """While another department is closed still, take over what this one made of an open order."""
        if order.suspended:
            return  # it depends on the others, too
        told = self._run(self.world.find(self.world.gateways[0], order.make().order_id))
        if order.policy is Policy.ALL_OR_NOTHING and told.status is not Status.PENDING and not order.taken_back:
            self._adopt(order, told)
            order.unsettled |= {line.department for line in told.lines} & self.closed
            return
        for number, line in enumerate(told.lines):
            if line.department == name:
                if name in order.taken_back:
                    assert line.outcome is not Outcome.ACCEPTED or name in order.started
                is_held = line.outcome is Outcome.PENDING and line.unit_price is not None
                order.outcomes[number] = Outcome.ACCEPTED if is_held else line.outcome
        order.taken_back.discard(name)

    def _place(self, make: Callable[[], Order]) -> Told:
        return self._run(self.world.place(self.world.gateways[0], make))

    def _compare(self, order: Expected, told: Told) -> None:
        outcomes = [line.outcome for line in told.lines]
        assert outcomes == order.told, f"{outcomes}, not {order.told} of {order.wishes}"
        for line, made in zip(told.lines, order.outcomes, strict=True):
            assert (line.unit_price is not None) == (made in (Outcome.ACCEPTED, Outcome.PRICE_CHANGED))
        assert (told.status is Status.PENDING) == (Outcome.PENDING in order.outcomes)

    def _pick(self, data: st.DataObject) -> Expected:
        """Draw an order that is not archived: the newest one never is."""
        return data.draw(st.sampled_from([order for order in self.orders if not order.is_archived]))

    def _stock_levels(self) -> dict[tuple[str, str], Any]:
        return {
            (name, shelf.item): shelf
            for name in STOCK
            for shelf in self.world.disks[name].query("SELECT * FROM stock ORDER BY item")
        }

    def _run(self, work: Coroutine[Any, Any, R]) -> R:
        return self.world.loop.run(work)


def _refused_line(state: TicketState, made: Sequence[Outcome], place: int) -> type[Exception] | None:
    """Predict why the cancel of a line is refused, if it is."""
    if state not in CANCELLABLE:
        return StepNotAllowed
    if place >= len(made):
        return LineNotFound
    return None if made[place] is Outcome.ACCEPTED else LineNotCancellable


def _unlimited(name: str) -> list[str]:
    return [item for where, item in UNLIMITED if where == name]


def run_model(examples: int, steps: int, *, derandomize: bool) -> int:
    """Run so many examples of so many steps; return how many steps were taken."""
    be_quiet()
    SystemAgainstModel.steps = 0
    run_state_machine_as_test(
        SystemAgainstModel,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=derandomize,
            database=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
    return SystemAgainstModel.steps


def _portion(_number: int) -> tuple[int, str]:
    """What one process does at a time; return how many steps were taken, and what was wrong."""
    try:
        return run_model(50, 50, derandomize=False), ""
    except Exception:  # noqa: BLE001 - not swallowed: it is the result
        return SystemAgainstModel.steps, traceback.format_exc()


def main() -> int:
    """Run until so many steps have been taken, or one was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.model")
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    begun, taken = time.monotonic(), 0
    with multiprocessing.get_context("spawn").Pool(arguments.processes) as pool:
        for steps, wrong in pool.imap_unordered(_portion, range(arguments.steps)):
            taken += steps
            if wrong:
                print(wrong)
                return 1
            print(f"{taken} steps, {time.monotonic() - begun:.0f} s, nothing wrong", flush=True)
            if taken >= arguments.steps:
                return 0
    raise AssertionError("every portion has steps")


if __name__ == "__main__":
    sys.exit(main())
