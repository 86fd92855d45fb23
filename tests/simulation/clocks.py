"""Clocks that somebody sets: the faults, and a look at what must not depend on the time of day."""

import asyncio

import msgspec

from gateway.domain.transitions import PLACING
from gateway.orders.backoff import RetryPolicy
from tests.simulation.storage import Disk
from tests.simulation.world import Gateway, World

AHEAD, BACK = 3_600.0, -86_400.0
LOOK_SECONDS = 0.25
SLACK_SECONDS = 5.0
"""A gateway looks for what is too old between two calls to a department that is away: each may take 2 s, and 2 s may
lie between them; then it writes."""


def set_a_clock(world: World, kind: str) -> None:
    """Set the time of day at a gateway's machine, or at the journal's, an hour ahead or a day back."""
    machines: list[Gateway | Disk] = [*world.gateways, world.disks["gateway"]]
    machine = world.dice.choice(machines)
    machine.set_ahead += AHEAD if kind == "ahead" else BACK


class Timekeeper:
    """Sees in the journal that orders expire neither early nor late.

    Where gateways die the time of day says how old an order is, so there it may expire early; and it may begin to wait
    anew, as long as the time of day was set back.
    """

    def __init__(self, world: World, retry_policy: RetryPolicy) -> None:
        self._world = world
        self._retry_policy = retry_policy
        self._first_seen: dict[str, float] = {}
        self.complaints: list[str] = []

    async def watch(self) -> None:
        """Look for ever."""
        while True:
            self._look()
            await asyncio.sleep(LOOK_SECONDS)

    def _look(self) -> None:
        now, retry_policy = self._world.loop.time(), self._retry_policy
        for row in self._world.disks["gateway"].query(
            "SELECT order_id, lines, owed FROM orders WHERE owed IS NOT NULL"
        ):
            since = self._first_seen.setdefault(row.order_id, now)  # it came up to LOOK_SECONDS before
            outcomes = {line["outcome"] for line in msgspec.json.decode(row.lines)}
            if "expired" in outcomes and not self._world.deaths:
                self._demand(
                    now - since > retry_policy.time_to_decide - 2 * LOOK_SECONDS, row.order_id, "is expired", since
                )
            if not PLACING.isdisjoint(msgspec.json.decode(row.owed).values()):
                owned = max(since, self._world.gateways_changed_at + 2 * retry_policy.lease)
                self._demand(
                    now - owned < retry_policy.time_to_decide + SLACK_SECONDS, row.order_id, "is pending", since
                )

    def _demand(self, is_right: bool, order_id: str, state: str, since: float) -> None:
        if not is_right:
            self.complaints.append(f"{order_id} {state} after {self._world.loop.time() - since:.2f} s")
