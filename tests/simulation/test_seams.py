"""The seams of the planted bugs are in the product: seen without a simulation, so that a rename is noticed at once."""

import inspect
from collections.abc import Callable

import pytest

from departments.domain.stock import Stock
from tests.simulation.planted import PLANTS
from tests.simulation.seams import MissingSeam, Plant, Seam

SEAMS = [seam for plant in PLANTS for seam in plant.seams]


@pytest.mark.parametrize("seam", SEAMS, ids=str)
def test_the_product_has_the_seam(seam: Seam) -> None:
    seam.original()


@pytest.mark.parametrize("seam", [seam for seam in SEAMS if not seam.is_value], ids=str)
def test_a_wrong_function_takes_what_the_product_passes(seam: Seam) -> None:
    original, wrong = inspect.signature(seam.original()), inspect.signature(seam.wrong)
    first, *others = wrong.parameters.values()
    assert first.name == "original"
    assert [(each.name, each.kind, each.default) for each in others] == [
        (each.name, each.kind, each.default) for each in original.parameters.values()
    ]
    assert inspect.iscoroutinefunction(seam.wrong) == inspect.iscoroutinefunction(seam.original())


@pytest.mark.parametrize("seam", [seam for seam in SEAMS if seam.is_value], ids=str)
def test_a_wrong_value_is_of_the_originals_type(seam: Seam) -> None:
    assert type(seam.wrong) is type(seam.original())


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.name)
def test_a_plant_says_in_one_line_what_is_wrong(plant: Plant) -> None:
    assert plant.wrong
    assert "\n" not in plant.wrong


def test_a_seam_that_the_product_does_not_have_is_named() -> None:
    plant = Plant("sold-twice", "", [Seam(Stock, "take", None), Seam(Stock, "sell", None)], "draw", 0)
    before = Stock.take
    with pytest.raises(MissingSeam, match=r"no departments\.domain\.stock:Stock\.sell"):
        plant.plant()
    assert Stock.take is before


def test_a_wrong_function_gets_the_original_first() -> None:
    class Till:
        def add(self, price: int) -> int:
            return price + 1

    def add_twice(original: Callable[[Till, int], int], self: Till, price: int) -> int:
        return 2 * original(self, price)

    Seam(Till, "add", add_twice).replace()
    assert Till().add(3) == 8


def test_a_seam_that_the_product_does_not_call_is_named() -> None:
    class Drawer:
        def open(self) -> bool:
            return True

        def close(self) -> bool:
            return True

    def jam(original: object, self: Drawer) -> bool:
        return False

    plant = Plant("jammed", "", [Seam(Drawer, "open", jam), Seam(Drawer, "close", jam)], "draw", 0)
    plant.plant()
    assert not Drawer().open()
    assert plant.unreached() == [str(plant.seams[1])]
