"""How many of each item are left, as far as the evening's script needs to know."""

from collections.abc import Iterator, Mapping

from departments.domain.menu import Menu, MenuItem
from ops.demo.steps import Line

ALWAYS = 1_000_000
"""How many are left of an item that never runs out."""


class Stock:
    """What all departments have left, and what of it is on sale; it follows the departments' own rules."""

    def __init__(self, menus: Mapping[str, Menu]) -> None:
        """Begin with the opening stock of the menus."""
        self._menus = menus
        self._left = {
            (name, item.id): ALWAYS if item.unlimited else item.stock
            for name, menu in menus.items()
            for item in menu.items.values()
        }
        self._off_sale: set[tuple[str, str]] = set()

    def items(self, department: str) -> list[MenuItem]:
        """Return what guests may choose: what is on sale, and not gone."""
        return [
            item
            for item in self._menus[department].items.values()
            if (department, item.id) not in self._off_sale and self._left[department, item.id] > 0
        ]

    def sold(self, lines: tuple[Line, ...]) -> Iterator[tuple[int, Line]]:
        """Take what an order gets out of the stock; yield the place and the line of each that the departments accept.

        A department's places count its own lines only.
        """
        places: dict[str, int] = {}
        for line in lines:
            place = places.get(line.department, 0)
            places[line.department] = place + 1
            key = line.department, line.item
            if key not in self._off_sale and self._left[key] >= line.quantity:
                self._left[key] -= line.quantity
                yield place, line

    def is_gone(self, department: str, item: str) -> bool:
        """Return whether nothing is left of an item."""
        return self._left[department, item] <= 0

    def add(self, department: str, item: str, quantity: int) -> None:
        """Put more in, or back."""
        self._left[department, item] += quantity

    def set_on_sale(self, department: str, item: str, *, on_sale: bool) -> None:
        """Take an item off sale, or put it back."""
        (self._off_sale.discard if on_sale else self._off_sale.add)((department, item))

    def prep_seconds(self, line: Line) -> int:
        """Return how long one of a line's item takes."""
        return self._menus[line.department].items[line.item].prep_seconds

    def opening(self, department: str, item: str) -> int:
        """Return how many of an item a delivery brings: as many as there were at first."""
        return self._menus[department].items[item].stock
