"""The stock of an item, and the stock law: received = on_hand + held + sold + wasted, and none of them below zero."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Stock:
    """The quantities of one item. Every method keeps the stock law.

    `wasted` is the quantity that the staff started to prepare and then cancelled, or threw away. `off_sale`: the staff
    have taken the item off sale. An item that is `unlimited` has no figure on hand, which stays 0: what it takes is
    received at that moment. `revision` is that of the last change.
    """

    item: str
    received: int
    on_hand: int
    held: int
    sold: int
    wasted: int = 0
    off_sale: bool = False
    unlimited: bool = False
    revision: int = field(default=0, compare=False)

    def take(self, quantity: int, *, hold: bool) -> bool:
        """Move a quantity from on hand to held or sold; return False, and change nothing, where too few are on hand."""
        if self.unlimited:
            self.received += quantity
        elif quantity > self.on_hand:
            return False
        else:
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
        """Move a quantity from held or sold back to on hand; an unlimited item has not received it then."""
        if held:
            self.held -= quantity
        else:
            self.sold -= quantity
        if self.unlimited:
            self.received -= quantity
        else:
            self.on_hand += quantity

    def waste(self, quantity: int) -> None:
        """Move a quantity from sold to wasted: it was started, so it cannot be sold again."""
        self.sold -= quantity
        self.wasted += quantity

    def receive(self, quantity: int) -> None:
        """Add a quantity to what was received and is on hand, or take it from both where it is negative."""
        self.received += quantity
        self.on_hand += quantity

    def discard(self, quantity: int) -> None:
        """Move a quantity from on hand to wasted; an unlimited item receives it at that moment."""
        if self.unlimited:
            self.received += quantity
        else:
            self.on_hand -= quantity
        self.wasted += quantity
