"""The ids of events."""

import pytest

from gateway.domain.tickets import Position
from gateway.tickets.positions import VOID, read_id, vector, write_id


def test_an_id_is_read_as_it_was_written() -> None:
    positions = vector({"bar": Position("a" * 32, 17), "main.kitchen": Position("b" * 32, 4), "bakery": None})
    assert set(positions) == {"bar", "main.kitchen"}
    assert read_id(write_id(positions)) == positions


def test_two_incarnations_differ() -> None:
    assert vector({"bar": Position("a" * 32, 17)}) != vector({"bar": Position("c" * 32, 17)})


def test_nothing_known_is_void() -> None:
    assert write_id({}) == VOID


@pytest.mark.parametrize(
    "text", ["", VOID, "x", "bar.1", "bar.1.x", "bar.1.-2", "bar.1.2~", "bar.1.²", "bar.1." + "9" * 20]
)
def test_what_is_no_id_stands_for_no_position(text: str) -> None:
    assert read_id(text) == {}
