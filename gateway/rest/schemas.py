"""The REST contract: the bodies of requests and responses as msgspec structs, and how domain objects become them."""

from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gateway.domain.lines import Outcome
from gateway.domain.order import Order, Policy, Status
from gateway.domain.progress import Progress
from gateway.orders.journal import JournalPage
from gateway.rest.progress_schemas import (
    LineProgressField,
    OrderNumber,
    OrderProgressField,
    OrderTicket,
    ReadyAtField,
    order_tickets,
    times_and_progress,
)

OrderId = Annotated[
    UUID,
    Meta(
        description="Identifies the order. A request that is sent again with the same body returns the same order and "
        "places no second one."
    ),
]
Price = Annotated[int, Meta(description="In minor units of the currency.")]
CurrencyCode = Annotated[str, Meta(description="ISO 4217.")]
Exponent = Annotated[
    int, Meta(description="How many digits of a price are decimal places (ISO 4217): 2 for EUR, 0 for JPY, 3 for KWD.")
]

MAX_PRICE = 1_000_000_000
"""The highest price of an item, in minor units; a department's menu file has the same limit."""


_OPEN = frozenset({Outcome.ACCEPTED, Outcome.PENDING})


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
                description="Unit price that the client saw, in minor units of the currency. If the item has another "
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
    progress: LineProgressField


class OrderResponse(msgspec.Struct, kw_only=True):
    """An order, with the outcome of each line so far."""

    order_id: str
    number: OrderNumber
    status: Status
    progress: OrderProgressField
    policy: Policy
    table: str | None
    total: Price
    currency: CurrencyCode
    currency_exponent: Exponent
    created_at: Annotated[str, Meta(description="RFC 3339, UTC.")]
    ready_at: ReadyAtField
    lines: list[LineResponse]
    tickets: Annotated[
        list[OrderTicket], Meta(description="The departments whose staff have taken a step with the order.")
    ]


class OrderPage(msgspec.Struct, kw_only=True):
    """A page of orders, newest first."""

    orders: list[OrderResponse]
    next: Annotated[str, Meta(description="Cursor of the next page.")] | None


class Health(msgspec.Struct, kw_only=True):
    """The gateway's state, and which departments can be reached."""

    status: Literal["live", "ready", "not ready"]
    departments: dict[str, Literal["reachable", "unreachable"]] = {}
    unreadable_orders: (
        Annotated[int, Meta(description="Orders in the journal that this version cannot read.")] | UnsetType
    ) = UNSET
    disk_used: (
        Annotated[float, Meta(description="Used share of the disk of the journal's file, 0 to 1; not on PostgreSQL.")]
        | UnsetType
    ) = UNSET


def order_response(order: Order) -> OrderResponse:
    """Return an order as the body of a response."""
    status = order.status
    created_at, ready_at, progress, lines = times_and_progress(order, status)
    response = OrderResponse(
        order_id=order.order_id,
        number=order.number,
        status=status,
        progress=progress,
        policy=order.policy,
        table=order.table,
        total=order.total,
        currency=order.currency.code,
        currency_exponent=order.currency.exponent,
        created_at=created_at,
        ready_at=ready_at,
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
                progress=line_progress,
            )
            for line, line_progress in zip(order.lines, lines, strict=True)
        ],
        tickets=order_tickets(order) if order.tickets else [],
    )
    if order.tickets and order.policy is Policy.ALL_OR_NOTHING:
        _say_that_the_rest_stands(response)
    return response


def _say_that_the_rest_stands(order: OrderResponse) -> None:
    """Add to what was withdrawn of an all-or-nothing order that the rest stands, as long as it does."""
    if any(line.outcome in _OPEN for line in order.lines):
        for line in order.lines:
            if line.progress is Progress.WITHDRAWN:
                line.reason = f"{line.reason}; the rest of the order stands"


def order_page(page: JournalPage) -> OrderPage:
    """Return a page of the list of orders as the body of a response."""
    return OrderPage(
        orders=[order_response(order) for order in page.orders],
        next=None if page.cursor is None else str(page.cursor),
    )
