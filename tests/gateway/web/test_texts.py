"""The pages' texts: every language has every key, every key is used, and every key that is used is there."""

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from gateway.web.texts import FOLDER, LANGUAGES, Text, Texts, choose_language, texts_of

WEB = Path(__file__).parents[3] / "gateway" / "web"
SOURCES = [path for path in WEB.rglob("*") if path.suffix in {".py", ".js"} and "vendor" not in path.parts]

_key = r"[a-z_]+\.[a-z_0-9]*"
_uses = re.compile(rf"""\bt\(\s*(?:f?["']|`)({_key})(["'`]|\{{|\$\{{)""").findall
"""Calls of `t`: with a whole key, or with the beginning of one, `t(`state.${{…}}`)`."""


def read(language: str) -> dict[str, Text]:
    return msgspec.json.decode((FOLDER / f"{language}.json").read_bytes(), type=dict[str, Text])


def used() -> Iterator[tuple[str, bool]]:
    """Yield each key that the code names, and whether it is whole."""
    for path in SOURCES:
        for key, end in _uses(path.read_text()):
            yield key, end in ("'", '"', "`")


def fields_of(text: Text) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text if isinstance(text, str) else "".join(text.values())))


def test_there_is_a_file_for_each_language() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_every_text_with_the_same_fields(language: str) -> None:
    wanted, found = read("en"), read(language)
    assert set(found) == set(wanted)
    assert [key for key in found if fields_of(found[key]) - {"count"} != fields_of(wanted[key]) - {"count"}] == []
    assert [key for key, text in found.items() if isinstance(text, dict) and "other" not in text] == []
    assert list(found) == sorted(found), "the keys are in order, so that two branches seldom change the same line"


def test_every_key_that_is_used_is_there() -> None:
    known = read("en")
    assert {key for key, whole in used() if whole and key not in known} == set()
    assert {key for key, whole in used() if not whole and not any(each.startswith(key) for each in known)} == set()


def test_every_key_is_used() -> None:
    whole = {key for key, is_whole in used() if is_whole}
    begun = tuple(key for key, is_whole in used() if not is_whole)
    assert [key for key in read("en") if key not in whole and not key.startswith(begun)] == []


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("ko-KR,ko;q=0.9,en;q=0.8", "ko"),
        ("de,es;q=0.7,en;q=0.9", "en"),
        ("de;q=1,es;q=0.1", "es"),
        ("fr", "en"),
        ("*", "en"),
        ("es;q=0", "en"),
        ("ko;q=many,es", "es"),
    ],
)
def test_a_browser_gets_the_language_that_it_wants_most(accepted: str, language: str) -> None:
    assert choose_language(accepted) == language


def test_a_number_selects_the_plural_form() -> None:
    texts = Texts("en", {"a.left": {"one": "1 left", "other": "{count} left"}})
    assert [texts("a.left", count=count) for count in (0, 1, 2)] == ["0 left", "1 left", "2 left"]
    assert texts_of("ko")("order.left", count=1) == "1개 남음"


def test_modules_get_the_texts_of_their_parts() -> None:
    texts = Texts("en", {"order.title": "Order", "orders.title": "Orders", "ui.close": "Close"})
    assert texts.of(["order", "ui"]) == {"order.title": "Order", "ui.close": "Close"}
