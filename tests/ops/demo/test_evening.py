"""The script of a made-up evening, which nobody waits for."""

from collections import Counter, defaultdict
from itertools import islice, pairwise, takewhile
from statistics import median

import pytest

from ops.demo.evening import evening
from ops.demo.phrases import COOKS, NOTES, REASONS
from ops.demo.place import read_menus
from ops.demo.steps import Deliver, Leave, Move, Place, Return, Sell, Step, Tick, Timed
from ops.demo.tables import SHARES

MENUS = read_menus()
SEEDS = range(1, 6)
FIVE_MINUTES = 300.0
NEXT = {"queued": {"start", "cancel"}, "preparing": {"finish"}, "ready": {"serve"}}
AFTER = {"start": "preparing", "finish": "ready", "serve": "served", "cancel": "cancelled"}


def first(seconds: float, seed: int = 1) -> list[Timed]:
    return list(takewhile(lambda timed: timed.at < seconds, evening(seed, MENUS)))


def test_the_same_seed_is_the_same_evening() -> None:
    assert list(islice(evening(7, MENUS), 2000)) == list(islice(evening(7, read_menus()), 2000))


def test_another_seed_is_another_evening() -> None:
    assert first(60.0, seed=1) != first(60.0, seed=2)


@pytest.mark.parametrize("seed", SEEDS)
def test_all_that_a_visitor_is_to_see_happens_in_five_minutes(seed: int) -> None:
    steps = [timed.step for timed in first(FIVE_MINUTES, seed)]
    assert {type(step) for step in steps} == {Place, Move, Tick, Sell, Deliver, Leave, Return}
    assert {step.verb for step in steps if isinstance(step, Move)} == set(AFTER)
    assert {step.on_sale for step in steps if isinstance(step, Sell)} == {True, False}
    lines = [line for step in steps if isinstance(step, Place) for line in step.lines]
    assert any(line.allergy for line in lines)
    assert len({line.note for line in lines}) > 5


@pytest.mark.parametrize("seed", SEEDS)
def test_something_happens_every_second_or_two(seed: int) -> None:
    times = [timed.at for timed in first(FIVE_MINUTES, seed)]
    assert times == sorted(times)
    gaps = [after - before for before, after in pairwise(times)]
    assert median(gaps) < 1.5
    assert max(gaps) < 10


@pytest.mark.parametrize("seed", SEEDS)
def test_a_ticket_takes_one_step_after_the_other(seed: int) -> None:
    states: defaultdict[tuple[str, str], str] = defaultdict(lambda: "queued")
    placed = set()
    for timed in first(FIVE_MINUTES, seed):
        step = timed.step
        if isinstance(step, Place):
            placed.add(step.order_id)
        if isinstance(step, Move):
            key = step.department, step.order_id
            assert step.order_id in placed
            assert (states[key], step.verb in NEXT[states[key]]) == (step.expected, True)
            assert bool(step.reason) == (step.verb == "cancel")
            states[key] = AFTER[step.verb]
        if isinstance(step, Tick):
            assert states[step.department, step.order_id] == "preparing"


@pytest.mark.parametrize("seed", SEEDS)
def test_nobody_works_in_a_department_that_is_away(seed: int) -> None:
    away: set[str] = set()
    for timed in first(FIVE_MINUTES, seed):
        step = timed.step
        if isinstance(step, Leave):
            away.add(step.department)
        elif isinstance(step, Return):
            away.remove(step.department)
        elif not isinstance(step, Place):
            assert step.department not in away


def test_no_step_is_identified_twice() -> None:
    steps: list[Step] = [timed.step for timed in first(FIVE_MINUTES)]
    ids = Counter(step.step_id for step in steps if isinstance(step, Move))
    ids.update(step.order_id for step in steps if isinstance(step, Place))
    assert set(ids.values()) == {1}


def test_the_menus_have_what_the_pages_show() -> None:
    assert set(MENUS) == set(COOKS) == set(NOTES) == set(REASONS) == set(SHARES)
    for menu in MENUS.values():
        assert menu.late_seconds < menu.very_late_seconds
        assert len({item.category for item in menu.items.values()}) >= 3
        for titles in (menu.titles, *(item.titles for item in menu.items.values())):
            assert set(titles) == {"en", "ko", "es"}
        assert all(item.price and item.prep_seconds and item.category for item in menu.items.values())
