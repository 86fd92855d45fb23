import json
from pathlib import Path

from bench.menus import STOCK, order_bodies, order_body, stations, write_menus
from departments.menu_file import menu_files, read_menu


def lines(body: str) -> list[tuple[str, str]]:
    return [(line["department"], line["item"]) for line in json.loads(body)["lines"]]


def test_an_order_of_three_lines_asks_every_department_that_ships() -> None:
    assert lines(order_body(stations(3))) == [("bar", "coffee"), ("kitchen", "pasta"), ("bakery", "cookie")]


def test_a_longer_order_goes_round_departments_and_items() -> None:
    assert lines(order_body(stations(3), 5))[3:] == [("bar", "soda"), ("kitchen", "pizza")]


def test_orders_ask_every_department_of_a_large_system_equally_often() -> None:
    for count in (10, 30):
        asked = [department for body in order_bodies(stations(count)) for department, _ in lines(body)]
        times = {asked.count(station.name) for station in stations(count)}
        assert len(times) == 1


def test_menus_are_what_departments_read(tmp_path: Path) -> None:
    write_menus(tmp_path / "menus", stations(4))
    menus = [read_menu(path) for path in menu_files(tmp_path / "menus")]
    assert {menu.name for menu in menus} == {"bar", "kitchen", "bakery", "station-3"}
    assert all(item.stock == STOCK for menu in menus for item in menu.items.values())
