"""Tables on a terminal, which fit its width, and the texts in them."""

import json
import shutil
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from unicodedata import combining, east_asian_width

from ops.printing import show

Json = dict[str, Any]

GAP = "  "

LEAST = 8
"""A last column is never cut to less than this."""


def show_table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table; on a terminal its last column is cut to fit."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for line in table(heads, rows, width):
        show(line)


def table(heads: Sequence[str], rows: Sequence[Sequence[object]], width: int | None) -> list[str]:
    """Return the lines of a table whose columns are as wide as their texts; those with whole numbers are to the right.

    The last column is cut where the lines would be wider than `width`.
    """
    texts = [list(heads), *([_text(cell) for cell in row] for row in rows)]
    widths = [max(map(columns, column)) for column in zip(*texts, strict=True)]
    if width is not None:
        widths[-1] = min(widths[-1], max(LEAST, width - sum(widths[:-1]) - len(GAP) * (len(widths) - 1)))
    right = [any(isinstance(row[place], int) for row in rows) for place in range(len(heads))]
    return [
        GAP.join(
            _pad(cut(text, most), most, is_right=is_right)
            for text, most, is_right in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in texts
    ]


def show_json(value: object) -> None:
    """Print JSON, indented."""
    show(json.dumps(value, ensure_ascii=False, indent=2))


def columns(text: str) -> int:
    """Return how many columns of a terminal a text takes: wide characters take two, combining ones none."""
    return sum(0 if combining(each) else 2 if east_asian_width(each) in "WF" else 1 for each in text)


def cut(text: str, width: int) -> str:
    """Return a text, cut to a width."""
    if columns(text) <= width:
        return text
    while columns(text) > width - 1:
        text = text[:-1]
    return f"{text}…"


def age(moment: str | None, now: datetime) -> str:
    """Return how long ago a moment was, in minutes and hours."""
    if moment is None:
        return ""
    minutes = max(0, int((now - datetime.fromisoformat(moment)).total_seconds()) // 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def date_and_clock(moment: str) -> str:
    """Return the date and the time of day of a moment, where this machine is."""
    return datetime.fromisoformat(moment).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def clock(moment: str) -> str:
    """Return the time of day of a moment, where this machine is."""
    return datetime.fromisoformat(moment).astimezone().strftime("%H:%M:%S")


def one_line(text: str) -> str:
    """Return a text without characters that would move a terminal's cursor."""
    return "".join(each if each.isprintable() else " " for each in text)


def _text(cell: object) -> str:
    return "" if cell is None else one_line(str(cell))


def _pad(text: str, width: int, *, is_right: bool) -> str:
    space = " " * (width - columns(text))
    return space + text if is_right else text + space
