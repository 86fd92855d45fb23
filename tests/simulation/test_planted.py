"""The harness has teeth: bugs planted in the product are caught. `python -m tests.simulation.planted` runs them all."""

import pytest

from tests.simulation.planted import PLANTS, Plant, run_apart

QUICK = ("no-tombstone", "no-fencing", "cancel-does-not-restock", "resume-forgets-orders", "synchronous-normal")


@pytest.mark.parametrize("plant", [plant for plant in PLANTS if plant.name in QUICK], ids=lambda plant: plant.name)
def test_a_planted_bug_is_caught(plant: Plant) -> None:
    caught, text = run_apart(plant)
    assert caught, text


def test_there_are_enough_plants() -> None:
    assert len(PLANTS) >= 12
    assert {plant.name for plant in PLANTS} >= set(QUICK)
