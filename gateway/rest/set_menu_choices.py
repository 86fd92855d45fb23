"""The printed set menu: its choices become an ordinary order, and an order's lines the counter's texts."""

from gateway.domain.lines import Line, Outcome
from gateway.domain.order import Order
from gateway.rest.schemas import Dessert, Drink, Meal, SetMenuRequest, SetMenuResponse

DELIVERY = "Delivery!"

ITEMS: dict[str, str] = {
    choice.value: list(menu)[number % 4].value for menu in (Drink, Meal, Dessert) for number, choice in enumerate(menu)
}
"""Choice -> item id. Every menu lists its four choices in English, then the same four in Korean."""

GOODS = {"bar": "Drink", "kitchen": "Meal", "bakery": "Dessert"}


def set_menu_lines(request: SetMenuRequest) -> list[Line]:
    """List what the set menu asks of each department."""
    return [
        Line("bar", ITEMS[request.drink]),
        Line("kitchen", ITEMS[request.meal]),
        Line("bakery", ITEMS[request.dessert]),
    ]


def set_menu_response(order: Order) -> SetMenuResponse:
    """Say what each counter answered."""
    drink, meal, dessert = (_text(line) for line in order.lines)
    return SetMenuResponse(order_id=order.order_id, drink=drink, meal=meal, dessert=dessert)


def _text(line: Line) -> str:
    goods = GOODS[line.department]
    match line.outcome:
        case Outcome.ACCEPTED:
            return DELIVERY
        case Outcome.NOT_ON_MENU:
            return f"{goods} not Found"
        case Outcome.OUT_OF_STOCK:
            return f"{goods} out of stock"
        case Outcome.PRICE_CHANGED:
            return f"{goods} not served: its price has changed"
        case Outcome.REJECTED:
            return f"{goods} not served: the {line.department} rejected it"
        case Outcome.PENDING:
            return f"{goods} pending: the {line.department} cannot be reached, it is still being tried"
        case Outcome.EXPIRED:
            return f"{goods} not served: the {line.department} did not answer in time"
        case Outcome.CANCELLED:
            return f"{goods} cancelled"
