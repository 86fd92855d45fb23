"""The watch over orders that nobody looks after: where gateways share a journal, and where a write's fate is unknown.

A gateway has a number and a lease. It renews the lease and looks around three times in one, so a death is noticed
within four thirds of a lease (see leases.py). Whoever notices it takes over what the dead one left.

A write that failed may have been carried out all the same: its connection broke before the answer. Then this gateway
owns orders that it does not know of. For a while after every such failure it looks for them, and takes them up.
"""

import asyncio
from collections.abc import Callable

import structlog

from gateway.domain.errors import OrderUnreadable
from gateway.domain.order import Order
from gateway.orders.journal import Journal
from gateway.orders.leases import Leases
from infra.errors import DatabaseError

CLAIMED_AT_ONCE = 1000
DOUBT_SECONDS = 30.0
"""How long a write that failed may still be carried out: well above what a statement may take."""

log = structlog.get_logger("watch")


class LeaseKeeper:
    """Finds orders that nobody looks after."""

    def __init__(
        self,
        journal: Journal,
        lease: float,
        *,
        monotonic: Callable[[], float],
        knows: Callable[[str], bool],
        adopt: Callable[[Order], None],
        let_go: Callable[[], None],
    ) -> None:
        """`knows` tells whether an order is looked after here; `adopt` does so; `let_go` gives up all of them.

        `lease` in seconds; `monotonic` returns seconds of a clock that nobody can set.
        """
        self._journal = journal
        self._lease = lease
        self._leases = Leases(lease, monotonic)
        self._monotonic = monotonic
        self._knows = knows
        self._adopt = adopt
        self._let_go = let_go
        self._doubtful_until = 0.0

    async def begin(self) -> None:
        """Take a number and every order that is left; raises DatabaseError."""
        await self._journal.enlist()
        await self._claim()

    async def keep(self) -> None:
        """Keep the lease, and look around."""
        while True:
            await asyncio.sleep(self._lease / 3)
            try:
                if self._journal.is_shared:
                    await self._claim()
                if self._monotonic() < self._doubtful_until:
                    await self._find_unknown()
            except DatabaseError as error:
                self.doubt()
                log.debug("the lease is not renewed", reason=str(error))

    async def end(self) -> None:
        """Leave what is unfinished to others."""
        if not self._journal.is_shared or not self._journal.number:
            return
        try:
            await self._journal.retire()
        except DatabaseError as error:
            log.error("the lease is not given back; it ends by itself", reason=str(error))

    def doubt(self) -> None:
        """Take note that a write failed, which may have been carried out."""
        self._doubtful_until = self._monotonic() + DOUBT_SECONDS

    async def _claim(self) -> None:
        while True:
            orders = await self._journal.claim(self._leases.ended, CLAIMED_AT_ONCE)
            if orders is None:
                log.warning("this gateway was taken for dead; it starts over", number=self._journal.number)
                self._let_go()
                await self._journal.enlist()
                continue
            if not orders:
                return
            log.info("resumed", orders=len(orders), first=orders[0].order_id, last=orders[-1].order_id)
            for order in orders:
                self._adopt(order)

    async def _find_unknown(self) -> None:
        for order_id in await self._journal.unfinished():
            if self._knows(order_id):
                continue
            # Taken anew, for it may have been finished since, or begun again.
            try:
                order = await self._journal.take(order_id)
            except OrderUnreadable:
                continue  # logged by the journal, and left as it is
            if order is not None and order.owed:
                log.info("found", order_id=order_id)
                self._adopt(order)
