"""One simulation: a restaurant, its clients, faults, then peace; and the audit."""

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass, field

from gateway.orders.backoff import RetryPolicy
from tests.simulation.audit import Deliveries, Findings, audit
from tests.simulation.clients import Clients
from tests.simulation.clocks import Timekeeper, set_a_clock
from tests.simulation.network import FAIR, Weather
from tests.simulation.quiet import be_quiet
from tests.simulation.staff import Staff
from tests.simulation.virtual import Stuck
from tests.simulation.watchers import small_limits
from tests.simulation.world import Gateway, World, menu

DEPARTMENTS = {
    "bar": ("coffee", "soda", "beer", "water"),
    "kitchen": ("pasta", "pizza", "meat"),
    "bakery": ("cookie", "donut"),
}
UNLIMITED = {"bar": ("water",)}
CONVERGENCE_SECONDS = 30.0
GHOST_SECONDS = 25.0
HARMLESS = frozenset({"ahead", "back", "cut", "blackout"})
"""Faults that leave every gateway its lease."""

TIMED = HARMLESS | {"kill"}
"""Faults among which it can be told whether orders expire in time: gateways do not stop, and can write."""
FOREVER_SECONDS = 100_000.0


@dataclass(slots=True)
class Plan:
    """What a seed stands for; drawn by its dice."""

    seed: int
    orders: int
    gateways: int = 1
    replicas: int = 1
    clients: int = 6
    interval: float = 1.0
    kinds: dict[str, float] = field(default_factory=dict)
    weather: Weather = FAIR
    retry_policy: RetryPolicy = field(default_factory=RetryPolicy)
    slowness: float = 0.002
    cooks: bool = False
    policy_share: float = 0.5
    cancel_share: float = 0.2
    plenty: float = 0.3
    watchers: int = 1
    small_pages: bool = False

    @classmethod
    def hard(cls, seed: int, orders: int) -> "Plan":
        """Slow disks, little retry_policy, and departments that come and go while their clients change their minds."""
        return cls(
            seed,
            orders,
            interval=0.25,
            kinds={"kill": 2.0, "cut": 3.0, "before": 1.0, "after": 1.0},
            weather=Weather(0.02, late=0.05),
            retry_policy=RetryPolicy(time_to_decide=1.0),
            slowness=0.05,
            cooks=True,
            policy_share=0.8,
            cancel_share=0.4,
            plenty=1.0,
        )

    @classmethod
    def wavering(cls, seed: int, orders: int) -> "Plan":
        """Clients who take back most of what they order, over lines that break; the gateway never restarts."""
        return cls(
            seed,
            orders,
            clients=12,
            interval=0.5,
            kinds={"cut": 1.0},
            weather=Weather(0.2, reset=0.2),
            policy_share=0.3,
            cancel_share=0.8,
            plenty=1.0,
        )

    @classmethod
    def calm(cls, seed: int, orders: int) -> "Plan":
        """Two gateways on one journal, and nothing goes wrong: neither may take the other for dead."""
        return cls(seed, orders, gateways=2, slowness=0.01)

    @classmethod
    def frozen(cls, seed: int, orders: int) -> "Plan":
        """Gateways that stop for longer than their lease, and go on as if nothing had been."""
        return cls(
            seed,
            orders,
            gateways=3,
            clients=12,
            interval=0.3,
            kinds={"stop": 3.0, "cut": 1.0},
            weather=Weather(0.1),
            retry_policy=RetryPolicy(time_to_decide=1.0, lease=0.6),
            slowness=0.05,
            cancel_share=0.5,
            plenty=1.0,
        )

    @classmethod
    def echo(cls, seed: int, orders: int) -> "Plan":
        """A network that says everything twice, and the second time late; clients waver, and staff are quick."""
        return cls(
            seed,
            orders,
            clients=12,
            kinds={"cut": 1.0},
            weather=Weather(0.3, repeat=0.8),
            cooks=True,
            policy_share=0.9,
            cancel_share=0.9,
            plenty=2.0,
        )

    @classmethod
    def torn(cls, seed: int, orders: int) -> "Plan":
        """Two gateways whose writes fail, half of them after they were carried out; clients who hardly ask again."""
        return cls(seed, orders, gateways=2, clients=12, interval=0.5, kinds={"errors": 1.0}, slowness=0.02, plenty=1.0)

    @classmethod
    def forgetful(cls, seed: int, orders: int) -> "Plan":
        """A gateway that dies before it has written what it told, and departments that it cannot reach afterwards."""
        return cls(
            seed,
            orders,
            clients=12,
            interval=0.2,
            kinds={"kill": 1.0, "cut": 2.0},
            retry_policy=RetryPolicy(time_to_decide=0.5),
            slowness=0.05,
            policy_share=0.2,
            cancel_share=0.1,
            plenty=1.0,
        )

    @classmethod
    def reconfigured(cls, seed: int, orders: int) -> "Plan":
        """Departments that are taken out of the configuration and put back, and that are too busy for decisions."""
        return cls(
            seed,
            orders,
            clients=12,
            interval=0.5,
            kinds={"unconfigure": 1.0, "exhaust": 1.0, "kill": 0.5, "cut": 1.0},
            weather=Weather(0.02),
            retry_policy=RetryPolicy(time_to_decide=5.0),
            slowness=0.02,
            cooks=True,
            policy_share=0.6,
            cancel_share=0.5,
            plenty=1.0,
        )

    @classmethod
    def restored(cls, seed: int, orders: int) -> "Plan":
        """Departments whose backups are restored while their staff work and somebody follows their lists."""
        return cls(
            seed,
            orders,
            clients=12,
            interval=1.0,
            kinds={"restore": 3.0, "kill": 1.0},
            weather=Weather(0.05, drop_answer=0.05),
            slowness=0.02,
            cooks=True,
            cancel_share=0.3,
            plenty=1.0,
        )

    @classmethod
    def watched(cls, seed: int, orders: int) -> "Plan":
        """Many watch busy staff over lines that break, pages are small, programs die and backups are restored."""
        return cls(
            seed,
            orders,
            clients=12,
            interval=1.0,
            kinds={"restore": 1.0, "kill": 1.0, "stop": 1.0, "cut": 1.0, "before": 0.3, "after": 0.3},
            weather=Weather(0.02, late=0.01, drop_answer=0.01, reset=0.02),
            slowness=0.01,
            cooks=True,
            cancel_share=0.3,
            plenty=1.0,
            watchers=3,
            small_pages=True,
        )

    @classmethod
    def clocks(cls, seed: int, orders: int) -> "Plan":
        """Clocks are set, and departments stay away for longer than orders wait; no gateway dies."""
        return cls(
            seed,
            orders,
            gateways=2,
            clients=3,
            interval=1.0,
            kinds={"ahead": 1.0, "back": 1.0, "blackout": 1.0},
            retry_policy=RetryPolicy(time_to_decide=3.0),
            slowness=0.01,
            plenty=1.0,
        )

    @classmethod
    def clocks_and_deaths(cls, seed: int, orders: int) -> "Plan":
        """Clocks are set while gateways die, and others take over what they leave."""
        return cls(
            seed,
            orders,
            gateways=3,
            clients=3,
            interval=1.0,
            kinds={"ahead": 1.0, "back": 2.0, "blackout": 1.0, "kill": 0.5},
            retry_policy=RetryPolicy(time_to_decide=2.0, lease=0.6),
            slowness=0.01,
            plenty=1.0,
        )

    @classmethod
    def draw(cls, seed: int, orders: int) -> "Plan":
        """Any of these, or anything: what a seed stands for."""
        special = {8: cls.hard, 9: cls.wavering, 13: cls.reconfigured, 14: cls.forgetful, 15: cls.torn, 16: cls.echo}
        special |= {11: cls.clocks, 12: cls.clocks_and_deaths, 17: cls.frozen, 18: cls.restored, 19: cls.watched}
        if plan := special.get(seed % 20):
            return plan(seed, orders)
        dice = random.Random(f"plan {seed}")
        bad = dice.choice((0.0, 0.02, 0.1))
        kinds = ("kill", "fuse", "before", "after", "stop", "cut", "errors", "close")
        return cls(
            seed,
            orders,
            gateways=dice.choice((1, 2, 3)),
            replicas=dice.choice((1, 1, 2)),
            clients=dice.choice((3, 6, 12)),
            interval=dice.choice((0.3, 1.0, 3.0)),
            kinds={kind: dice.choice((0.0, 1.0, 3.0)) for kind in kinds} | {"cut": 1.0},
            weather=Weather(
                dice.choice((0.001, 0.02, 0.2)),
                late=dice.choice((0.0, 0.02, 0.1)),
                drop_request=bad,
                drop_answer=dice.choice((0.0, bad)),
                repeat=dice.choice((0.0, 0.05, 0.3)),
                reset=dice.choice((0.0, bad)),
            ),
            retry_policy=RetryPolicy(time_to_decide=dice.choice((1.0, 5.0, 300.0))),
            slowness=dice.choice((0.001, 0.01, 0.05)),
            cooks=dice.random() < 0.4,
            policy_share=dice.choice((0.2, 0.5, 0.8)),
            plenty=dice.choice((0.1, 0.3, 1.0)),
            small_pages=dice.random() < 0.5,
        )


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


def run_seed(orders: int, seed: int) -> Result:
    """Run the simulation that a seed stands for."""
    be_quiet()
    return simulate(Plan.draw(seed, orders))


def simulate(plan: Plan) -> Result:
    """Run one simulation to its audit."""
    with small_limits(apply=plan.small_pages):
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
    clients = Clients(world, dice, plan.policy_share, plan.cancel_share)
    staff = Staff(world, random.Random(f"staff {plan.seed}"), plan.watchers)
    timekeeper = Timekeeper(world, plan.retry_policy)
    try:
        converged = -1.0
        problems = []
        try:
            converged = world.loop.run(_evening(plan, world, clients, staff, timekeeper))
        except Stuck as error:
            problems.append(str(error))
        received = Counter({(name, item): count for name, items in stock.items() for item, count in items.items()})
        received.update(staff.stockroom.received())
        unlimited = [(name, item) for name, items in UNLIMITED.items() for item in items]
        deliveries = Deliveries(received, staff.stockroom.discarded(), unlimited)
        findings = audit(world.disks, deliveries, clients.entries)
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
        )
    finally:
        world.close()


async def _evening(plan: Plan, world: World, clients: Clients, staff: Staff, timekeeper: Timekeeper) -> float:
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
    await clients.come(plan.clients, plan.orders, lambda: None)
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
    await staff.check()
    for task in watchers:
        task.cancel()
    return converged if is_settled(world) else FOREVER_SECONDS


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
            case "ahead" | "back" | "cut" | "blackout" | "exhaust" | "unconfigure":
                _trouble_the_gateway(kind, world)
            case "errors":
                program.disk.error_rate = 0.5
                world.loop.outside(dice.uniform(0.1, 2.0), setattr, program.disk, "error_rate", 0.0)
            case "restore":
                await _restore(world, staff, dice.choice(sorted(world.menus)))
            case "close" if isinstance(program, Gateway) and process is not None and not process.stopped:
                world.loop.spawn(None, program.close())


def _trouble_the_gateway(kind: str, world: World) -> None:
    """Set a clock; or cut a department off, let it be too busy for decisions, or take it out of the configuration."""
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
