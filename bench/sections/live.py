"""The staff's side of Comanda on SQLite: changes that many clients of `/events` follow, beside orders and without.

The clients and the staff are processes of `bench.watchers`. A client's memory is what the gateway has more than before
any came, after the changes; it has the client's share of everything that the gateway keeps for events.
"""

import os
import subprocess
import sys
import time
from contextlib import nullcontext

import msgspec
from msgspec.structs import replace

from bench import processes, systems
from bench.openloop import OpenLoad
from bench.plan import Plan
from bench.programs import ROOT, ProgramFailed
from bench.results import Live
from bench.stage import Stage
from bench.systems import System
from bench.targets import FOLLOWING
from bench.targets import LIVE_ORDERS as ORDERS
from bench.watchers import Watchers, watching
from bench.windows import Window, measure

SYSTEM = "comanda-sqlite"
CONNECTIONS = 64
CHANGES_A_SECOND = 5.0
STEPS_A_SECOND = 20.0
"""The staff's steps beside orders: enough of them for a percentile."""

ORDERS_A_SECOND = 1000.0
LEAD_SECONDS = 2.0
"""How much longer orders are placed than steps taken."""

ORDERS_OPEN = 20
WARM_STEPS = 50.0, 1.0
WARM_SECONDS = 1


def windows(plan: Plan, names: tuple[str, ...]) -> int:
    """Count the windows."""
    if SYSTEM not in names:
        return 0
    return plan.live_rounds * (len(plan.live_clients) + 1) + plan.live_order_rounds * 2


def run(stage: Stage) -> None:
    """Measure what changes cost, then what they cost beside orders, then what the clients cost orders."""
    if SYSTEM not in stage.names:
        return
    system = _start(stage, "live")
    for _ in range(ORDERS_OPEN):
        systems.check_answer(SYSTEM, system.port, stage.body, 3)
    with watching(system.port, 1) as watchers:
        watchers.take_steps(*WARM_STEPS)
    before = processes.resident_bytes(system.gateways[0].pid)
    for number in range(stage.plan.live_rounds):
        for clients in stage.plan.live_clients:
            stage.show.say(f"{clients} clients, round {number + 1}")
            with watching(system.port, clients) as watchers:
                stage.results.live.append(_changes(stage, system, watchers, clients, number, before))
            stage.show.advance()
    for number in range(stage.plan.live_rounds):
        stage.show.say(f"steps beside {ORDERS_A_SECOND:g} orders/s, round {number + 1}")
        with watching(system.port, 0) as watchers:
            stage.results.live.append(_beside_orders(stage, system, watchers, number))
        stage.show.advance()
    _orders(stage)


def _changes(stage: Stage, system: System, watchers: Watchers, clients: int, number: int, before: int) -> Live:
    system.settle()
    seen = _take_steps(system, watchers, CHANGES_A_SECOND, stage.plan.live_seconds, clients, number)
    resident = processes.resident_bytes(system.gateways[0].pid)
    return replace(seen, client_bytes=(resident - before) / clients)


def _beside_orders(stage: Stage, system: System, watchers: Watchers, number: int) -> Live:
    seconds = stage.plan.live_seconds
    system.settle()
    command = [sys.executable, "-m", "bench.openloop", "--port", str(system.port), "--body", stage.body]
    command += ["--rate", str(ORDERS_A_SECOND), "--seconds", str(seconds + LEAD_SECONDS)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as loading:
        watchers.take_steps(STEPS_A_SECOND, LEAD_SECONDS / 2)
        seen = _take_steps(system, watchers, STEPS_A_SECOND, seconds, 0, number)
        output, _ = loading.communicate()
    if loading.returncode:
        raise ProgramFailed(f"the open loop ended with {loading.returncode}")
    load = msgspec.json.decode(output, type=OpenLoad)
    return replace(seen, orders_rate=ORDERS_A_SECOND, orders_asked=load.asked, orders=load.orders)


def _take_steps(system: System, watchers: Watchers, rate: float, seconds: float, clients: int, number: int) -> Live:
    """Take steps that so many clients follow, and see what the gateway and the clients use meanwhile."""
    pids = {"gateway": [system.gateways[0].pid], "clients": [watchers.pid]}
    begun, before = time.monotonic(), processes.usages(pids)
    seen = watchers.take_steps(rate, seconds)
    after, taken = processes.usages(pids), time.monotonic() - begun
    gateway, others = (after[name].cpu_seconds - before[name].cpu_seconds for name in pids)
    return Live(
        round=number,
        clients=clients,
        seconds=taken,
        steps=seen.steps,
        failed=seen.failed,
        missing=(seen.steps - seen.failed) * clients - seen.deliveries,
        lost=seen.lost,
        latencies=seen.latencies,
        responses=seen.responses,
        lateness=seen.lateness,
        gateway_cpu_seconds=gateway,
        clients_cpu_seconds=others,
    )


def _orders(stage: Stage) -> None:
    """Place orders at a system that clients follow, then at one that nobody does, or the other way round.

    Each is a new one, and alone: the clients of a system go on receiving for some time after orders have stopped.
    """
    for number in range(stage.plan.live_order_rounds):
        for clients in (FOLLOWING, 0)[:: 1 if number % 2 else -1]:
            stage.close_systems()
            system = _start(stage, "live")
            stage.show.say(f"orders, {clients} clients follow, round {number + 1}")
            with watching(system.port, clients) if clients else nullcontext() as watchers:
                measure(system, stage.script, CONNECTIONS, WARM_SECONDS, section=ORDERS)
                stage.results.windows.append(_with_orders(stage, system, watchers, number))
            stage.show.advance()


def _with_orders(stage: Stage, system: System, watchers: Watchers | None, number: int) -> Window:
    """Measure orders; the CPU time of the clients' process is no other program's."""
    seconds, clients = stage.plan.live_order_seconds, FOLLOWING if watchers else 0
    before = processes.usage([watchers.pid] if watchers else []).cpu_seconds
    window = measure(system, stage.script, CONNECTIONS, seconds, section=ORDERS, round=number, clients=clients)
    used = processes.usage([watchers.pid] if watchers else []).cpu_seconds - before
    lost = watchers.lost() if watchers else 0
    return replace(
        window,
        errors=window.errors | ({"clients left": lost} if lost else {}),
        parameters=window.parameters | {"clients_cpu_seconds": used},
        disturbance=max(0.0, window.disturbance - used / seconds / (os.cpu_count() or 1)),
    )


def _start(stage: Stage, key: str) -> System:
    """Start a system without orders: a restaurant has few that are open."""
    stage.show.say(f"starts {key}")
    system = systems.comanda(SYSTEM, stage.new_folder(), stage.menus)
    stage.keep(key, system)
    system.start()
    system.wait_for_order(stage.body, 3)
    return system
