"""Whole restaurants under faults, in virtual time. `python -m tests.simulation` is the long version."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
import structlog

from tests.simulation.run import run_seed

SEEDS = 25
ORDERS = 40


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_nothing_is_lost_doubled_oversold_half_or_undecided(seed: int) -> None:
    result = run_seed(ORDERS, seed)
    assert not result.findings.count, f"python -m tests.simulation --seed {seed} --orders {ORDERS}\n{result.findings}"
    assert result.acknowledged > ORDERS / 2


def test_a_seed_replays_exactly() -> None:
    first, second = run_seed(ORDERS, 7), run_seed(ORDERS, 7)
    assert (first.trace, first.steps, first.virtual) == (second.trace, second.steps, second.virtual)
    assert run_seed(ORDERS, 8).trace != first.trace


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_a_seed_replays_exactly_in_another_process(hash_seed: str) -> None:
    code = f"from tests.simulation.run import run_seed; print(run_seed({ORDERS}, 11).trace)"
    other = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONHASHSEED": hash_seed}, capture_output=True, text=True, check=True
    )
    assert other.stdout.strip() == run_seed(ORDERS, 11).trace
