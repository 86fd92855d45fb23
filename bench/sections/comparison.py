"""All systems, at each number of connections, in rounds: each round measures every system once, in another order."""

from collections import deque

from bench.plan import Plan
from bench.stage import Stage
from bench.windows import measure

SECTION = "comparison"


def windows(plan: Plan, names: tuple[str, ...]) -> int:
    """Count the windows."""
    return len(names) * (plan.rounds * len(plan.connections) + plan.many_rounds * len(plan.many_connections))


def run(stage: Stage) -> None:
    """Measure; the most connections come last, so that the memory they take is not counted for fewer."""
    for name in stage.names:
        stage.system(name)
    plan = stage.plan
    for rounds, some in ((plan.rounds, plan.connections), (plan.many_rounds, plan.many_connections)):
        for number in range(rounds):
            for connections in some:
                _round(stage, connections, number)


def _round(stage: Stage, connections: int, number: int) -> None:
    order = deque(stage.names)
    order.rotate(number)
    for name in order:
        stage.show.say(f"{name}, {connections} connections, round {number + 1}")
        window = measure(
            stage.system(name),
            stage.script,
            connections,
            stage.plan.seconds[connections],
            section=SECTION,
            round=number,
        )
        stage.results.windows.append(window)
        stage.show.advance()
