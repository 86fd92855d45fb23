"""Writes rows as CSV (RFC 4180), of which a spreadsheet takes no cell for a formula."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""The characters with which a spreadsheet lets a formula begin, or which it strips before it looks for one."""


def csv_of(kind: type[msgspec.Struct], rows: Iterable[msgspec.Struct]) -> str:
    """Return structs as lines of CSV, after a line of the fields' names."""
    names = kind.__struct_fields__
    return csv_text([names, *([getattr(row, name) for name in names] for row in rows)])


def csv_text(rows: Iterable[Sequence[Any]]) -> str:
    """Return rows as lines of CSV. Numbers stay as they are; an apostrophe stands before a text that is no formula."""
    text = io.StringIO()
    csv.writer(text).writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def _cell(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value
