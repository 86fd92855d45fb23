"""What is measured: a module for each section, with how many windows it has and the function that measures them."""

from collections.abc import Callable
from dataclasses import dataclass

from bench.plan import Plan
from bench.sections import (
    comparison,
    costs,
    endurance,
    gateways,
    growth,
    live,
    open_loop,
    profile,
    queries,
    recovery,
    starts,
)
from bench.stage import Stage


@dataclass(frozen=True, slots=True)
class Section:
    """`windows` tells how far the progress bar goes; what shares its systems with the section before `goes_on`."""

    windows: Callable[[Plan, tuple[str, ...]], int]
    run: Callable[[Stage], None]
    goes_on: bool = False


SECTIONS = {
    "comparison": Section(comparison.windows, comparison.run, goes_on=True),
    "open-loop": Section(open_loop.windows, open_loop.run, goes_on=True),
    "costs": Section(costs.windows, costs.run, goes_on=True),
    "profile": Section(profile.windows, profile.run, goes_on=True),
    "endurance": Section(endurance.windows, endurance.run, goes_on=True),
    "starts": Section(starts.windows, starts.run, goes_on=True),
    "stored": Section(growth.stored_windows, growth.stored),
    "departments": Section(growth.departments_windows, growth.departments),
    "lines": Section(growth.lines_windows, growth.lines),
    "gateways": Section(gateways.windows, gateways.run),
    "recovery": Section(recovery.windows, recovery.run),
    "live": Section(live.windows, live.run),
    "queries": Section(queries.windows, queries.run),
}
