"""What a department is owed, and when it is knocked at."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence

import pytest

from gateway.domain.lines import TicketResult
from gateway.domain.order import Order
from gateway.domain.transitions import Goal
from gateway.orders.backlog import Backlog
from gateway.orders.backoff import Backoff
from gateway.orders.postponed import Postponed
from tests.support.fake_departments import FakeDepartment
from tests.support.orders import order
from tests.support.waiting import until


class Books:
    """Stands where the order path stands: takes responses in, asks again."""

    def __init__(self, bar: FakeDepartment) -> None:
        self.bar = bar
        self.received: list[Goal] = []
        self.asked: list[str] = []
        self.expired: list[list[str]] = []
        self.backoff = Backoff(0.001, 0.004, lambda: 1.0)
        self.backlog = Backlog(bar, self.backoff, receive=self.receive, ask=self.ask, expire=self.expire)
        bar.on_failure = self.backlog.wake

    def receive(self, order: Order, goal: Goal, epoch: int, response: "TicketResult | Exception") -> None:
        assert isinstance(response, TicketResult)
        assert epoch == order.epoch
        order.record_response("bar", goal, response)
        self.received.append(goal)

    def ask(self, order: Order) -> None:
        self.asked.append(order.order_id)

    def expire(self, orders: Iterable[Order]) -> None:
        self.expired.append([order.order_id for order in orders])

    def owe(self, *goals: Goal) -> list[Order]:
        """Owe the bar an order for each goal."""
        orders = []
        for goal in goals:
            orders.append(order("bar coffee"))
            orders[-1].owed = {"bar": goal}
            self.backlog.add(orders[-1])
        return orders


@pytest.fixture
async def books() -> AsyncIterator[Books]:
    books = Books(FakeDepartment("bar"))
    books.bar.go_away()
    books.bar.is_reachable = False
    yield books
    await books.backlog.close()


async def test_the_first_that_is_responded_to_opens_the_way_for_the_rest(books: Books) -> None:
    owed = books.owe(Goal.PLACE, Goal.CANCEL, Goal.PLACE)
    books.bar.come_back()
    await until(lambda: books.asked != [])
    (first,) = books.bar.calls[-1][1]
    assert len(books.received) == 1
    assert {first, *books.asked} == {each.order_id for each in owed}
    assert len(books.backlog) == 0


async def test_each_probe_is_with_another_order(books: Books) -> None:
    owed = books.owe(Goal.PLACE, Goal.PLACE, Goal.PLACE)
    await until(lambda: len(books.bar.calls) >= 6)
    knocked = [order_id for _, order_ids in books.bar.calls[:6] for order_id in order_ids]
    assert knocked == [each.order_id for each in owed] * 2


async def test_while_no_department_responds_there_is_one_call_at_a_time(books: Books) -> None:
    books.bar.ears.clear()
    for _ in range(5):
        books.owe(Goal.PLACE)
        books.backlog.wake()
    await until(lambda: books.bar.calls != [])
    await asyncio.sleep(0)
    assert len(books.bar.calls) == 1
    books.bar.ears.set()


async def test_delays_grow_while_it_is_away_and_start_over_when_it_is_back(books: Books) -> None:
    books.owe(Goal.PLACE)
    await until(lambda: books.backoff.failures >= 4)
    books.bar.come_back()
    await until(lambda: books.received != [])
    await until(lambda: books.backoff.failures == 0)


async def test_what_is_too_old_is_expired_before_each_call(books: Books) -> None:
    (owed,) = books.owe(Goal.PLACE)
    await until(lambda: len(books.expired) >= 2)
    assert books.expired[0] == [owed.order_id]


async def test_what_was_acknowledged_elsewhere_is_not_called_for(books: Books) -> None:
    acknowledged, deciding, owed = books.owe(Goal.PLACE, Goal.CANCEL, Goal.PLACE)
    acknowledged.owed.clear()
    deciding.decision_unwritten = True
    books.bar.come_back()
    await until(lambda: books.received != [])
    assert books.bar.calls[-1] == (Goal.PLACE, [owed.order_id])
    assert books.asked == []


async def test_where_nothing_is_owed_it_asks_for_the_menu(books: Books) -> None:
    books.backlog.wake()
    books.bar.come_back()
    await until(lambda: books.bar.is_reachable)
    assert books.bar.knocks >= 1
    assert books.bar.calls == []


async def test_it_can_be_closed_before_and_while_it_probes(books: Books) -> None:
    await books.backlog.close()
    books.owe(Goal.PLACE)
    await books.backlog.close()
    await until(lambda: asyncio.all_tasks() == {asyncio.current_task()})
    assert len(books.backlog) == 1


async def test_it_goes_on_probing_after_an_unexpected_failure(books: Books) -> None:
    failures = [RuntimeError("a fault of ours"), KeyError("kitchen")]
    attempt = books.bar.attempt

    async def fail_at_first(goal: Goal, orders: list[Order]) -> Sequence[TicketResult | Exception]:
        if failures:
            raise failures.pop()
        return await attempt(goal, orders)

    books.bar.attempt = fail_at_first  # type: ignore[method-assign]
    (owed,) = books.owe(Goal.PLACE)
    books.bar.come_back()

    await until(lambda: books.received == [Goal.PLACE])
    assert owed.owed == {}
    assert not failures


async def test_orders_that_were_postponed_survive_an_unexpected_failure() -> None:
    bar = FakeDepartment("bar")
    failures = [KeyError("kitchen")]
    received: list[str] = []

    def receive(order: Order, goal: Goal, epoch: int, response: "TicketResult | BaseException") -> None:
        if failures:
            raise failures.pop()
        received.append(order.order_id)

    postponed = Postponed(bar, Backoff(0.001, 0.004, lambda: 1.0), receive=receive, expire=lambda orders: None)
    owed = [order("bar coffee") for _ in range(3)]
    for each in owed:
        each.owed = {"bar": Goal.PLACE}
        postponed.add(each)

    await until(lambda: sorted(received) == sorted(each.order_id for each in owed))
    await postponed.close()
