"""One simulation: a restaurant, its clients, faults, then peace; and the audit."""

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass

from tests.simulation.archives import lost_steps
from tests.simulation.archivist import Archivist
from tests.simulation.audit import Deliveries, Findings, audit
from tests.simulation.clients import Clients
from tests.simulation.clocks import Timekeeper, set_a_clock
from tests.simulation.network import FAIR
from tests.simulation.plans import Plan
from tests.simulation.quiet import be_quiet
from tests.simulation.staff import Staff
from tests.simulation.virtual import Stuck
from tests.simulation.watchers import low_limits
from tests.simulation.world import Gateway, World, menu

DEPARTMENTS = {
    "bar": ("coffee", "soda", "beer", "water"),
    "kitchen": ("pasta", "pizza", "meat"),
    "bakery": ("cookie", "donut"),
}
UNLIMITED = {"bar": ("water",)}
CONVERGENCE_SECONDS = 30.0
GHOST_SECONDS = 25.0
LATE_SECONDS = 20.0
"""How long an evening with an archiver goes on after the last order."""

HARMLESS = frozenset({"ahead", "back", "cut", "blackout"})
"""Faults that leave every gateway its lease."""

TIMED = HARMLESS | {"kill"}
"""Faults among which it can be told whether orders expire in time: gateways do not stop, and can write."""
FOREVER_SECONDS = 100_000.0


@dataclass(slots=True)
class Result:
    """How a simulation went."""

    seed: int
    findings: Findings
    trace: str
    acknowledged: int
    requests: int
    calls: int
    deaths: int
    commits: int
    changes: int
    resets: int
    staff_changes: int
    steps: int
    virtual: float
    converged: float
    real: float
    archived: int


def run_seed(orders: int, seed: int) -> Result:
    """Run the simulation that a seed stands for."""
    be_quiet()
    return simulate(Plan.draw(seed, orders))


def simulate(plan: Plan) -> Result:
    """Run one simulation to its audit."""
    with low_limits(small_pages=plan.small_pages, slow_feeds=plan.slow_feeds):
        return _simulate(plan)


def _simulate(plan: Plan) -> Result:
    begun = time.perf_counter()
    dice = random.Random(f"world {plan.seed}")
    stock = {
        name: {
            item: 0 if item in UNLIMITED.get(name, ()) else dice.randint(1, max(2, int(plan.orders * plan.plenty)))
            for item in items
        }
        for name, items in DEPARTMENTS.items()
    }
    menus = {name: menu(name, items, 100, UNLIMITED.get(name, ())) for name, items in stock.items()}
    world = World.build(
        plan.seed, menus, gateways=plan.gateways, replicas=plan.replicas, retry_policy=plan.retry_policy
    )
    clients = Clients(world, dice, plan.policy_share, plan.cancel_share, more_share=0.2 if plan.cooks else 0.0)
    staff = Staff(world, random.Random(f"staff {plan.seed}"), plan.watchers)
    archivist = _hire_archivist(plan, world, staff) if plan.archives else None
    timekeeper = Timekeeper(world, plan.retry_policy)
    try:
        converged = -1.0
        problems = []
        try:
            converged = world.loop.run(_evening(plan, world, clients, staff, timekeeper, archivist))
        except Stuck as error:
            problems.append(str(error))
        received = Counter({(name, item): count for name, items in stock.items() for item, count in items.items()})
        received.update(staff.stockroom.received())
        unlimited = [(name, item) for name, items in UNLIMITED.items() for item in items]
        deliveries = Deliveries(received, staff.stockroom.discarded(), unlimited)
        files = archivist.files if archivist else None
        findings = audit(world.disks, deliveries, clients.entries, files, staff.undone)
        if HARMLESS.issuperset(plan.kinds) and not world.deaths:
            numbers = len(world.disks["gateway"].query("SELECT number FROM gateways"))
            given = world.disks["gateway"].query("SELECT seq FROM sqlite_sequence WHERE name = 'gateways'")[0].seq
            if not numbers == given == plan.gateways:
                problems.append(f"{given} numbers were given to {plan.gateways} gateways, none of which died")
        if converged > CONVERGENCE_SECONDS:
            problems.append(f"not settled {converged:.0f} s after the last fault")
        for text in [*problems, *clients.complaints, *staff.complaints, *timekeeper.complaints, *world.loop.errors]:
            findings.add("broken", text)
        return Result(
            plan.seed,
            findings,
            world.loop.trace,
            sum(bool(entry.words) for entry in clients.entries.values()),
            clients.requests,
            world.network.calls,
            world.deaths,
            sum(disk.commits for disk in world.disks.values()),
            sum(watcher.picture.changes for watcher in staff.watchers),
            sum(watcher.picture.resets for watcher in staff.watchers),
            len(staff.taken) + len(staff.ticks.asked) + staff.stockroom.requests,
            world.loop.steps,
            world.loop.time(),
            converged,
            time.perf_counter() - begun,
            len(world.disks["gateway"].archived()),
        )
    finally:
        if archivist is not None:
            archivist.kill()
        world.close()


def _hire_archivist(plan: Plan, world: World, staff: Staff) -> Archivist:
    staff.steps_a_second, staff.serve_first = 12, True
    archivist = Archivist(world, random.Random(f"archivist {plan.seed}"))
    world.operators.append(archivist)
    world.network.sent = []
    return archivist


async def _evening(
    plan: Plan,
    world: World,
    clients: Clients,
    staff: Staff,
    timekeeper: Timekeeper,
    archivist: Archivist | None,
) -> float:
    """Open, serve under faults, make peace, and wait until everything is settled; return how long that took."""
    world.restart_after = lambda: world.dice.expovariate(world.dice.choice((5.0, 1.0, 0.3)))
    for disk in world.disks.values():
        disk.slowness = plan.slowness
    world.network.weather = plan.weather
    world.open()
    faults = [world.loop.spawn(None, torment(plan, world, staff))] if plan.kinds else []
    cooks = staff.work() if plan.cooks else []
    readers, watchers = staff.read(), staff.watch()
    watches = [world.loop.spawn(None, timekeeper.watch())] if TIMED.issuperset(plan.kinds) else []
    returning = [world.loop.spawn(None, clients.come_back()) for _ in range(2)] if archivist else []
    await clients.come(plan.clients, plan.orders, lambda: None)
    if archivist is not None:
        await asyncio.sleep(LATE_SECONDS)
        clients.is_closing = True
        await asyncio.gather(*returning)
    for task in (*faults, *cooks):
        task.cancel()
    _make_peace(world)
    since = world.loop.time()
    while not is_settled(world) and world.loop.time() < since + CONVERGENCE_SECONDS:  # noqa: ASYNC110 - no real wait
        await asyncio.sleep(0.25)
    converged = world.loop.time() - since
    await asyncio.sleep(GHOST_SECONDS)  # what the network still carries arrives, and must change nothing
    for task in (*readers, *watches):
        task.cancel()
    if archivist is not None:
        await _check_archives(world, archivist, clients, staff)
    await staff.check()
    for task in watchers:
        task.cancel()
    return converged if is_settled(world) else FOREVER_SECONDS


async def _check_archives(world: World, archivist: Archivist, clients: Clients, staff: Staff) -> None:
    """Archive what is old enough; then the product's own audit, all clients and all steps agree with that."""
    world.operators.clear()
    world.restart_after = None
    archivist.kill()
    await archivist.archive_once(kept_seconds=1.0)
    clients.complaints += await archivist.audit()
    await clients.look_at_all()
    for name in sorted(world.menus):
        taken = [(each.move.order_id, each.move.step_id) for each in staff.taken.values() if each.name == name]
        staff.complaints += lost_steps(name, world.disks[name], archivist.files, taken)


def _make_peace(world: World) -> None:
    world.network.weather = FAIR
    world.network.cut.clear()
    world.network.exhausted.clear()
    world.restart_after = lambda: 0.1
    for disk in world.disks.values():
        disk.error_rate = 0.0
    world.configure_without(set())
    for program in world.programs:
        program.dies_at_commit = ""
        if program.process is not None:
            program.process.fuse = 0
            world.loop.resume(program.process)
        program.start()


def is_settled(world: World) -> bool:
    """Tell whether no order owes anything, and every cancel by the staff that was followed is in its order's record."""
    services = [gateway.service for gateway in world.gateways]
    if not all(service and not service._in_flight and not service.following.unsettled for service in services):
        return False
    journal = world.disks["gateway"]
    owing = journal.query("SELECT 1 FROM orders WHERE owed IS NOT NULL LIMIT 1")
    return not owing and not journal.query("SELECT 1 FROM ticket_states WHERE settled = 0 LIMIT 1")


async def torment(plan: Plan, world: World, staff: Staff) -> None:
    """One fault after another, for ever."""
    dice = world.dice
    kinds = [kind for kind, weight in plan.kinds.items() if weight]
    weights = [weight for weight in plan.kinds.values() if weight]
    while True:
        await asyncio.sleep(dice.expovariate(1 / plan.interval))
        (kind,) = dice.choices(kinds, weights)
        program = dice.choice(world.programs)
        world.loop.note("fault", kind, program.name)
        process = program.process
        match kind:
            case "kill":
                program.kill()
            case "fuse" if process is not None:
                process.fuse = dice.randint(1, 80)
            case "before" | "after":
                program.dies_at_commit = kind
            case "stop" if process is not None and not process.stopped:
                process.stopped = True
                world.loop.outside(dice.choice((0.5, 3.0, 15.0)) * dice.random(), world.loop.resume, process)
            case "ahead" | "back" | "cut" | "blackout" | "exhaust" | "unconfigure" | "ghost":
                _trouble_the_gateway(kind, world)
            case "errors":
                program.disk.error_rate = 0.5
                world.loop.outside(dice.uniform(0.1, 2.0), setattr, program.disk, "error_rate", 0.0)
            case "restore":
                await _restore(world, staff, dice.choice(sorted(world.menus)))
            case "close" if isinstance(program, Gateway) and process is not None and not process.stopped:
                world.loop.spawn(None, program.close())


def _trouble_the_gateway(kind: str, world: World) -> None:
    """Set a clock; or cut a department off, let it be too busy for decisions, take it out of the configuration.

    Or let something arrive that was sent long ago.
    """
    dice, network = world.dice, world.network
    name = dice.choice(sorted(world.menus))
    match kind:
        case "ahead" | "back":
            set_a_clock(world, kind)
        case "cut":
            network.cut.add(name)
            world.loop.outside(dice.uniform(0.2, 8.0), network.cut.discard, name)
        case "blackout":
            network.cut.add(name)
            world.loop.outside(dice.uniform(5.0, 20.0), network.cut.discard, name)
        case "exhaust":
            network.exhausted.add(name)
            world.loop.outside(dice.uniform(0.2, 4.0), network.exhausted.discard, name)
        case "ghost":
            network.repeat_an_old_message()
        case "unconfigure" if not world.unconfigured:
            world.configure_without({name})
            world.loop.outside(dice.uniform(0.5, 4.0), world.configure_without, set())


async def _restore(world: World, staff: Staff, name: str) -> None:
    """Back a department up, let its staff work on, and restore the backup.

    No order reaches the department meanwhile: what it had acknowledged would be lost, as it is in life. Gateways that
    watch see steps of the staff that are undone.
    """
    stations = [station for station in world.stations if station.menu.name == name]
    world.network.isolated.add(name)
    for station in stations:
        station.kill()
    copy = world.disks[name].copy()
    staff.begin_shift(name)
    try:
        await asyncio.sleep(world.dice.uniform(1.0, 6.0))
    finally:
        for station in stations:
            station.kill()
        world.disks[name].put_back(copy)
        staff.forget_shift(name)
        world.network.isolated.discard(name)
