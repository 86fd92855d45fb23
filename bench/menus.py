"""The menus of a measured system, with a stock that does not run out, and the orders that are asked of it."""

import json
from dataclasses import dataclass
from pathlib import Path

STOCK = 1_000_000_000  # the most that a menu file may lay in
PRICE = 350

SHIPPED = {
    "bar": ("Drink", ("coffee", "soda", "beer")),
    "kitchen": ("Meal", ("pasta", "pizza", "meat")),
    "bakery": ("Dessert", ("cookie", "donut", "gelato")),
}


@dataclass(frozen=True, slots=True)
class Station:
    """A department that can be ordered from."""

    name: str
    goods: str
    items: tuple[str, ...]


def stations(count: int) -> list[Station]:
    """Name this many departments: those that ship first, then made-up ones of the same size."""
    shipped = [Station(name, goods, items) for name, (goods, items) in SHIPPED.items()]
    more = [Station(f"station-{n}", "Dish", ("first", "second", "third")) for n in range(len(shipped), count)]
    return [*shipped, *more][:count]


def write_menus(folder: Path, open_stations: list[Station]) -> None:
    """Write a menu file for each department."""
    folder.mkdir(parents=True)
    for station in open_stations:
        lines = [f'name = "{station.name}"', f'titles = {{ en = "{station.name}", ko = "{station.name}" }}']
        lines.append(f'goods = "{station.goods}"')
        for item in station.items:
            title = f'{{ en = "{item}", ko = "{item}" }}'
            lines += ["[[items]]", f'id = "{item}"', f"titles = {title}", f"price = {PRICE}", f"stock = {STOCK}"]
        (folder / f"{station.name}.toml").write_text("\n".join(lines) + "\n", "utf-8")


def order_body(open_stations: list[Station], lines: int = 3, first: int = 0) -> str:
    """Write an order: its lines go round the departments, from the `first` on, and round their items."""
    return json.dumps(
        {"table": "7", "lines": [_line(open_stations, first + n, n) for n in range(lines)]}, separators=(",", ":")
    )


def order_bodies(open_stations: list[Station], lines: int = 3) -> list[str]:
    """Write orders that ask all departments for equally much: one is enough where it concerns all of them."""
    starts = range(len(open_stations)) if len(open_stations) > lines else range(1)
    return [order_body(open_stations, lines, first) for first in starts]


def _line(open_stations: list[Station], place: int, number: int) -> dict[str, str]:
    station = open_stations[place % len(open_stations)]
    return {"department": station.name, "item": station.items[number // len(open_stations) % len(station.items)]}
