"""Whole restaurants under faults, in virtual time. `python -m tests.simulation` is the long version."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache

import pytest
import structlog

from tests.simulation.plans import Plan
from tests.simulation.run import Result, run_seed, simulate

pytestmark = pytest.mark.long


SEEDS = 25
EVERYDAY = 3
"""How many seeds `just test` runs; `just prove` runs them all."""

ORDERS = 40
REPLAYED = (4, 15, 17)


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@cache
def once(seed: int) -> Result:
    """Run a seed for all the tests that look at it."""
    return run_seed(ORDERS, seed)


@pytest.mark.parametrize(
    "seed", [seed if seed < EVERYDAY else pytest.param(seed, marks=pytest.mark.proof) for seed in range(SEEDS)]
)
def test_nothing_is_lost_doubled_oversold_half_or_undecided(seed: int) -> None:
    result = once(seed)
    assert not result.findings.count, f"python -m tests.simulation --seed {seed} --orders {ORDERS}\n{result.findings}"


@pytest.mark.proof
def test_most_orders_are_acknowledged_in_spite_of_everything() -> None:
    """How many is no promise: a gateway that is killed at each start responds to nobody. Most evenings are milder."""
    results = [once(seed) for seed in range(SEEDS)]
    assert sum(not result.acknowledged for result in results) <= 1
    assert sum(result.acknowledged for result in results) > 0.8 * SEEDS * ORDERS


@pytest.mark.parametrize(
    "kind",
    [
        Plan.hard,
        *(
            pytest.param(kind, marks=pytest.mark.proof)
            for kind in (
                Plan.wavering,
                Plan.restored,
                Plan.watched,
                Plan.archived,
                Plan.reconfigured,
                Plan.forgetful,
                Plan.torn,
                Plan.echo,
                Plan.frozen,
                Plan.calm,
                Plan.clocks,
                Plan.clocks_and_deaths,
            )
        ),
    ],
)
def test_no_kind_of_evening_goes_wrong(kind: Callable[[int, int], Plan]) -> None:
    result = simulate(kind(0, ORDERS))
    assert not result.findings.count, str(result.findings)


@pytest.mark.proof
def test_a_seed_replays_exactly() -> None:
    for seed in REPLAYED:
        first, second = once(seed), run_seed(ORDERS, seed)
        assert (first.trace, first.steps, first.virtual) == (second.trace, second.steps, second.virtual)
    assert len({once(seed).trace for seed in range(SEEDS)}) == SEEDS


@pytest.mark.proof
@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_a_seed_replays_exactly_in_another_process(hash_seed: str) -> None:
    code = f"from tests.simulation.run import run_seed\nprint(*(run_seed({ORDERS}, seed).trace for seed in {REPLAYED}))"
    other = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONHASHSEED": hash_seed}, capture_output=True, text=True, check=True
    )
    assert other.stdout.split() == [once(seed).trace for seed in REPLAYED]
