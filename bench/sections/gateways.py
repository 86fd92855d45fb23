"""One and several gateway processes on one PostgreSQL: a wrk for each, with its share of the connections."""

from bench import systems
from bench.plan import Plan
from bench.stage import Stage
from bench.windows import measure

SECTION = "gateways"
SYSTEM = "comanda-postgresql"
CONNECTIONS = 64


def windows(plan: Plan, names: tuple[str, ...]) -> int:
    """Count the windows."""
    return plan.growth_rounds * len(plan.gateways) if SYSTEM in names else 0


def run(stage: Stage) -> None:
    """Measure each number of gateways once in each round."""
    stacks = {}
    for count in stage.plan.gateways if SYSTEM in stage.names else ():
        stage.show.say(f"starts {count} gateways")
        system = systems.comanda(SYSTEM, stage.new_folder(), stage.menus, server=stage.server, gateways=count)
        stacks[count] = stage.open(f"{count} gateways", system, stage.body, 3, stage.script)
    for number in range(stage.plan.growth_rounds):
        for count, system in stacks.items():
            stage.show.say(f"{count}, round {number + 1}")
            seconds = stage.plan.growth_seconds
            window = measure(system, stage.script, CONNECTIONS, seconds, section=SECTION, round=number, size=count)
            stage.results.windows.append(window)
            stage.show.advance()
