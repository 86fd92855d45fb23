"""What is done to a cluster, and from when on orders have to be taken again.

A fault is a coroutine. It returns the moment from which on the three seconds run, and what else was observed.
"""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.failover.cluster import Cluster
from tests.failover.daemons import send_to
from tests.failover.roles import Change, RoleObserver
from tests.support.waiting import eventually

PROMOTED_SECONDS = 90.0
"""How long a promotion may take on a machine that is busy: Patroni's ttl and some loops, and the recovery."""

LATE_SECONDS = 5.0
"""How long an order that a standby has may wait for its departments, until its client gets a response."""


@dataclass(frozen=True, slots=True)
class Duration:
    """How long things last, in seconds: a primary's stop, the standbys' stop, an etcd member's absence, a lag.

    A primary that failed keeps its lease until Patroni's `ttl` is over, or at most for so many seconds (`lease`).
    """

    stop: float = 45.0
    standbys: float = 20.0
    etcd: float = 15.0
    lag: float = 5.0
    lease: float | None = None


@dataclass(slots=True)
class Scene:
    """The cluster that is hurt, what observes it, and how long the faults last."""

    cluster: Cluster
    roles: RoleObserver
    acknowledged: Callable[[float, float], int]
    """How many new orders were acknowledged between two moments."""
    duration: Duration = Duration()

    async def promotion(self, began: float) -> Change:
        """Wait until a server has become the primary since `began`."""
        if self.duration.lease is not None:
            await asyncio.sleep(max(0.0, self.duration.lease - (time.monotonic() - began)))
            await asyncio.to_thread(self.cluster.end_lease)

        async def promoted() -> Change | None:
            return self.roles.promotion_since(began)

        found = await eventually(promoted, "a server is promoted", PROMOTED_SECONDS)
        assert found is not None
        return found

    async def outcome(self, began: float, promoted: Change, *wrong: str) -> "Outcome":
        """Wait until the new primary has a standby: before, no order may be acknowledged."""

        async def confirmed() -> Change | None:
            return self.roles.confirmed_since(promoted.at, promoted.node)

        found = await eventually(confirmed, "a standby follows the new primary", PROMOTED_SECONDS)
        assert found is not None
        return Outcome(began, found.at, promoted, wrong)


@dataclass(frozen=True, slots=True)
class Outcome:
    """When the fault began, and when the cluster was able to take orders again: with a primary and a standby of it.

    `promoted` is None where no server needed to become the primary.
    """

    began: float
    able: float
    promoted: Change | None
    wrong: tuple[str, ...] = ()


async def kill_primary(scene: Scene) -> Outcome:
    """Kill the primary and its Patroni; they are started again once another server has been promoted."""
    old = await asyncio.to_thread(scene.cluster.primary)
    began = time.monotonic()
    old.kill()
    found = await scene.promotion(began)
    old.patroni.start()
    return await scene.outcome(began, found)


async def kill_postmaster(scene: Scene) -> Outcome:
    """Kill the primary's main process: Patroni starts it again where it is, or promotes another server."""
    old = await asyncio.to_thread(scene.cluster.primary)
    began = time.monotonic()
    send_to(old.postmaster, signal.SIGKILL)
    return await scene.outcome(began, await scene.promotion(began))


async def stop_primary(scene: Scene) -> Outcome:
    """Stop every process of the primary and its Patroni by SIGSTOP, and let them go on after another's promotion."""
    old = await asyncio.to_thread(scene.cluster.primary)
    began = time.monotonic()
    old.send(signal.SIGSTOP)
    try:
        found = await scene.promotion(began)
        await asyncio.sleep(max(0.0, scene.duration.stop - (time.monotonic() - began)))
    finally:
        old.send(signal.SIGCONT)
    return await scene.outcome(began, found)


async def stop_patroni(scene: Scene) -> Outcome:
    """Stop the primary's Patroni alone: another server is promoted, and the old one goes on taking connections."""
    old = await asyncio.to_thread(scene.cluster.primary)
    began = time.monotonic()
    old.patroni.send(signal.SIGSTOP)
    try:
        found = await scene.promotion(began)
        await asyncio.sleep(max(0.0, scene.duration.stop - (time.monotonic() - began)))
    finally:
        old.patroni.send(signal.SIGCONT)
    return await scene.outcome(began, found)


async def switch_over(scene: Scene) -> Outcome:
    """Let Patroni make the synchronous standby the primary, as before maintenance."""
    old = await asyncio.to_thread(scene.cluster.primary)
    began = time.monotonic()
    response = await asyncio.to_thread(old.switch_over, old.name)
    response.raise_for_status()
    return await scene.outcome(began, await scene.promotion(began))


async def kill_synchronous_standby(scene: Scene) -> Outcome:
    """Kill the standby that confirms commits, and its Patroni: the other one confirms them instead."""
    standby = await asyncio.to_thread(scene.cluster.with_role, "sync_standby")
    primary = await asyncio.to_thread(scene.cluster.primary)
    began = time.monotonic()
    standby.kill()

    async def confirmed() -> Change | None:
        return scene.roles.confirmed_since(began, primary.name)

    found = await eventually(confirmed, "the other standby confirms", PROMOTED_SECONDS)
    assert found is not None
    standby.patroni.start()
    return Outcome(began, found.at, None)


async def stop_standbys(scene: Scene) -> Outcome:
    """Stop both standbys: no order may be acknowledged, as it would be in one place only."""
    primary = await asyncio.to_thread(scene.cluster.primary)
    standbys = [node for node in scene.cluster.nodes if node is not primary]
    began = time.monotonic()
    for node in standbys:
        node.send(signal.SIGSTOP)
    stopped = time.monotonic()
    try:
        await asyncio.sleep(scene.duration.standbys)
    finally:
        ended = time.monotonic()
        for node in standbys:
            node.send(signal.SIGCONT)
    count = scene.acknowledged(stopped + LATE_SECONDS, ended)
    wrong = (f"{count} orders were acknowledged while no standby had them",) if count else ()
    return Outcome(began, time.monotonic(), None, wrong)


async def kill_etcd_member(scene: Scene) -> Outcome:
    """Kill the etcd member that leads the others, and start it again: orders go on."""
    member = await asyncio.to_thread(scene.cluster.etcd_leader)
    began = time.monotonic()
    member.kill()
    await asyncio.sleep(scene.duration.etcd)
    member.start()
    return Outcome(began, began, None)


async def lag_and_kill_primary(scene: Scene) -> Outcome:
    """Let the other standby lag, and kill the primary: whoever has all orders is promoted, not the one that lags."""
    old = await asyncio.to_thread(scene.cluster.primary)
    lagging = await asyncio.to_thread(scene.cluster.with_role, "replica")
    receiver = lagging.wal_receiver()
    assert receiver, f"{lagging.name} receives nothing"
    send_to(receiver, signal.SIGSTOP)
    try:
        await asyncio.sleep(scene.duration.lag)
        began = time.monotonic()
        old.kill()
        found = await scene.promotion(began)
    finally:
        send_to(receiver, signal.SIGCONT)
    old.patroni.start()
    wrong = [f"{lagging.name} was promoted, which lagged"] * (found.node == lagging.name)
    return await scene.outcome(began, found, *wrong)


FAULTS: dict[str, Callable[[Scene], Awaitable[Outcome]]] = {
    "primary and its Patroni killed": kill_primary,
    "postmaster killed": kill_postmaster,
    "primary stopped": stop_primary,
    "primary's Patroni stopped": stop_patroni,
    "switchover": switch_over,
    "synchronous standby killed": kill_synchronous_standby,
    "standbys stopped": stop_standbys,
    "etcd leader killed": kill_etcd_member,
    "standby lags, primary killed": lag_and_kill_primary,
}
