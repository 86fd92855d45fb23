import unicodedata

import pytest

from departments.domain.menu import Menu, MenuItem
from tests.support.department_factories import BAR


def menu(**titles: tuple[str, ...]) -> Menu:
    """A menu of items, each with some titles."""
    items = {
        item: MenuItem(item, {f"x-{number}": title for number, title in enumerate(texts)}, 100, 1)
        for item, texts in titles.items()
    }
    return Menu("bar", {"en": "Bar"}, "Drink", items)


@pytest.mark.parametrize(
    "text",
    ["coffee", "Coffee", "COFFEE", "cOfFeE", "커피", " coffee ", "\t커피\n", unicodedata.normalize("NFD", "커피")],
)
def test_an_item_is_found_by_its_id_or_a_title_whatever_their_case(text: str) -> None:
    assert BAR.find(text) is BAR.items["coffee"]


@pytest.mark.parametrize("text", ["", " ", "tea", "coff", "coffee soda", "쿠키", "cof fee"])
def test_what_is_not_on_the_menu_is_not_found(text: str) -> None:
    assert BAR.find(text) is None


def test_every_item_is_found_by_all_its_names() -> None:
    for item in BAR.items.values():
        assert all(BAR.find(name) is item for name in (item.id, *item.titles.values()))


def test_an_id_goes_before_a_title() -> None:
    """The file is refused, but what is sold never depends on the sequence of its items."""
    ambiguous = menu(flat=("Latte",), latte=("Caffè latte",))
    assert ambiguous.find("latte") is ambiguous.items["latte"]


@pytest.mark.parametrize("text", ["caffè latte", "CAFFÈ LATTE", unicodedata.normalize("NFD", "Caffè Latte")])
def test_a_title_is_found_however_its_letters_are_composed(text: str) -> None:
    found = menu(latte=("Caffè latte",)).find(text)
    assert found is not None
    assert found.id == "latte"


@pytest.mark.parametrize(
    ("titles", "text"),
    [
        ({"flat": ("Latte",), "latte": ("Caffè latte",)}, "latte"),
        ({"one": ("Café",), "two": ("CAFE\u0301",)}, "Café"),
        ({"one": ("Straße",), "two": ("STRASSE",)}, "Straße"),
    ],
)
def test_a_text_that_names_two_items_is_found(titles: dict[str, tuple[str, ...]], text: str) -> None:
    ambiguous = menu(**titles)
    one, other = ambiguous.items.values()
    ((found, *items),) = ambiguous.ambiguities()
    assert (found.casefold(), items) == (text.casefold(), [one, other])


def test_an_item_may_have_its_own_id_for_a_title_and_one_title_in_two_languages() -> None:
    assert list(menu(latte=("Latte", "LATTE", "Caffè latte"), tea=("Tea",)).ambiguities()) == []
