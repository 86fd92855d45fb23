"""How much one order may ask for."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OrderLimits:
    """The largest order that is accepted."""

    lines: int = 50
    """Lines in one order."""

    quantity: int = 1000
    """Quantity of one line."""

    note: int = 200
    """Characters in a line's note."""
