"""Reads which tables somebody means: `1-12, Terrace 1`."""

import re
import unicodedata

from gateway.access.secrets import LONGEST_TABLE
from gateway.domain.errors import FieldNotAllowed

MOST_TABLES = 500
"""Most tables that can be named at once."""

_range = re.compile(r"([0-9]{1,4})\s*-\s*([0-9]{1,4})").fullmatch


def table_names(text: str) -> list[str]:
    """Return the tables that a text names, each once: names and ranges of numbers, separated by commas.

    Raises FieldNotAllowed for a name that is too long, a range that is empty, and too many of them.
    """
    names: dict[str, None] = {}
    for part in filter(None, (part.strip() for part in unicodedata.normalize("NFC", text).split(","))):
        names |= dict.fromkeys(_expand(part))
        if len(names) > MOST_TABLES:
            raise FieldNotAllowed("tables", text[:200], f"expected at most {MOST_TABLES} tables")
    return list(names)


def _expand(part: str) -> list[str]:
    if found := _range(part):
        first, last = int(found[1]), int(found[2])
        if first > last:
            raise FieldNotAllowed("tables", part, "expected a range to begin with its smaller number")
        return [str(number) for number in range(first, last + 1)]
    if len(part) > LONGEST_TABLE or not part.isprintable():
        raise FieldNotAllowed("tables", part[:200], f"expected names of at most {LONGEST_TABLE} printable characters")
    return [part]
