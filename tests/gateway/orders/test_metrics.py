"""What a scrape shows of the order path."""

import pytest

from gateway.domain.errors import Overloaded
from gateway.orders.backoff import RetryPolicy
from infra.errors import DatabaseError
from tests.support.metrics import Samples, samples
from tests.support.order_path import Restaurant
from tests.support.orders import order
from tests.support.waiting import until


async def shown(restaurant: Restaurant) -> Samples:
    return await samples(restaurant.service.metrics.families)


def counted(shown: Samples, family: str) -> Samples:
    """Return the series of a family that are not zero, by the value of their only label."""
    found = {
        name.partition("{")[2].rstrip("}"): value for name, value in shown.items() if name.startswith(f"{family}{{")
    }
    return {name.partition("=")[2]: value for name, value in found.items() if value}


async def test_an_order_is_counted_by_its_outcome_and_decided_in_some_time(restaurant: Restaurant) -> None:
    for wishes in (("bar coffee", "kitchen pizza"), ("bar coffee", "kitchen meat"), ("bar beer 2",)):
        await restaurant.service.place(order(*wishes))
    now = await shown(restaurant)
    assert counted(now, "orders_total") == {"accepted": 1, "partly_accepted": 1, "refused": 1}
    assert counted(now, "lines_refused_total") == {"out_of_stock": 2}
    assert now["order_seconds_count"] == now["order_seconds_bucket{le=+Inf}"] == 3
    assert now["order_seconds_sum"] > 0
    assert counted(now, "orders_failed_total") == {}
    assert now["orders_waiting"] == 0


async def test_a_request_that_is_repeated_is_not_counted_again(restaurant: Restaurant) -> None:
    first = order("bar coffee")
    await restaurant.service.place(first)
    await restaurant.settle()
    await restaurant.service.place(order("bar coffee", order_id=first.order_id))
    assert counted(await shown(restaurant), "orders_total") == {"accepted": 1}


async def test_an_order_that_is_pending_is_owed_and_grows_old(restaurant: Restaurant) -> None:
    restaurant.bar.go_away()
    await restaurant.service.place(order("bar coffee", "kitchen pizza"))
    restaurant.clock.now += 90
    now = await shown(restaurant)
    assert counted(now, "orders_total") == {"pending": 1}
    assert now["order_seconds_count"] == 0
    assert counted(now, "orders_owed") == {"bar": 1}
    assert counted(now, "orders_owed_oldest_seconds") == {"bar": 90}
    assert counted(now, "orders_in_backlog") == {"bar": 1}
    assert counted(now, "department_reachable") == {"kitchen": 1, "bakery": 1}
    assert now["orders_in_flight"] == 1


async def test_what_was_owed_is_owed_no_more(restaurant: Restaurant) -> None:
    restaurant.bar.go_away()
    await restaurant.service.place(order("bar coffee"))
    restaurant.bar.come_back()
    await restaurant.settle()
    now = await shown(restaurant)
    assert counted(now, "orders_owed") == counted(now, "orders_in_backlog") == {}
    assert now["orders_owed_oldest_seconds{department=bar}"] == 0
    assert now["department_reachable{department=bar}"] == 1


async def test_a_client_that_gets_an_error_is_counted_by_it(restaurant: Restaurant) -> None:
    restaurant.database.is_broken = True
    with pytest.raises(DatabaseError):
        await restaurant.service.place(order("bar coffee"))
    now = await shown(restaurant)
    assert counted(now, "orders_failed_total") == {"DatabaseError": 1}
    assert counted(now, "orders_total") == {}


async def test_an_order_too_many_is_a_failure(restaurant: Restaurant) -> None:
    restaurant.service._policy = RetryPolicy(waiting=0)
    with pytest.raises(Overloaded):
        await restaurant.service.place(order("bar coffee"))
    assert counted(await shown(restaurant), "orders_failed_total") == {"Overloaded": 1}


async def test_the_watch_that_orders_follow_has_an_age(restaurant: Restaurant) -> None:
    restaurant.clock.now += 20
    before = counted(await shown(restaurant), "watch_age_seconds")
    assert before == {"bar": 20, "kitchen": 20, "bakery": 20}


async def test_a_lease_has_an_age_where_the_journal_is_shared(restaurant: Restaurant) -> None:
    assert "lease_age_seconds" not in await shown(restaurant)
    restaurant.journal.is_shared = True
    restaurant.clock.now += 4
    now = await shown(restaurant)
    assert now["lease_age_seconds"] == 4
    assert now["lease_seconds"] == restaurant.retry_policy.lease
    assert now["leases_lost_total"] == 0


async def test_a_lease_that_was_ended_is_counted_and_begins_anew(restaurant: Restaurant) -> None:
    restaurant.journal.is_shared = True
    await restaurant.journal.retire()
    restaurant.clock.now += 4
    await restaurant.service.metrics.leases._claim()
    now = await shown(restaurant)
    assert now["leases_lost_total"] == 1
    assert now["lease_age_seconds"] == 0


async def test_the_journals_batches_are_shown(restaurant: Restaurant) -> None:
    await restaurant.service.place(order("bar coffee"))
    await until(lambda: restaurant.journal.writes.items == 2)
    now = await shown(restaurant)
    assert now["batch_items_sum{queue=journal}"] == 2
    assert now["batch_wait_seconds_count{queue=journal}"] >= 1
