import re
import unicodedata
from pathlib import Path

import pytest

from departments.domain.menu import MenuItem
from departments.menu_file import SHIPPED, find_menu, menu_files, read_menu
from infra.errors import StartError

MENU = """\
name = "bar"
titles = { en = "Bar", ko = "바" }
goods = "Drink"
port = 50052

[[items]]
id = "coffee"
titles = { en = "Coffee", ko = "커피" }
price = 350
stock = 10

[[items]]
id = "soda"
titles = { en = "Soda", ko = "소다" }
price = 300
stock = 5
"""


NFD_COFFEE = unicodedata.normalize("NFD", "커피")


def refusal(path: Path) -> str:
    """Read a menu that is refused, and return the message after its path."""
    with pytest.raises(StartError) as error:
        read_menu(path)
    message = str(error.value)
    assert "\n" not in message
    start = f"menu {path}"
    assert message.startswith(start)
    return message.removeprefix(start)


def test_a_menu_is_read(tmp_path: Path) -> None:
    path = tmp_path / "bar.toml"
    path.write_text(MENU)
    menu = read_menu(path)
    assert (menu.name, menu.titles, menu.goods, menu.port) == ("bar", {"en": "Bar", "ko": "바"}, "Drink", 50052)
    assert menu.items == {
        "coffee": MenuItem("coffee", {"en": "Coffee", "ko": "커피"}, 350, 10),
        "soda": MenuItem("soda", {"en": "Soda", "ko": "소다"}, 300, 5),
    }


def test_titles_may_be_in_any_languages_and_one_that_names_none_is_english(tmp_path: Path) -> None:
    path = tmp_path / "bar.toml"
    changes = {
        'titles = { en = "Bar", ko = "바" }': 'title = "Bar"',
        'titles = { en = "Coffee", ko = "커피" }': 'titles = { es = "Café", PT-br = "Cafezinho", "zh-hant" = "咖啡" }',
        'titles = { en = "Soda", ko = "소다" }': 'title = "Soda"\ntitles = { ko = "소다" }',
    }
    text = MENU
    for old, new in changes.items():
        text = text.replace(old, new)
    path.write_text(text)
    menu = read_menu(path)
    assert menu.titles == {"en": "Bar"}
    assert menu.items["coffee"].titles == {"es": "Café", "pt-BR": "Cafezinho", "zh-Hant": "咖啡"}
    assert menu.items["soda"].titles == {"en": "Soda", "ko": "소다"}


def test_text_is_read_composed_also_where_the_file_escapes_it_and_its_length_is_counted_so(tmp_path: Path) -> None:
    path = tmp_path / "bar.toml"
    long = "가" * 80
    text = MENU.replace("소다", unicodedata.normalize("NFD", long)).replace('goods = "Drink"', 'goods = "Cafe\\u0301"')
    path.write_text(unicodedata.normalize("NFD", text))
    menu = read_menu(path)
    assert menu.items["coffee"].titles["ko"] == "커피"
    assert menu.items["soda"].titles["ko"] == long
    assert menu.goods == "Caf\u00e9"
    found = menu.find(NFD_COFFEE)
    assert found is not None
    assert found.id == "coffee"


def test_a_menu_may_leave_its_port_open(tmp_path: Path) -> None:
    path = tmp_path / "bar.toml"
    path.write_text(MENU.replace("port = 50052\n", ""))
    assert read_menu(path).port is None


def test_a_menu_may_say_what_kind_of_item_each_is_how_long_it_takes_and_when_a_ticket_is_late(tmp_path: Path) -> None:
    path = tmp_path / "bar.toml"
    more = 'stock = "unlimited"\ncategory = "hot"\nprep_seconds = 90\n'
    path.write_text(MENU.replace("port = 50052\n", "late_seconds = [600, 900]\n").replace("stock = 10\n", more))
    menu = read_menu(path)
    assert (menu.late_seconds, menu.very_late_seconds) == (600, 900)
    assert menu.items["coffee"] == MenuItem("coffee", {"en": "Coffee", "ko": "커피"}, 350, 0, True, "hot", 90)
    soda = menu.items["soda"]
    assert (soda.unlimited, soda.category, soda.prep_seconds) == (False, "", 0)


@pytest.mark.parametrize(
    ("name", "goods", "port", "stock"),
    [
        ("bakery", "Dessert", 50051, {"cookie": 10, "donut": 5, "gelato": 0}),
        ("bar", "Drink", 50052, {"coffee": 10, "soda": 5, "beer": 0}),
        ("kitchen", "Meal", 50053, {"pasta": 10, "pizza": 5, "meat": 0}),
    ],
)
def test_a_menu_that_ships_has_its_goods_port_and_stock(
    name: str, goods: str, port: int, stock: dict[str, int]
) -> None:
    menu = read_menu(find_menu(name, SHIPPED))
    assert (menu.name, menu.goods, menu.port) == (name, goods, port)
    assert {item.id: item.stock for item in menu.items.values()} == stock
    assert all(item.price > 0 and set(item.titles) == {"en", "ko", "es"} for item in menu.items.values())


def test_three_menus_ship() -> None:
    assert [path.stem for path in menu_files(SHIPPED)] == ["bakery", "bar", "kitchen"]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('name = "bar"\n', "", "Object missing required field `name`"),
        ('goods = "Drink"\n', "", "Object missing required field `goods`"),
        ('ko = "바"', "", "is not TOML: "),
        ('titles = { en = "Bar", ko = "바" }', "", "titles: at least one is needed, such as title = "),
        ('titles = { en = "Bar", ko = "바" }', "titles = {}", "titles: at least one is needed, such as title = "),
        ('titles = { en = "Soda", ko = "소다" }', "", "items[1].titles: at least one is needed, such as title = "),
        ('en = "Soda"', 'en_GB = "Soda"', "items[1].titles: 'en_GB' is not a language tag (BCP 47), such as en, ko or"),
        ('ko = "바"', '"한국어" = "바"', "titles: '한국어' is not a language tag (BCP 47), such as en, ko or pt-BR"),
        ('ko = "바"', 'EN = "Taproom"', "titles.EN: there is another title in this language"),
        ('titles = { en = "Bar"', 'title = "Bar"\ntitles = { en = "B"', "titles.en: there is another title in this"),
        ('ko = "소다"', "ko = 3", "items[1].titles[...]: Expected `str`, got `int`"),
        ('ko = "소다"', f'ko = "{"소" * 81}"', "items[1].titles.ko: Expected `str` of length <= 80"),
        ('titles = { en = "Bar", ko = "바" }', 'title = ""', "title: Expected `str` of length >= 1"),
        ('en = "Soda"', 'en = "Coffee"', "items: 'coffee' names two items, 'coffee' and 'soda'; an id or title may"),
        (
            'ko = "소다"',
            f'ko = "{NFD_COFFEE}"',
            "items: '커피' names two items, 'coffee' and 'soda'; an id or title may",
        ),
        ('ko = "커피"', 'ko = "SODA"', "items: 'SODA' names two items, 'coffee' and 'soda'; an id or title may name"),
        ("price = 350\n", "", "items[0]: Object missing required field `price`"),
        ("stock = 5\n", "", "items[1]: Object missing required field `stock`"),
        ('goods = "Drink"', 'goods = "Drink"\ncolour = "red"', "Object contains unknown field `colour`"),
        ("stock = 5", "stock = 5\nsize = 3", "items[1]: Object contains unknown field `size`"),
        ('name = "bar"', "name = 1", "name: Expected `str`, got `int`"),
        ('name = "bar"', 'name = ""', "name: Expected `str` matching regex"),
        ('name = "bar"', 'name = "Bar"', "name: Expected `str` matching regex"),
        ('name = "bar"', 'name = "../bar"', "name: Expected `str` matching regex"),
        ('name = "bar"', 'name = "bar\\n"', "name: Expected `str` matching regex"),
        ('name = "bar"', f'name = "{"b" * 41}"', "name: Expected `str` of length <= 40"),
        ('goods = "Drink"', 'goods = ""', "goods: Expected `str` of length >= 1"),
        ("port = 50052", "port = 0", "port: Expected `int` >= 1"),
        ("port = 50052", "port = 65536", "port: Expected `int` <= 65535"),
        ("port = 50052", 'port = "50052"', "port: Expected `int | null`, got `str`"),
        ('id = "coffee"', 'id = "Coffee"', "items[0].id: Expected `str` matching regex"),
        ("price = 350", "price = -1", "items[0].price: Expected `int` >= 0"),
        ("price = 350", "price = 3.5", "items[0].price: Expected `int`, got `float`"),
        ("price = 350", "price = true", "items[0].price: Expected `int`, got `bool`"),
        ("price = 300", "price = 1_000_000_001", "items[1].price: Expected `int` <= 1000000000"),
        ("stock = 10", 'stock = "plenty"', "items[0].stock: 'plenty' is neither a whole number nor 'unlimited'"),
        ("stock = 5", 'stock = 5\ncategory = "%s"' % ("c" * 41), "items[1].category: Expected `str` of length <= 40"),
        ("stock = 5", "stock = 5\nprep_seconds = 0", "items[1].prep_seconds: Expected `int` >= 1"),
        ("stock = 5", "stock = 5\nprep_seconds = 86401", "items[1].prep_seconds: Expected `int` <= 86400"),
        ("port = 50052", "late_seconds = [600]", "late_seconds: Expected `array` of length >= 2"),
        ("port = 50052", "late_seconds = [60, 90, 120]", "late_seconds: Expected `array` of length <= 2"),
        ("port = 50052", "late_seconds = [0, 60]", "late_seconds[0]: Expected `int` >= 1"),
        ("port = 50052", "late_seconds = [600, 599]", "late_seconds: a ticket is very late after 599 s, before it is"),
        ("stock = 10", "stock = -1", "items[0].stock: Expected `int` >= 0"),
        ("stock = 10", "stock = 1_000_000_001", "items[0].stock: Expected `int` <= 1000000000"),
        ('en = "Soda"', 'en = ""', "items[1].titles.en: Expected `str` of length >= 1"),
        ('id = "soda"', 'id = "coffee"', "items: the id 'coffee' stands 2 times; it may stand once"),
        ("[[items]]", "[[dishes]]", "Object contains unknown field `dishes`"),
        (MENU[MENU.index("[[items]]") :], "", "Object missing required field `items`"),
        ("stock = 10", "stock = 99999999999999999999999", "items[0].stock: Expected `int`"),
        ("stock = 10", "stock = 2026-01-01", "items[0].stock: Expected `int | str`, got `date"),
        (MENU[MENU.index("[[items]]") :], "items = []\n", "items: Expected `array` of length >= 1"),
        (MENU[MENU.index("[[items]]") :], "items = 3\n", "items: Expected `array`, got `int`"),
        ('goods = "Drink"', 'goods = "Drink"\ngoods = "Drink"', "is not TOML: "),
        ("[[items]]", "[[items", "is not TOML: "),
    ],
)
def test_a_malformed_menu_is_one_line_with_file_key_and_reason(tmp_path: Path, old: str, new: str, reason: str) -> None:
    assert old in MENU
    path = tmp_path / "bar.toml"
    path.write_text(MENU.replace(old, new))
    assert refusal(path).lstrip(": ").startswith(reason)


def test_a_menu_nested_without_end_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bar.toml"
    path.write_text(f"name = {'[' * 5000}{']' * 5000}")
    assert refusal(path).startswith(" is not TOML: ")


def test_an_empty_menu_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bar.toml"
    path.write_text("")
    assert refusal(path) == ": Object missing required field `name`"


def test_a_menu_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bar.toml"
    path.write_bytes(MENU.encode("euc-kr"))
    assert refusal(path).startswith(" is not TOML: 'utf-8' codec can't decode byte")


def test_a_menu_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bar.toml"
    path.mkdir()
    assert refusal(path) == " cannot be read: Is a directory"
    assert refusal(tmp_path / "none.toml") == " cannot be read: No such file or directory"


# --- finding ---


def test_a_menu_is_found_by_the_name_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "bar.toml").write_text(MENU)
    assert find_menu("bar", tmp_path) == tmp_path / "bar.toml"


def test_a_menu_is_found_by_any_path(tmp_path: Path) -> None:
    path = tmp_path / "elsewhere" / "terrace.toml"
    path.parent.mkdir()
    path.write_text(MENU)
    assert find_menu(str(path), SHIPPED) == path


def test_the_name_of_a_file_goes_before_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "menus"
    folder.mkdir()
    (folder / "bar.toml.toml").write_text(MENU)
    (tmp_path / "bar.toml").write_text(MENU)
    monkeypatch.chdir(tmp_path)
    assert find_menu("bar.toml", folder) == folder / "bar.toml.toml"
    assert find_menu("bar.toml", SHIPPED) == Path("bar.toml")


@pytest.mark.parametrize("name", ["grill", "", "README.md", "/nowhere/bar.toml", "../bar"])
def test_a_menu_that_there_is_not_is_one_line_with_those_that_there_are(name: str) -> None:
    with pytest.raises(StartError) as error:
        find_menu(name, SHIPPED)
    expected = f"expected one of {SHIPPED} (bakery, bar, kitchen), or a path to a .toml file"
    assert str(error.value) == f"there is no menu {name!r}: {expected}"


def test_where_there_are_no_menus_at_all_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=re.escape(f"expected one of {tmp_path} (none)")):
        find_menu("bar", tmp_path)
    with pytest.raises(StartError, match=re.escape(f"there is no menu file (*.toml) in {tmp_path}")):
        menu_files(tmp_path)
