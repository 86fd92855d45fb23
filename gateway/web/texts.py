"""The pages' texts: one file a language, read once. The first part of a key, `order.place`, names a part of the pages.

A text may have `{fields}`. A text with a number in it may be an object of plural forms, `{"one": …, "other": …}`.
"""

from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path

import msgspec

FOLDER = Path(__file__).parent / "texts"

LANGUAGES: Mapping[str, str] = {"en": "English", "ko": "한국어", "es": "Español"}
"""The languages, each by its own name; the first is the one where a browser wants none of them."""

RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur"})
"""Languages that are written from the right."""

_NO_PLURAL = frozenset({"ko"})

Text = str | dict[str, str]


class Texts:
    """The texts of one language."""

    def __init__(self, language: str, texts: Mapping[str, Text]) -> None:
        self.language = language
        self._texts = texts

    @property
    def direction(self) -> str:
        """In which direction the language is written, as HTML spells it."""
        return "rtl" if self.language in RIGHT_TO_LEFT else "ltr"

    def __call__(self, key: str, /, **values: object) -> str:
        """Return a text with its fields filled in; `count` selects the plural form. Raises KeyError."""
        text = self._texts[key]
        if isinstance(text, dict):
            text = text[self._form(values["count"])]
        return text.format(**values) if values else text

    def of(self, parts: Collection[str]) -> dict[str, Text]:
        """Return the texts whose keys begin with one of these parts, for a page's modules."""
        return {key: text for key, text in self._texts.items() if key.partition(".")[0] in parts}

    def title(self, titles: Mapping[str, str], default: str) -> str:
        """Return a title in this language, or else in English, or else any, or else the default."""
        return titles.get(self.language) or titles.get("en") or next(iter(titles.values()), default)

    def _form(self, count: object) -> str:
        return "one" if count == 1 and self.language not in _NO_PLURAL else "other"


@cache
def texts_of(language: str) -> Texts:
    """Read the texts of one of the languages."""
    return Texts(language, msgspec.json.decode((FOLDER / f"{language}.json").read_bytes(), type=dict[str, Text]))


def choose_language(accepted: str) -> str:
    """Return the language that a browser's Accept-Language wants most, of those that there are."""
    wanted = []
    for place, part in enumerate(accepted.split(",")):
        name, _, quality = part.strip().partition(";q=")
        try:
            wanted.append((-float(quality or 1), place, name.partition("-")[0].lower()))
        except ValueError:
            continue
    return next((name for weight, _, name in sorted(wanted) if name in LANGUAGES and weight < 0), next(iter(LANGUAGES)))
