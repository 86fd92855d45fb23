"""The REST contract: what comes in and what goes out, as msgspec structs."""

from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gateway.domain.currencies import Currency
from gateway.domain.lines import Outcome
from gateway.domain.menu import MenuSnapshot
from gateway.domain.order import Order, Policy, Status

OrderId = Annotated[
    UUID, Meta(description="Names the order; sent again with the same body it gets the same order, never a second one.")
]
Scalar = str | float | bool | None
"""A float may be whole, as in JSON: with `int` besides, a whole number would fit two of the description's `oneOf`."""
Price = Annotated[int, Meta(description="In minor units of the currency.")]
CurrencyCode = Annotated[str, Meta(description="ISO 4217.")]
Exponent = Annotated[
    int, Meta(description="How many digits of a price are decimals (ISO 4217): 2 for EUR, 0 for JPY, 3 for KWD.")
]

MOST_EXPECTED = 1_000_000_000
"""What an item may cost at most; a department's menu file has the same bound."""


class Drink(StrEnum):
    """What the printed set menu offers to drink."""

    COFFEE = "coffee"
    SODA = "soda"
    BEER = "beer"
    WINE = "wine"
    COFFEE_KO = "커피"
    SODA_KO = "소다"
    BEER_KO = "맥주"
    WINE_KO = "와인"


class Meal(StrEnum):
    """What the printed set menu offers to eat."""

    PASTA = "pasta"
    PIZZA = "pizza"
    MEAT = "meat"
    FISH = "fish"
    PASTA_KO = "파스타"
    PIZZA_KO = "피자"
    MEAT_KO = "고기 요리"
    FISH_KO = "생선 요리"


class Dessert(StrEnum):
    """What the printed set menu offers for dessert."""

    COOKIE = "cookie"
    DONUT = "donut"
    BROWNIE = "brownie"
    GELATO = "gelato"
    COOKIE_KO = "쿠키"
    DONUT_KO = "도넛"
    BROWNIE_KO = "브라우니"
    GELATO_KO = "젤라또"


class SetMenuRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One drink, one meal, one dessert, in English or in Korean."""

    order_id: OrderId | None = None
    drink: Drink
    meal: Meal
    dessert: Dessert


class SetMenuResponse(msgspec.Struct, kw_only=True):
    """What each counter answered."""

    order_id: str
    drink: str
    meal: str
    dessert: str


class LineRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Item x quantity, for one department."""

    department: Annotated[str, Meta(description="Such as bar.", min_length=1, max_length=40)]
    item: Annotated[str, Meta(description="Id of an item on its menu, such as coffee.", min_length=1, max_length=64)]
    quantity: Annotated[int, Meta(ge=1)] = 1
    note: Annotated[str, Meta(description="For those who make it.")] = ""
    expected_price: (
        Annotated[
            int,
            Meta(
                ge=0,
                le=MOST_EXPECTED,
                description="Price of one that the guest saw, in minor units of the currency. Where the item costs "
                "another one by now, the outcome is price_changed and nothing of this line is taken.",
            ),
        ]
        | None
    ) = None


class OrderRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """An order à la carte."""

    order_id: OrderId | None = None
    table: Annotated[str, Meta(min_length=1, max_length=40)] | None = None
    policy: Policy = Policy.BEST_EFFORT
    lines: Annotated[list[LineRequest], Meta(min_length=1)]


class LineResponse(msgspec.Struct, kw_only=True):
    """A line and what became of it."""

    department: str
    item: str
    quantity: int
    note: str
    outcome: Outcome
    unit_price: (
        Annotated[
            int,
            Meta(
                description="Price of one, in minor units of the order's currency: the one at which the line was "
                "accepted, or, where the outcome is price_changed, the one that the item had then."
            ),
        ]
        | None
    )
    available: Annotated[int, Meta(description="How many were left when the line was refused.")] | None
    reason: str | None


class OrderResponse(msgspec.Struct, kw_only=True):
    """An order as it stands."""

    order_id: str
    status: Status
    policy: Policy
    table: str | None
    total: Price
    currency: CurrencyCode
    currency_exponent: Exponent
    created_at: Annotated[str, Meta(description="RFC 3339, UTC.")]
    lines: list[LineResponse]


class OrderPage(msgspec.Struct, kw_only=True):
    """Orders, newest first."""

    orders: list[OrderResponse]
    next: Annotated[str, Meta(description="Cursor of the next page.")] | None


class MenuItemResponse(msgspec.Struct, kw_only=True):
    """An item on a menu."""

    id: str
    titles: dict[str, str]
    price: Price
    available: int


class DepartmentMenu(msgspec.Struct, kw_only=True):
    """A department's menu; empty where the department is unreachable."""

    name: str
    titles: dict[str, str]
    state: Literal["open", "unreachable"]
    items: list[MenuItemResponse]


class MenuResponse(msgspec.Struct, kw_only=True):
    """What can be ordered at this moment."""

    departments: list[DepartmentMenu]
    currency: CurrencyCode
    currency_exponent: Exponent


class Health(msgspec.Struct, kw_only=True):
    """How the gateway is; `departments` tells which can be reached."""

    status: Literal["live", "ready", "not ready"]
    departments: dict[str, Literal["reachable", "unreachable"]] = {}
    unreadable_orders: (
        Annotated[int, Meta(description="Orders in the journal that this version cannot read.")] | UnsetType
    ) = UNSET


class Problem(msgspec.Struct, kw_only=True, omit_defaults=True):
    """RFC 9457. `field`, `value` and `allowed` name what is wrong with a request; `order` tells what became of one."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    field: str | None = None
    value: Scalar | UnsetType = UNSET
    allowed: str | None = None
    order_id: str | None = None
    order: OrderResponse | None = None


def order_response(order: Order) -> OrderResponse:
    """Write an order as its guest sees it."""
    return OrderResponse(
        order_id=order.order_id,
        status=order.status,
        policy=order.policy,
        table=order.table,
        total=order.total,
        currency=order.currency.code,
        currency_exponent=order.currency.exponent,
        created_at=rfc3339(order.created_at_ms),
        lines=[
            LineResponse(
                department=line.department,
                item=line.item,
                quantity=line.quantity,
                note=line.note,
                outcome=line.outcome,
                unit_price=line.unit_price,
                available=line.available,
                reason=line.reason,
            )
            for line in order.lines
        ],
    )


def menu_response(menus: list[MenuSnapshot], currency: Currency) -> MenuResponse:
    """Write the departments' menus."""
    return MenuResponse(
        departments=[
            DepartmentMenu(
                name=menu.name,
                titles=menu.titles,
                state="open" if menu.is_open else "unreachable",
                items=[
                    MenuItemResponse(id=item.id, titles=item.titles, price=item.price, available=item.available)
                    for item in menu.items
                ],
            )
            for menu in menus
        ],
        currency=currency.code,
        currency_exponent=currency.exponent,
    )


def rfc3339(milliseconds: int) -> str:
    """Write a moment since 1970 as RFC 3339, UTC."""
    seconds, rest = divmod(milliseconds, 1000)
    return f"{_second(seconds)}.{rest:03}Z"


@lru_cache(maxsize=16)
def _second(seconds: int) -> str:
    """Write a whole second; the orders of one share it."""
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None).isoformat()
