"""The REST contract: the bodies of requests and responses as msgspec structs, and how domain objects become them."""

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
from gateway.orders.journal import JournalPage

OrderId = Annotated[
    UUID,
    Meta(
        description="Identifies the order. A request that is sent again with the same body returns the same order and "
        "places no second one."
    ),
]
Scalar = str | float | bool | None
"""No `int`: a whole number would then match two schemas of the description's `oneOf`, which allows one."""
Price = Annotated[int, Meta(description="In minor units of the currency.")]
CurrencyCode = Annotated[str, Meta(description="ISO 4217.")]
Exponent = Annotated[
    int, Meta(description="How many digits of a price are decimal places (ISO 4217): 2 for EUR, 0 for JPY, 3 for KWD.")
]

MAX_PRICE = 1_000_000_000
"""The highest price of an item, in minor units; a department's menu file has the same limit."""


class Drink(StrEnum):
    """The drinks of the set menu."""

    COFFEE = "coffee"
    SODA = "soda"
    BEER = "beer"
    WINE = "wine"
    COFFEE_KO = "커피"
    SODA_KO = "소다"
    BEER_KO = "맥주"
    WINE_KO = "와인"


class Meal(StrEnum):
    """The meals of the set menu."""

    PASTA = "pasta"
    PIZZA = "pizza"
    MEAT = "meat"
    FISH = "fish"
    PASTA_KO = "파스타"
    PIZZA_KO = "피자"
    MEAT_KO = "고기 요리"
    FISH_KO = "생선 요리"


class Dessert(StrEnum):
    """The desserts of the set menu."""

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
    """The outcome of each of the three lines, as a text."""

    order_id: str
    drink: str
    meal: str
    dessert: str


class LineRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A line of a new order: item x quantity, for one department."""

    department: Annotated[str, Meta(description="Name of a department, such as bar.", min_length=1, max_length=40)]
    item: Annotated[
        str, Meta(description="Id of an item on the department's menu, such as coffee.", min_length=1, max_length=64)
    ]
    quantity: Annotated[int, Meta(ge=1)] = 1
    note: Annotated[str, Meta(description="Shown to the staff who prepare the item.")] = ""
    expected_price: (
        Annotated[
            int,
            Meta(
                ge=0,
                le=MAX_PRICE,
                description="Unit price that the guest saw, in minor units of the currency. If the item has another "
                "price now, the outcome is price_changed and no stock is taken for this line.",
            ),
        ]
        | None
    ) = None
    allergy: Annotated[
        bool, Meta(description="The guest has an allergy. The staff who prepare the item see it; the note says which.")
    ] = False


class OrderRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A new order à la carte."""

    order_id: OrderId | None = None
    table: Annotated[str, Meta(min_length=1, max_length=40)] | None = None
    policy: Policy = Policy.BEST_EFFORT
    lines: Annotated[list[LineRequest], Meta(min_length=1)]


class LineResponse(msgspec.Struct, kw_only=True):
    """A line of an order, with its outcome."""

    department: str
    item: str
    quantity: int
    note: str
    allergy: bool
    outcome: Annotated[
        Outcome,
        Meta(
            description="What became of the line. out_of_stock: fewer are left than it asks for. off_sale: the staff "
            "have taken the item off sale. price_changed: the item costs another price than the line expects."
        ),
    ]
    unit_price: (
        Annotated[
            int,
            Meta(
                description="Unit price, in minor units of the order's currency: the one at which the line was "
                "accepted, or, if the outcome is price_changed, the one that the item had at that moment."
            ),
        ]
        | None
    )
    available: Annotated[int, Meta(description="The stock at the moment when the line was refused.")] | None
    reason: str | None


class OrderResponse(msgspec.Struct, kw_only=True):
    """An order, with the outcome of each line so far."""

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
    """A page of orders, newest first."""

    orders: list[OrderResponse]
    next: Annotated[str, Meta(description="Cursor of the next page.")] | None


class MenuItemResponse(msgspec.Struct, kw_only=True):
    """An item on a menu."""

    id: str
    titles: dict[str, str]
    price: Price
    available: (
        Annotated[int, Meta(description="How many are left at this moment; null where any quantity can be had.")] | None
    )
    on_sale: Annotated[
        bool, Meta(description="False where the staff have taken the item off sale, whatever its stock is.")
    ]
    category: Annotated[str, Meta(description="What kind of item it is, in the restaurant's words.")] | None
    prep_seconds: Annotated[int, Meta(description="How many seconds one takes to prepare.")] | None


class DepartmentMenu(msgspec.Struct, kw_only=True):
    """A department's menu; empty where the department is unreachable."""

    name: str
    titles: dict[str, str]
    state: Literal["open", "unreachable"]
    items: list[MenuItemResponse]


class MenuResponse(msgspec.Struct, kw_only=True):
    """The menus of all departments at this moment."""

    departments: list[DepartmentMenu]
    currency: CurrencyCode
    currency_exponent: Exponent


class Health(msgspec.Struct, kw_only=True):
    """The gateway's state, and which departments can be reached."""

    status: Literal["live", "ready", "not ready"]
    departments: dict[str, Literal["reachable", "unreachable"]] = {}
    unreadable_orders: (
        Annotated[int, Meta(description="Orders in the journal that this version cannot read.")] | UnsetType
    ) = UNSET


class Problem(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A problem (RFC 9457): `field`, `value` and `allowed` say what a request has wrong; `order` is a refused order."""

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
    """Return an order as the body of a response."""
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
                allergy=line.allergy,
                outcome=line.outcome,
                unit_price=line.unit_price,
                available=line.available,
                reason=line.reason,
            )
            for line in order.lines
        ],
    )


def order_page(page: JournalPage) -> OrderPage:
    """Return a page of the list of orders as the body of a response."""
    return OrderPage(
        orders=[order_response(order) for order in page.orders],
        next=None if page.cursor is None else str(page.cursor),
    )


def menu_response(menus: list[MenuSnapshot], currency: Currency) -> MenuResponse:
    """Return the departments' menus, whose prices are in `currency`, as the body of a response."""
    return MenuResponse(
        departments=[
            DepartmentMenu(
                name=menu.name,
                titles=menu.titles,
                state="open" if menu.is_open else "unreachable",
                items=[
                    MenuItemResponse(
                        id=item.id,
                        titles=item.titles,
                        price=item.price,
                        available=item.available,
                        on_sale=item.on_sale,
                        category=item.category or None,
                        prep_seconds=item.prep_seconds or None,
                    )
                    for item in menu.items
                ],
            )
            for menu in menus
        ],
        currency=currency.code,
        currency_exponent=currency.exponent,
    )


def rfc3339(milliseconds: int) -> str:
    """Return milliseconds since 1970 as RFC 3339, UTC."""
    seconds, rest = divmod(milliseconds, 1000)
    return f"{_second(seconds)}.{rest:03}Z"


@lru_cache(maxsize=16)
def _second(seconds: int) -> str:
    """Return a whole second since 1970 as text; orders of the same second share it."""
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None).isoformat()
