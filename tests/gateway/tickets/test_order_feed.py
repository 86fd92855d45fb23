"""The orders that follow their tickets: read in batches, again a while later, and after an outage."""

import asyncio
from collections.abc import Sequence

from gateway.domain.order import Order
from gateway.tickets.order_feed import AGAIN_SECONDS, BATCH, OrderFeed
from infra.errors import DatabaseError
from tests.support.orders import order
from tests.support.virtual_time import run_virtually


class Journal:
    """Orders by their ids; what was read of them, and what was entered, with the time."""

    def __init__(self) -> None:
        self.orders: dict[str, Order] = {}
        self.reads: list[tuple[float, list[str]]] = []
        self.entered: list[str] = []
        self.is_broken = False
        self.unwanted: set[str] = set()

    def add(self, *, is_pending: bool = False) -> str:
        asked = order("bar coffee")
        if not is_pending:
            asked.lines[0].cancel()
        self.orders[asked.order_id] = asked
        return asked.order_id

    async def find_all(self, order_ids: Sequence[str]) -> list[Order]:
        self.reads.append((asyncio.get_running_loop().time(), list(order_ids)))
        if self.is_broken:
            raise DatabaseError("the disk is gone")
        return [self.orders[order_id] for order_id in order_ids if order_id in self.orders]

    def run(self, seconds: float, *order_ids: str, urgent: str = "") -> None:
        """Let a feed run for a while that orders are added to."""
        run_virtually(self._run(seconds, order_ids, urgent))

    async def _run(self, seconds: float, order_ids: Sequence[str], urgent: str = "") -> None:
        def enter(found: Order) -> None:
            self.entered.append(found.order_id)

        loop = asyncio.get_running_loop()
        feed = OrderFeed(
            self.find_all, enter, lambda order_id: order_id not in self.unwanted, lambda: 1000.0 + loop.time()
        )
        running = loop.create_task(feed.run())
        feed.add(order_ids)
        if urgent:
            feed.add_urgent([urgent])
        await asyncio.sleep(seconds)
        running.cancel()
        await asyncio.wait([running])


def test_an_order_with_a_step_is_read_before_those_that_wait() -> None:
    journal = Journal()
    waiting, moved = [journal.add() for _ in range(3 * BATCH)], journal.add()
    journal.run(AGAIN_SECONDS / 2, *waiting, urgent=moved)
    assert journal.entered.index(moved) == 0
    assert len(journal.entered) == len(waiting) + 1


def test_orders_are_read_at_once_in_batches() -> None:
    journal = Journal()
    order_ids = [journal.add() for _ in range(BATCH + 1)]
    journal.run(AGAIN_SECONDS / 2, *order_ids)
    assert journal.entered == order_ids
    assert [len(read) for _, read in journal.reads] == [BATCH, 1]


def test_an_order_is_read_once_more_a_while_later() -> None:
    journal = Journal()
    order_id = journal.add()
    journal.run(20 * AGAIN_SECONDS, order_id)
    assert journal.reads == [(0.0, [order_id]), (AGAIN_SECONDS, [order_id])]


def test_a_pending_order_is_read_until_it_is_decided() -> None:
    journal = Journal()
    order_id = journal.add(is_pending=True)
    journal.run(10.5 * AGAIN_SECONDS, order_id)
    assert len(journal.reads) == 11


def test_an_order_that_nobody_wants_is_not_read() -> None:
    journal = Journal()
    order_id = journal.add()
    journal.unwanted.add(order_id)
    journal.run(5.0, order_id)
    assert journal.reads == []


def test_a_journal_that_cannot_be_read_is_read_again() -> None:
    journal = Journal()
    order_id = journal.add()
    journal.is_broken = True

    async def repair_later() -> None:
        running = asyncio.get_running_loop().create_task(journal._run(5.0, [order_id]))
        await asyncio.sleep(1.5)
        journal.is_broken = False
        await running

    run_virtually(repair_later())
    assert journal.entered[0] == order_id


def test_an_unknown_order_is_left_out() -> None:
    journal = Journal()
    known = journal.add()
    journal.run(0.5, "unknown", known)
    assert journal.entered == [known]
