"""Whether Comanda's memory stays as it is while orders come and come."""

from bench import processes
from bench.plan import Plan
from bench.results import Sample
from bench.stage import Stage
from bench.windows import measure

SECTION = "endurance"
SYSTEM = "comanda-sqlite"
CONNECTIONS = 256
WINDOW_SECONDS = 10


def windows(plan: Plan, names: tuple[str, ...]) -> int:
    """Count the windows, at most."""
    return plan.endurance_seconds // WINDOW_SECONDS if plan.endurance_orders and SYSTEM in names else 0


def run(stage: Stage) -> None:
    """Go on until it has taken so many orders since its start, or so much time has passed."""
    for number in range(windows(stage.plan, stage.names)):
        orders = _orders(stage)
        if orders >= stage.plan.endurance_orders:
            return
        stage.show.say(f"after {orders} orders")
        system = stage.system(SYSTEM)
        window = measure(system, stage.script, CONNECTIONS, WINDOW_SECONDS, section=SECTION, round=number)
        stage.results.windows.append(window)
        resident = {p.name: processes.resident_bytes(p.pid) for p in system.programs}
        stage.results.endurance.append(Sample(_orders(stage), resident))
        stage.show.advance()


def _orders(stage: Stage) -> int:
    """Add up the orders that wrk has placed; those of other loads come on top."""
    return sum(window.orders for window in stage.results.windows if window.system == SYSTEM)
