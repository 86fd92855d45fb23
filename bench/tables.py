"""Tables and figures as Markdown has them."""

from collections.abc import Iterable, Sequence

from bench.figures import Spread

NOTHING = "-"
"""What stands where nothing was measured."""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table; its first column is text, the others are figures."""
    lines = [list(head), ["---", *["---:"] * (len(head) - 1)], *map(list, rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def number(value: float) -> str:
    """Write a figure with three digits that mean something."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def with_spread(seen: Spread | None) -> str:
    """Write a median with the least and the most, where they differ."""
    if seen is None:
        return NOTHING
    if seen.least == seen.most:
        return number(seen.median)
    return f"{number(seen.median)} ({number(seen.least)} to {number(seen.most)})"
