"""A department's menu: its items with their titles, prices and opening stock."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

from departments.domain.text import fold


@dataclass(frozen=True, slots=True)
class MenuItem:
    """One item. `price` is in minor units; `stock` is the quantity that the department starts with.

    `unlimited`: the item has no stock figure, and any quantity can be had. `category` says what kind of item
    it is, or is empty. `prep_seconds` is how long one takes to prepare, 0 where it is not known.
    """

    id: str
    titles: Mapping[str, str]
    price: int
    stock: int
    unlimited: bool = False
    category: str = ""
    prep_seconds: int = 0


@dataclass(frozen=True, slots=True)
class Menu:
    """A department's name, the word that its counter uses for an item (`goods`, such as Drink), and its items by id.

    A ticket that is not ready is late `late_seconds` after it was placed; 0 where that is not known.
    """

    name: str
    titles: Mapping[str, str]
    goods: str
    items: Mapping[str, MenuItem]
    port: int | None = None
    late_seconds: int = 0
    very_late_seconds: int = 0

    def find(self, text: str) -> MenuItem | None:
        """Return the item with this id, or else the first with this title, in any case; None where there is none."""
        wanted = fold(text)
        for item in self.items.values():
            if wanted == fold(item.id):
                return item
        for item in self.items.values():
            if wanted in map(fold, item.titles.values()):
                return item
        return None

    def ambiguities(self) -> Iterator[tuple[str, MenuItem, MenuItem]]:
        """Yield each text that is an id or a title of two items, with both items."""
        names = {
            item.id: {fold(text): text for text in (*item.titles.values(), item.id)} for item in self.items.values()
        }
        for one, other in combinations(self.items.values(), 2):
            for folded in names[one.id].keys() & names[other.id].keys():
                yield names[one.id][folded], one, other
