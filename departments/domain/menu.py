"""A department's menu: what it sells, under which titles, for how much."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

from departments.domain.text import fold


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
        """Find an item by its id, or else by one of its titles, whatever their case."""
        wanted = fold(text)
        for item in self.items.values():
            if wanted == fold(item.id):
                return item
        for item in self.items.values():
            if wanted in map(fold, item.titles.values()):
                return item
        return None

    def ambiguities(self) -> Iterator[tuple[str, MenuItem, MenuItem]]:
        """List each text that names two items, as an id or a title, with the items."""
        names = {
            item.id: {fold(text): text for text in (*item.titles.values(), item.id)} for item in self.items.values()
        }
        for one, other in combinations(self.items.values(), 2):
            for folded in names[one.id].keys() & names[other.id].keys():
                yield names[one.id][folded], one, other
