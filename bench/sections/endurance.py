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
    """Go on until so many orders are placed, or so much time has passed; the JSON tells how many they were."""
    seconds, orders = 0.0, 0
    for number in range(windows(stage.plan, stage.names)):
        stage.show.say(f"{orders} orders")
        system = stage.system(SYSTEM)
        window = measure(system, stage.script, CONNECTIONS, WINDOW_SECONDS, section=SECTION, round=number)
        stage.results.windows.append(window)
        seconds, orders = seconds + window.seconds, orders + window.orders
        resident = {p.name: processes.resident_bytes(p.pid) for p in system.programs}
        stage.results.endurance.append(Sample(orders, seconds, resident))
        stage.show.advance()
        if orders >= stage.plan.endurance_orders:
            return
