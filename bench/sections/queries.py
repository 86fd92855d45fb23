"""What becomes of a department's queries of tickets as more are stored, the newest of which are open."""

from bench import preload, queries, systems
from bench.percentiles import PERCENTILES, percentiles
from bench.plan import Plan
from bench.results import Query
from bench.stage import Stage

SYSTEM = "comanda-sqlite"


def windows(plan: Plan, names: tuple[str, ...]) -> int:
    """Count the windows."""
    return len(plan.query_stored) if SYSTEM in names else 0


def run(stage: Stage) -> None:
    """Time each query at each size."""
    for stored in stage.plan.query_stored if SYSTEM in stage.names else ():
        stage.show.say(f"stores {stored} tickets")
        folder = stage.new_folder()
        preload.migrate(systems.variables_of(folder, stage.menus))
        station = stage.stations[0]
        count = stored + preload.QUEUED
        preload.tickets(folder, station, count)
        seen = queries.run(folder / f"{station.name}.db", count, stage.plan.query_repeats)
        stage.results.queries += [Query(name, stored, percentiles(taken, PERCENTILES)) for name, taken in seen.items()]
        stage.show.advance()
