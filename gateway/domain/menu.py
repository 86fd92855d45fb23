"""A department's menu as the gateway last read it."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class MenuItem:
    """An item on a department's menu.

    `price` is in minor units. `available` is the quantity on hand, None where any quantity can be had. `prep_seconds`
    is how long one takes to prepare, 0 where the department's menu does not say.
    """

    id: str
    titles: dict[str, str]
    price: int
    available: int | None
    on_sale: bool = True
    category: str = ""
    prep_seconds: int = 0


@dataclass(frozen=True, slots=True)
class MenuSnapshot:
    """A department's menu; `is_open` is False where the department did not respond, and then there are no items."""

    name: str
    is_open: bool
    titles: dict[str, str] = field(default_factory=dict)
    items: list[MenuItem] = field(default_factory=list)
