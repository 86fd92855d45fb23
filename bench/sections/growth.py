"""What becomes of Comanda on SQLite as a restaurant grows: more orders stored, more departments, more lines.

The sizes of one kind are measured in rounds, each size once in each.
"""

from pathlib import Path

from bench import menus, preload, systems
from bench.plan import Plan
from bench.stage import Stage
from bench.systems import System
from bench.windows import measure

SYSTEM = "comanda-sqlite"
CONNECTIONS = 64

Sizes = dict[int, tuple[System, Path]]
"""A system for each size, and the script that places its orders."""


def stored_windows(plan: Plan, names: tuple[str, ...]) -> int:
    """Count the windows."""
    return _count(plan, names, plan.stored)


def departments_windows(plan: Plan, names: tuple[str, ...]) -> int:
    """Count the windows."""
    return _count(plan, names, plan.departments)


def lines_windows(plan: Plan, names: tuple[str, ...]) -> int:
    """Count the windows."""
    return _count(plan, names, plan.lines)


def stored(stage: Stage) -> None:
    """Measure systems that have so many orders in the journal and tickets at the departments."""
    sizes: Sizes = {}
    for count in stage.plan.stored if SYSTEM in stage.names else ():
        stage.show.say(f"stores {count} orders")
        folder = stage.new_folder()
        preload.migrate(systems.variables_of(folder, stage.menus))
        if count:
            preload.finished(folder, stage.stations, count)
        system = systems.comanda(SYSTEM, folder, stage.menus)
        sizes[count] = stage.open(f"stored {count}", system, stage.body, 3, stage.script), stage.script
    _measure(stage, "stored", sizes)


def departments(stage: Stage) -> None:
    """Measure systems of so many departments, with orders of three lines that go round them."""
    sizes: Sizes = {}
    for count in stage.plan.departments if SYSTEM in stage.names else ():
        stage.show.say(f"starts {count} departments")
        stations = menus.stations(count)
        bodies = menus.order_bodies(stations)
        script = stage.write_script(bodies)
        system = systems.comanda(SYSTEM, stage.new_folder(), stage.write_menus(stations))
        sizes[count] = stage.open(f"{count} departments", system, bodies[-1], 3, script), script
    _measure(stage, "departments", sizes)


def lines(stage: Stage) -> None:
    """Measure one system with orders of so many lines."""
    sizes: Sizes = {}
    for count in stage.plan.lines if SYSTEM in stage.names else ():
        body = menus.order_body(stage.stations, count)
        sizes[count] = stage.system(SYSTEM), stage.write_script([body])
        systems.check_answer(SYSTEM, sizes[count][0].port, body, count)
    _measure(stage, "lines", sizes)


def _measure(stage: Stage, section: str, sizes: Sizes) -> None:
    for number in range(stage.plan.growth_rounds):
        for size, (system, script) in sizes.items():
            stage.show.say(f"{size}, round {number + 1}")
            seconds = stage.plan.growth_seconds
            window = measure(system, script, CONNECTIONS, seconds, section=section, round=number, size=size)
            stage.results.windows.append(window)
            stage.show.advance()


def _count(plan: Plan, names: tuple[str, ...], sizes: tuple[int, ...]) -> int:
    return plan.growth_rounds * len(sizes) if SYSTEM in names else 0
