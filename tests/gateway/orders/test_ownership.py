"""Orders to resume: those of gateways that are gone, and those that were written though their write failed."""

import asyncio
from collections.abc import AsyncIterator, Mapping

import pytest

from gateway.domain.errors import TakenOver
from gateway.domain.lines import LineResult, Outcome, TicketResult, TicketState
from gateway.domain.order import Order, Status
from gateway.domain.transitions import Goal
from gateway.orders.backoff import RetryPolicy
from gateway.orders.in_flight import InFlightOrder
from infra.clock import Clock
from infra.errors import DatabaseError
from tests.support.fake_departments import STOCK
from tests.support.order_path import Restaurant
from tests.support.orders import all_or_nothing, order, outcomes
from tests.support.postgresql import new_postgresql_database
from tests.support.waiting import until

BRISK = RetryPolicy(first_retry=0.001, retry_cap=0.004, journal_retry=0.005, lease=0.6)
STEADY = RetryPolicy(first_retry=0.001, retry_cap=0.004, journal_retry=0.005, lease=60.0)


class Pair:
    """Two gateways of one restaurant, with one journal and the same departments behind it."""

    def __init__(self, url: str, retry_policy: RetryPolicy) -> None:
        self.one, self.other = (Restaurant(url, retry_policy=retry_policy, clock=Clock()) for _ in range(2))
        for name, department in self.other.departments.items():
            shared = self.one.departments[name]
            department.tickets, department.stock = shared.tickets, shared.stock

    async def open(self) -> None:
        await self.one.open()
        await self.other.open()

    async def close(self) -> None:
        for restaurant in (self.one, self.other):
            restaurant.repair()
            await restaurant.close()

    def go_away(self, name: str) -> None:
        for restaurant in (self.one, self.other):
            restaurant.departments[name].go_away()

    def come_back(self, name: str) -> None:
        for restaurant in (self.one, self.other):
            restaurant.departments[name].come_back()


@pytest.fixture
async def brisk(postgresql: str) -> AsyncIterator[Pair]:
    """A pair whose leases end soon."""
    pair = Pair(new_postgresql_database(postgresql), BRISK)
    await pair.open()
    yield pair
    await pair.close()


@pytest.fixture
async def steady(postgresql: str) -> AsyncIterator[Pair]:
    """A pair whose leases do not end."""
    pair = Pair(new_postgresql_database(postgresql), STEADY)
    await pair.open()
    yield pair
    await pair.close()


async def test_what_a_dead_gateway_left_is_taken_over(brisk: Pair) -> None:
    brisk.go_away("kitchen")
    asked = [order("kitchen pizza") for _ in range(3)]
    await asyncio.gather(*map(brisk.one.service.place, asked))
    await brisk.one.journal.flush()
    brisk.one.database.is_broken = True
    brisk.other.kitchen.come_back()
    await until(lambda: len(brisk.other.kitchen.tickets) == len(asked))
    await brisk.other.settle()
    for each in asked:
        assert outcomes(await brisk.other.service.find(each.order_id)) == ["accepted"]


async def test_a_living_gateway_keeps_its_orders(brisk: Pair) -> None:
    brisk.go_away("kitchen")
    placed = await brisk.one.service.place(order("kitchen pizza"))
    renewals = brisk.one.database.writes
    await until(lambda: brisk.one.database.writes > renewals + 8)
    assert (await brisk.one.written(placed.order_id)).owner == brisk.one.journal.number
    assert placed.order_id not in brisk.other.service._in_flight


async def test_the_lease_outlives_an_unexpected_failure(brisk: Pair) -> None:
    failures = 0

    async def fail() -> None:
        nonlocal failures
        failures += 1
        brisk.one.database.on_write = _nothing
        raise RuntimeError("a row of a newer version")

    brisk.one.database.on_write = fail
    await until(lambda: brisk.one.database.on_write is _nothing)
    renewals = brisk.one.database.writes

    await until(lambda: brisk.one.database.writes > renewals + 2)
    assert failures == 1


async def _nothing() -> None:
    pass


def _none(renewals: Mapping[int, int]) -> Mapping[int, int]:
    """Take no gateway for dead."""
    return {}


async def test_a_gateway_that_ends_in_order_leaves_its_orders_at_once(steady: Pair) -> None:
    steady.go_away("kitchen")
    placed = await steady.one.service.place(order("kitchen pizza"))
    await steady.one.service.close()
    await steady.other.service._lease_keeper._claim()
    assert placed.order_id in steady.other.service._in_flight
    await steady.one.service.start()


async def test_a_gateway_that_was_taken_for_dead_starts_over(brisk: Pair) -> None:
    brisk.one.kitchen.go_away()
    placed = await brisk.one.service.place(order("kitchen pizza"))
    await brisk.one.journal.flush()
    number = brisk.one.journal.number
    brisk.one.database.is_broken = True
    await until(lambda: placed.order_id in brisk.other.kitchen.tickets)
    await brisk.other.settle()
    brisk.one.database.is_broken = False
    await until(lambda: brisk.one.journal.number != number)
    brisk.one.kitchen.come_back()
    await brisk.one.settle()
    assert outcomes(await brisk.one.service.find(placed.order_id)) == ["accepted"]
    assert brisk.one.kitchen.stock["pizza"] == STOCK["kitchen"]["pizza"] - 1


async def test_what_was_handed_over_is_not_asked_for_any_more(steady: Pair) -> None:
    steady.one.kitchen.go_away()
    placed = await steady.one.service.place(order("kitchen pizza"))
    await steady.one.journal.flush()
    await steady.other.journal.take(placed.order_id)
    calls = len(steady.one.kitchen.calls)
    with pytest.raises(TakenOver):
        await steady.one.service._cancelling.decide(_find_in_flight(steady.one, placed.order_id))
    steady.one.kitchen.come_back()
    await until(lambda: not len(steady.one.service.backlogs["kitchen"]))
    assert (Goal.CANCEL, [placed.order_id]) not in steady.one.kitchen.calls[calls:]
    assert placed.order_id not in steady.one.kitchen.tickets


async def test_a_gateway_whose_number_is_gone_does_not_claim_its_own_orders(steady: Pair) -> None:
    steady.go_away("kitchen")
    placed = await steady.one.service.place(order("kitchen pizza"))
    await steady.one.journal.flush()
    number = steady.one.journal.number
    await steady.one.journal.retire()
    assert await steady.one.journal.claim(_none, 10) is None
    await steady.one.service._lease_keeper._claim()
    assert steady.one.journal.number > number
    assert _find_in_flight(steady.one, placed.order_id).order.owner == steady.one.journal.number


async def test_the_writes_of_a_slow_owner_are_fenced_off(steady: Pair) -> None:
    steady.go_away("kitchen")
    placed = await steady.one.service.place(order("kitchen pizza"))
    await steady.one.journal.flush()
    taken = await steady.other.journal.take(placed.order_id)
    assert taken is not None
    placed.lines[0].note = "too late"
    with pytest.raises(TakenOver):
        await steady.one.journal.update(placed)
    assert await steady.other.written(placed.order_id) == taken


async def test_they_stay_fenced_off_when_the_order_comes_back_to_it(steady: Pair) -> None:
    steady.go_away("kitchen")
    placed = await steady.one.service.place(order("kitchen pizza"))
    await steady.one.journal.flush()
    await steady.other.journal.take(placed.order_id)
    again = await steady.one.journal.take(placed.order_id)
    assert again is not None
    assert again.owner == placed.owner
    placed.lines[0].note = "too late"
    stale, fresh = steady.one.journal.update(placed), steady.one.journal.update(again)
    with pytest.raises(TakenOver):
        await stale
    await fresh
    assert await steady.one.written(placed.order_id) == again


async def test_a_client_may_cancel_at_another_gateway(steady: Pair) -> None:
    placed = await steady.one.service.place(all_or_nothing("bar coffee", "kitchen pizza"))
    await steady.one.settle()
    cancelled = await steady.other.service.cancel(placed.order_id)
    assert cancelled.status is Status.CANCELLED
    await steady.other.settle()
    assert (await steady.one.service.find(placed.order_id)).status is Status.CANCELLED
    assert steady.one.bar.stock == STOCK["bar"]


async def test_an_order_that_is_cancelled_elsewhere_is_forgotten_here(steady: Pair) -> None:
    steady.one.kitchen.go_away()
    placed = await steady.one.service.place(order("kitchen pizza"))
    await steady.one.journal.flush()
    cancelled = await steady.other.service.cancel(placed.order_id)
    assert outcomes(cancelled) == ["cancelled"]
    await steady.other.settle()
    steady.one.kitchen.come_back()
    await steady.one.settle()
    assert outcomes(await steady.one.service.find(placed.order_id)) == ["cancelled"]
    assert steady.one.kitchen.stock == STOCK["kitchen"]


async def test_the_same_order_at_both_gateways_has_one_effect_and_one_response(steady: Pair) -> None:
    asked = order("bar coffee", "kitchen pizza")
    copies = [order("bar coffee", "kitchen pizza", order_id=asked.order_id) for _ in range(6)]
    gateways = [steady.one.service, steady.other.service] * 3
    responses = await asyncio.gather(*(gateway.place(copy) for gateway, copy in zip(gateways, copies, strict=True)))
    assert [outcomes(response) for response in responses] == [["accepted", "accepted"]] * 6
    assert steady.one.bar.stock["coffee"] == STOCK["bar"]["coffee"] - 1


async def test_a_client_whose_order_is_taken_over_meanwhile_gets_it_as_it_stands(steady: Pair) -> None:
    steady.one.kitchen.mouth.clear()
    asked = order("kitchen pizza")
    placing = asyncio.create_task(steady.one.service.place(asked))
    await until(lambda: steady.one.kitchen.tickets != {})
    cancelled = await steady.other.service.cancel(asked.order_id)
    await steady.other.settle()
    steady.one.service._in_flight.release_all()
    responded = await placing
    assert outcomes(responded) == outcomes(cancelled) == ["cancelled"]


async def test_an_order_that_was_written_though_its_insertion_failed_is_found(restaurant: Restaurant) -> None:
    asked = await write_unbeknown(restaurant)
    assert (await restaurant.written(asked.order_id)).owed == {"bar": Goal.PLACE}
    await restaurant.service._lease_keeper._find_unknown()
    await restaurant.settle()
    assert outcomes(await restaurant.service.find(asked.order_id)) == ["accepted"]


async def test_its_client_may_send_it_again_before_that(restaurant: Restaurant) -> None:
    asked = await write_unbeknown(restaurant)
    again = await restaurant.service.place(order("bar coffee", order_id=asked.order_id))
    assert outcomes(again) == ["accepted"]
    assert restaurant.bar.stock["coffee"] == STOCK["bar"]["coffee"] - 1
    await restaurant.settle()


async def test_after_a_failure_orders_of_this_gateway_are_looked_for(tmp_path: object) -> None:
    restaurant = Restaurant(f"sqlite:///{tmp_path}/gateway.db", retry_policy=BRISK)
    await restaurant.open()
    unknown = order("bar coffee")
    await restaurant.journal.insert(unknown)
    known = order("bar soda")
    await restaurant.service.place(known)
    assert restaurant.bar.asked(unknown.order_id) == []
    restaurant.service._lease_keeper.note_unknown_write()
    await until(lambda: restaurant.bar.asked(unknown.order_id) == [Goal.PLACE])
    await restaurant.settle()
    await restaurant.close()


async def test_a_response_that_is_overtaken_by_a_decision_is_ignored(restaurant: Restaurant) -> None:
    restaurant.bar.go_away()
    placed = await restaurant.service.place(order("bar coffee"))
    await restaurant.journal.flush()
    placed.epoch += 1
    restaurant.service.backlogs["bar"]._receive(
        placed, Goal.PLACE, placed.epoch - 1, TicketResult(TicketState.QUEUED, [LineResult(Outcome.ACCEPTED, 0, 350)])
    )
    assert outcomes(placed) == ["pending"]


def _find_in_flight(restaurant: Restaurant, order_id: str) -> InFlightOrder:
    in_flight = restaurant.service._in_flight.get(order_id)
    assert in_flight is not None
    return in_flight


async def write_unbeknown(restaurant: Restaurant) -> Order:
    """Place an order whose insertion is committed, and whose response is lost."""

    async def break_after_the_commit() -> None:
        restaurant.database.on_write = fail

    async def fail() -> None:
        restaurant.database.on_write = _fine
        raise DatabaseError("the connection broke during the commit")

    restaurant.database.on_write = break_after_the_commit
    asked = order("bar coffee")
    with pytest.raises(DatabaseError):
        await restaurant.service.place(asked)
    return asked


async def _fine() -> None:
    """What a disk does when nothing is wrong with it."""


async def test_a_gateway_that_starts_later_takes_a_dead_one_over_as_well(brisk: Pair) -> None:
    brisk.go_away("kitchen")
    placed = await brisk.one.service.place(order("kitchen pizza"))
    await brisk.one.journal.flush()
    for restaurant in (brisk.one, brisk.other):
        restaurant.database.is_broken = True
    await brisk.other.close()
    brisk.other.departments["kitchen"].come_back()
    await brisk.other.open()
    await until(lambda: placed.order_id in brisk.other.kitchen.tickets)
    await brisk.other.settle()
