"""The pictures in the documentation that are drawn from the code."""

from pathlib import Path

import pytest

from gateway.domain.transitions import RESPONSES
from ops.diagrams import LINES, PICTURES, redraw

PAGE = Path(__file__).parents[2] / "docs" / "architecture.md"


def test_the_page_has_the_pictures_as_the_code_has_them() -> None:
    """Where this fails, `python -m ops.diagrams docs/architecture.md` brings the page up to date."""
    text = PAGE.read_text(encoding="utf-8")
    assert redraw(text) == text


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_that_has_no_place_or_two_is_refused(name: str) -> None:
    text = PAGE.read_text(encoding="utf-8")
    begin = f"<!-- drawn by ops.diagrams: {name} -->"
    for changed in (text.replace(begin, ""), text + f"{begin}\n<!-- end of {name} -->\n"):
        with pytest.raises(ValueError, match=f"places for {name}"):
            redraw(changed)


def test_every_effect_on_lines_has_words() -> None:
    assert {each.record.__name__ for row in RESPONSES.values() for each in row.values()} == LINES.keys()
