"""The stock of an item, and the stock law: received = on_hand + held + sold + wasted, and none of them below zero."""

from dataclasses import dataclass


@dataclass(slots=True)
class Stock:
    """The quantities of one item. Every method keeps the stock law.

    `wasted` is the quantity that the staff started to prepare and then cancelled.
    """

    item: str
    received: int
    on_hand: int
    held: int
    sold: int
    wasted: int = 0

    def take(self, quantity: int, *, hold: bool) -> bool:
        """Move a quantity from on hand to held or sold; return False, and change nothing, where too few are on hand."""
        if quantity > self.on_hand:
            return False
        self.on_hand -= quantity
        if hold:
            self.held += quantity
        else:
            self.sold += quantity
        return True

    def confirm(self, quantity: int) -> None:
        """Move a quantity from held to sold."""
        self.held -= quantity
        self.sold += quantity

    def suspend(self, quantity: int) -> None:
        """Move a quantity from sold back to held."""
        self.sold -= quantity
        self.held += quantity

    def put_back(self, quantity: int, *, held: bool) -> None:
        """Move a quantity from held or sold back to on hand."""
        if held:
            self.held -= quantity
        else:
            self.sold -= quantity
        self.on_hand += quantity

    def waste(self, quantity: int) -> None:
        """Move a quantity from sold to wasted: it was started, so it cannot be sold again."""
        self.sold -= quantity
        self.wasted += quantity
