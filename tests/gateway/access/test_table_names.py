"""Which tables a text names."""

import pytest

from gateway.access.table_names import MOST_TABLES, table_names
from gateway.domain.errors import FieldNotAllowed


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", []),
        (" , ", []),
        ("7", ["7"]),
        ("1-3, Terrace 1,3", ["1", "2", "3", "Terrace 1"]),
        ("9 - 10", ["9", "10"]),
        ("A-1", ["A-1"]),
        ("Cafe\u0301", ["Caf\u00e9"]),
    ],
)
def test_names_and_ranges(text: str, names: list[str]) -> None:
    assert table_names(text) == names


@pytest.mark.parametrize("text", ["3-1", "x" * 41, "a\nb", f"1-{MOST_TABLES + 1}", "1-9999"])
def test_what_names_no_tables_or_too_many_is_refused(text: str) -> None:
    with pytest.raises(FieldNotAllowed) as caught:
        table_names(text)
    assert caught.value.field == "tables"
