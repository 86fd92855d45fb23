"""A department's menu: what it sells, under which titles, for how much."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MenuItem:
    """One item. `price` is in minor units; `stock` is what the shelf holds on the first day."""

    id: str
    titles: Mapping[str, str]
    price: int
    stock: int


@dataclass(frozen=True, slots=True)
class Menu:
    """A department: its name, what its counter calls its goods (Drink), and its items by id."""

    name: str
    titles: Mapping[str, str]
    goods: str
    items: Mapping[str, MenuItem]
    port: int | None = None

    def find(self, text: str) -> MenuItem | None:
        """Find an item by its id or by one of its titles, whatever their case."""
        wanted = text.strip().casefold()
        for item in self.items.values():
            if wanted in (item.id, *(title.casefold() for title in item.titles.values())):
                return item
        return None
