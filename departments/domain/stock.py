"""Stock and its law: received = on_hand + held + sold + wasted, and nothing below zero, at every moment."""

from dataclasses import dataclass


@dataclass(slots=True)
class Stock:
    """The figures of one item. Every method keeps the law; none lets a figure fall below zero.

    `wasted` is what was begun and then cancelled by the staff.
    """

    item: str
    received: int
    on_hand: int
    held: int
    sold: int
    wasted: int = 0

    def take(self, quantity: int, *, hold: bool) -> bool:
        """Take from the shelf, to be held or as sold; answers False, and takes nothing, where too few are left."""
        if quantity > self.on_hand:
            return False
        self.on_hand -= quantity
        if hold:
            self.held += quantity
        else:
            self.sold += quantity
        return True

    def confirm(self, quantity: int) -> None:
        """Turn held stock into sold stock."""
        self.held -= quantity
        self.sold += quantity

    def suspend(self, quantity: int) -> None:
        """Turn sold stock back into held stock."""
        self.sold -= quantity
        self.held += quantity

    def put_back(self, quantity: int, *, held: bool) -> None:
        """Put what was held, or sold, back on the shelf."""
        if held:
            self.held -= quantity
        else:
            self.sold -= quantity
        self.on_hand += quantity

    def waste(self, quantity: int) -> None:
        """Turn sold stock into wasted stock: it was begun, so it cannot be sold again."""
        self.sold -= quantity
        self.wasted += quantity
