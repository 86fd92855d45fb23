"""What the guests of a table order."""

from collections.abc import Mapping
from random import Random

from ops.demo.phrases import ALLERGIES, NOTES
from ops.demo.steps import Line
from ops.demo.stock import Stock

SHARES: Mapping[str, float] = {"kitchen": 0.66, "bar": 0.7, "bakery": 0.34}
"""How likely an order has something of each department."""

NOTED, ALLERGIC = 0.2, 0.05


def make_order(random: Random, stock: Stock) -> tuple[Line, ...]:
    """Return one or two lines for each of some departments; at least one line."""
    chosen = [name for name, share in SHARES.items() if random.random() < share] or ["bar"]
    return tuple(line for name in chosen for line in _lines(random, stock, name))


def _lines(random: Random, stock: Stock, department: str) -> list[Line]:
    items = stock.items(department)
    how_many = min(random.choice((1, 1, 1, 1, 2, 2)), len(items))
    return [_line(random, department, item.id) for item in random.sample(items, how_many)]


def _line(random: Random, department: str, item: str) -> Line:
    quantity = random.choice((1, 1, 1, 2, 2, 3))
    mood = random.random()
    if mood < ALLERGIC and department != "bar":
        return Line(department, item, quantity, random.choice(ALLERGIES), allergy=True)
    note = random.choice(NOTES[department]) if mood < ALLERGIC + NOTED else ""
    return Line(department, item, quantity, note)
