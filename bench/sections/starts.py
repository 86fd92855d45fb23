"""How long each system takes from its start to its first good order, on the data that it has by then."""

from bench.plan import Plan
from bench.results import Start
from bench.stage import Stage


def windows(plan: Plan, names: tuple[str, ...]) -> int:
    """Count the starts."""
    return plan.starts * len(names)


def run(stage: Stage) -> None:
    """Stop and start every system, in turn."""
    for _ in range(stage.plan.starts):
        for name in stage.names:
            stage.show.say(name)
            system = stage.system(name)
            system.stop()
            system.start()
            system.wait_for_order(stage.body, 3)
            stage.results.starts.append(Start(name, system.start_seconds, anew=False))
            stage.show.advance()
