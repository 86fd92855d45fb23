"""What becomes of a department's queries of tickets as more are stored.

Beside those there are always as many open tickets, and as many that were closed last, as a snapshot has.
"""

from bench import preload, queries, systems
from bench.percentiles import PERCENTILES, percentiles
from bench.plan import Plan
from bench.results import Query
from bench.stage import Stage
from departments.changes import CLOSED_IN_SNAPSHOT

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
        count = stored + preload.QUEUED + CLOSED_IN_SNAPSHOT
        preload.tickets(folder, station, count)
        seen = queries.run(folder / f"{station.name}.db", count, stage.plan.query_repeats)
        stage.results.queries += [Query(name, stored, percentiles(taken, PERCENTILES)) for name, taken in seen.items()]
        stage.show.advance()
