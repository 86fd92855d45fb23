"""Keeping this gateway's lease, and finding orders that no living gateway works on.

A gateway has a number and a lease. It renews the lease and reads the others' three times in one, so a death is noticed
within four thirds of a lease (see leases.py). The gateway that notices it takes over what the dead one left.

A write that failed may have been carried out all the same: its connection broke before the response. Then this gateway
owns orders that it does not know of. For a while after every such failure it looks for them, and resumes them.
"""

import asyncio
from collections.abc import Callable

import structlog

from gateway.domain.errors import OrderUnreadable
from gateway.domain.order import Order
from gateway.orders.journal import Journal
from gateway.orders.leases import LeaseObserver
from infra.errors import DatabaseError

CLAIMED_AT_ONCE = 1000
UNKNOWN_WRITE_SECONDS = 30.0
"""How long a write that failed may still be carried out: well above what a statement may take."""

log = structlog.get_logger("leases")


class LeaseKeeper:
    """Keeps this gateway's lease, and finds orders to resume."""

    def __init__(
        self,
        journal: Journal,
        lease: float,
        *,
        monotonic: Callable[[], float],
        is_in_flight: Callable[[str], bool],
        resume: Callable[[Order], None],
        release_all: Callable[[], None],
    ) -> None:
        """`is_in_flight` returns whether an order is in memory; `resume` works on one; `release_all` releases them all.

        `lease` in seconds; `monotonic` returns seconds of a monotonic clock.
        """
        self.seconds = lease
        self.renewed_at = 0.0
        """When the lease was last renewed, by the monotonic clock; on SQLite, where nobody shares it, at the start."""
        self.lost = 0
        """How often another gateway has ended the lease."""
        self._journal = journal
        self._observer = LeaseObserver(lease, monotonic)
        self._monotonic = monotonic
        self._is_in_flight = is_in_flight
        self._resume = resume
        self._release_all = release_all
        self._look_until = 0.0

    async def begin(self) -> None:
        """Take a number, and resume every order that was left; raises DatabaseError."""
        await self._journal.enlist()
        await self._claim()

    async def keep(self) -> None:
        """Renew the lease, and look for orders to resume."""
        while True:
            await asyncio.sleep(self.seconds / 3)
            try:
                if self._journal.is_shared:
                    await self._claim()
                if self._monotonic() < self._look_until:
                    await self._find_unknown()
            except DatabaseError as error:
                self.note_unknown_write()
                log.debug("the lease is not renewed", reason=str(error))

    async def end(self) -> None:
        """End the lease: other gateways may take over what is unfinished."""
        if not self._journal.is_shared or not self._journal.number:
            return
        try:
            await self._journal.retire()
        except DatabaseError as error:
            log.error("the lease could not be ended; it ends by itself", reason=str(error))

    def note_unknown_write(self) -> None:
        """Note that a write failed, which may have been carried out."""
        self._look_until = self._monotonic() + UNKNOWN_WRITE_SECONDS

    async def _claim(self) -> None:
        while True:
            orders = await self._journal.claim(self._observer.ended, CLAIMED_AT_ONCE)
            if orders is None:
                self.lost += 1
                log.warning("another gateway has ended this one's lease; it starts over", number=self._journal.number)
                self._release_all()
                await self._journal.enlist()
                continue
            self.renewed_at = self._monotonic()
            if not orders:
                return
            log.info("resumed", orders=len(orders), first=orders[0].order_id, last=orders[-1].order_id)
            for order in orders:
                self._resume(order)

    async def _find_unknown(self) -> None:
        for order_id in await self._journal.unfinished():
            if self._is_in_flight(order_id):
                continue
            # Taken anew, for it may have been finished since, or begun again.
            try:
                order = await self._journal.take(order_id)
            except OrderUnreadable:
                continue  # logged by the journal, and left as it is
            if order is not None and order.owed:
                log.info("found", order_id=order_id)
                self._resume(order)
