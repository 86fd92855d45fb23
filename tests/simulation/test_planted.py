"""The harness has teeth: bugs planted in the product are caught. `python -m tests.simulation.planted` runs the same."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.simulation.planted import PLANTS, Verdict, judge

pytestmark = pytest.mark.proof


@pytest.fixture(scope="module")
def verdicts() -> "Iterator[dict[str, Future[Verdict]]]":
    """All of them, two at a time."""
    with ThreadPoolExecutor(2) as pool:
        yield {plant.name: pool.submit(judge, plant) for plant in PLANTS}


@pytest.mark.parametrize("name", [plant.name for plant in PLANTS])
def test_a_planted_bug_is_caught(verdicts: "dict[str, Future[Verdict]]", name: str) -> None:
    verdict = verdicts[name].result()
    assert verdict.caught, str(verdict)


def test_there_are_enough_plants() -> None:
    assert len({plant.name for plant in PLANTS}) == len(PLANTS) >= 12
