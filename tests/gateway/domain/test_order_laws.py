"""What holds of every order, in whatever order departments respond, clients cancel and time runs out."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.domain.errors import NotCancellable
from gateway.domain.lines import STARTED, Line, LineResult, Outcome, TicketResult, TicketState
from gateway.domain.order import Order, Policy, Status
from gateway.domain.transitions import PLACING, Goal
from tests.support.orders import EUR, NOON_MS, new_id
from tests.support.samples import examples

NAMES = ("bar", "kitchen", "bakery")
LINE_RESPONSES = {
    "has": LineResult(Outcome.ACCEPTED, 0, 100),
    "sold": LineResult(Outcome.OUT_OF_STOCK, 1, 0),
    "none": LineResult(Outcome.NOT_ON_MENU, 0, 0),
    "dear": LineResult(Outcome.PRICE_CHANGED, 0, 110),
    "off": LineResult(Outcome.OFF_SALE, 0, 0),
}
NOT_STARTED = (TicketState.HELD, TicketState.QUEUED)


@dataclass
class Station:
    """A department's side of one order, as its contract has it."""

    name: str
    state: TicketState | None = None
    lines: list[LineResult] = field(default_factory=list)

    def response(self, goal: Goal, order: Order) -> TicketResult:
        if goal in (Goal.CONFIRM, Goal.SUSPEND, Goal.CANCEL) and self.state is None:
            self.state = TicketState.CANCELLED
        elif goal is Goal.CANCEL:
            if self.state in NOT_STARTED:
                self.state = TicketState.CANCELLED
        elif goal is Goal.CONFIRM:
            if self.state is TicketState.HELD:
                self.state = TicketState.QUEUED
        elif goal is Goal.SUSPEND:
            if self.state is TicketState.QUEUED:
                self.state = TicketState.HELD
        elif self.state is None:
            self.lines = [LINE_RESPONSES[line.item] for line in order.shares[self.name]]
            served = any(line.outcome is Outcome.ACCEPTED for line in self.lines)
            self.state = (
                TicketState.NONE if not served else TicketState.HELD if goal is Goal.HOLD else TicketState.QUEUED
            )
        assert self.state is not None
        return TicketResult(self.state, list(self.lines))

    def makes(self, number: int) -> bool:
        """Tell whether one of its lines is made, or will be."""
        if self.state is None or self.state not in (TicketState.QUEUED, *STARTED):
            return False
        return self.lines[number].outcome is Outcome.ACCEPTED


@st.composite
def orders(draw: st.DrawFn, policy: Policy | None = None) -> Order:
    items = st.sampled_from(sorted(LINE_RESPONSES))
    wishes = draw(st.lists(st.tuples(st.sampled_from(NAMES), items, st.integers(1, 9)), min_size=1, max_size=6))
    lines = [Line(department, item, quantity) for department, item, quantity in wishes]
    return Order.new(new_id(), policy or draw(st.sampled_from(Policy)), None, EUR, lines, NOON_MS)


class OrderMachine(RuleBasedStateMachine):
    """An order between three departments that respond, respond again and start; a client; and a clock."""

    @initialize(order=orders(), responded=st.booleans())
    def place(self, order: Order, responded: bool) -> None:
        self.order = order
        self.order.response_recorded = responded
        self.stations = {name: Station(name) for name in order.shares}
        self.said: list[tuple[str, Goal, TicketResult]] = []

    @precondition(lambda self: self.order.owed)
    @rule(data=st.data())
    def a_department_responds(self, data: st.DataObject) -> None:
        self._deliver(data.draw(st.sampled_from(sorted(self.order.owed))))

    @precondition(lambda self: self.order.owed)
    @rule(data=st.data())
    def a_response_is_lost(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.order.owed)))
        goal = self.order.owed[name]
        self.said.append((name, goal, self.stations[name].response(goal, self.order)))

    @precondition(lambda self: self.said)
    @rule(data=st.data())
    def an_old_response_comes_late(self, data: st.DataObject) -> None:
        name, goal, response = data.draw(st.sampled_from(self.said))
        if self.order.owed.get(name) is not goal:
            before = repr(self.order)
            self.order.record_response(name, goal, response)
            assert repr(self.order) == before

    @rule(data=st.data())
    def the_staff_start(self, data: st.DataObject) -> None:
        station = self.stations[data.draw(st.sampled_from(sorted(self.stations)))]
        if station.state is TicketState.QUEUED:
            station.state = TicketState.PREPARING

    @rule()
    def the_client_cancels(self) -> None:
        before = repr(self.order)
        try:
            self.order.cancel()
        except NotCancellable:
            assert repr(self.order) == before

    @precondition(lambda self: not PLACING.isdisjoint(self.order.owed.values()))
    @rule(data=st.data(), is_gone=st.booleans())
    def a_department_will_not_place_it_or_is_not_configured(self, data: st.DataObject, is_gone: bool) -> None:
        """Perhaps after an earlier try that was carried out, and whose response was lost."""
        name = data.draw(st.sampled_from(sorted(name for name, goal in self.order.owed.items() if goal in PLACING)))
        goal, epoch = self.order.owed[name], self.order.epoch
        (self.order.reject_unconfigured if is_gone else self.order.reject)(name, "it is not placed")
        self.order.decide(goal)
        assert self.order.epoch > epoch

    @rule()
    def a_decision_is_refused(self) -> None:
        """It stays owed: there is no way to give it up."""
        for name, goal in self.order.owed.items():
            if goal not in PLACING:
                before = repr(self.order)
                with pytest.raises(ValueError, match="not a placing"):
                    self.order.reject(name, "no")
                assert repr(self.order) == before

    @rule()
    def time_runs_out(self) -> None:
        undecided = any(goal in (Goal.PLACE, Goal.HOLD) for goal in self.order.owed.values())
        before = repr(self.order)
        assert self.order.expire() is undecided
        assert undecided or repr(self.order) == before

    @invariant()
    def while_something_is_pending_something_is_owed(self) -> None:
        for line in self.order.lines:
            is_held = self.order.policy is Policy.ALL_OR_NOTHING and line.unit_price is not None
            owed = self.order.owed if is_held else {line.department} & set(self.order.owed)
            assert line.outcome is not Outcome.PENDING or owed

    @invariant()
    def the_total_is_what_is_accepted(self) -> None:
        accepted = [line for line in self.order.lines if line.outcome is Outcome.ACCEPTED]
        assert self.order.total == 100 * sum(line.quantity for line in accepted)
        priced = (Outcome.ACCEPTED, Outcome.PENDING, Outcome.PRICE_CHANGED)
        assert all(line.unit_price is None for line in self.order.lines if line.outcome not in priced)

    @invariant()
    def nothing_held_is_forgotten(self) -> None:
        for name, station in self.stations.items():
            assert station.state is not TicketState.HELD or name in self.order.owed or self._may_still_decide()

    def teardown(self) -> None:
        """Let every department respond: the order ends, and both sides tell the same story."""
        if not hasattr(self, "order"):
            return
        calls = 0
        while self.order.owed:
            self._deliver(next(iter(self.order.owed)))
            calls += 1
            assert calls <= 6 * len(NAMES), "it is owed for ever"
        assert self.order.status is not Status.PENDING
        assert not self._may_still_decide()
        for name, lines in self.order.shares.items():
            station = self.stations[name]
            assert station.state is not TicketState.HELD
            for number, line in enumerate(lines):
                assert (line.outcome is Outcome.ACCEPTED) == station.makes(number)
        if self.order.policy is Policy.ALL_OR_NOTHING:
            assert len({line.outcome is Outcome.ACCEPTED for line in self.order.lines}) == 1

    def _deliver(self, name: str) -> None:
        goal = self.order.owed[name]
        response = self.stations[name].response(goal, self.order)
        self.said.append((name, goal, response))
        _hear(self.order, name, goal, response)

    def _may_still_decide(self) -> bool:
        return not {Goal.HOLD, Goal.SUSPEND}.isdisjoint(self.order.owed.values())


def _hear(order: Order, name: str, goal: Goal, response: TicketResult) -> None:
    order.record_response(name, goal, response)
    order.decide(goal)


TestOrderMachine = OrderMachine.TestCase
TestOrderMachine.settings = settings(max_examples=examples(120), stateful_step_count=20, deadline=None)


@given(orders(Policy.ALL_OR_NOTHING), st.data())
def test_all_or_nothing_serves_everything_or_nothing_in_whatever_order_departments_respond(
    order: Order, data: st.DataObject
) -> None:
    stations = {name: Station(name) for name in order.shares}
    while order.owed:
        name = data.draw(st.sampled_from(sorted(order.owed)))
        goal = order.owed[name]
        _hear(order, name, goal, stations[name].response(goal, order))
    everything = all(line.item == "has" for line in order.lines)
    assert {line.outcome is Outcome.ACCEPTED for line in order.lines} == {everything}
    assert all(line.reason for line in order.lines) is not everything


@given(orders(Policy.BEST_EFFORT), st.permutations(NAMES))
def test_best_effort_serves_what_there_is(order: Order, names: list[str]) -> None:
    for name in names:
        if name in order.shares:
            _hear(order, name, Goal.PLACE, Station(name).response(Goal.PLACE, order))
    assert order.owed == {}
    assert [line.outcome is Outcome.ACCEPTED for line in order.lines] == [line.item == "has" for line in order.lines]
