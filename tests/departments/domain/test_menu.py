import pytest

from tests.departments.factories import BAR


@pytest.mark.parametrize("text", ["coffee", "Coffee", "COFFEE", "cOfFeE", "커피", " coffee ", "\t커피\n"])
def test_an_item_is_found_by_its_id_or_a_title_whatever_their_case(text: str) -> None:
    assert BAR.find(text) is BAR.items["coffee"]


@pytest.mark.parametrize("text", ["", " ", "tea", "coff", "coffee soda", "쿠키", "cof fee"])
def test_what_is_not_on_the_menu_is_not_found(text: str) -> None:
    assert BAR.find(text) is None


def test_every_item_is_found_by_all_its_names() -> None:
    for item in BAR.items.values():
        assert all(BAR.find(name) is item for name in (item.id, *item.titles.values()))
