"""The set menu's choices as the lines of an order, and the outcomes of those lines as the counter's texts."""

from gateway.domain.lines import Line, Outcome
from gateway.domain.order import Order
from gateway.rest.schemas import Dessert, Drink, Meal, SetMenuRequest, SetMenuResponse

DELIVERY = "Delivery!"

ITEMS: dict[str, str] = {
    choice.value: list(menu)[number % 4].value for menu in (Drink, Meal, Dessert) for number, choice in enumerate(menu)
}
"""The item id of each choice. Each enum lists its four choices in English, then the same four in Korean."""

COURSES = {"bar": "Drink", "kitchen": "Meal", "bakery": "Dessert"}
"""What the texts call the item of each department."""


def set_menu_lines(request: SetMenuRequest) -> list[Line]:
    """Return one line for each of the three departments."""
    return [
        Line("bar", ITEMS[request.drink]),
        Line("kitchen", ITEMS[request.meal]),
        Line("bakery", ITEMS[request.dessert]),
    ]


def set_menu_response(order: Order) -> SetMenuResponse:
    """Return the text for each line of a set menu's order."""
    drink, meal, dessert = (_text(line) for line in order.lines)
    return SetMenuResponse(order_id=order.order_id, drink=drink, meal=meal, dessert=dessert)


def _text(line: Line) -> str:
    course = COURSES[line.department]
    match line.outcome:
        case Outcome.ACCEPTED:
            return DELIVERY
        case Outcome.NOT_ON_MENU:
            return f"{course} not Found"
        case Outcome.OUT_OF_STOCK | Outcome.OFF_SALE:
            return f"{course} out of stock"
        case Outcome.PRICE_CHANGED:
            return f"{course} not served: its price has changed"
        case Outcome.REJECTED:
            return f"{course} not served: the {line.department} rejected it"
        case Outcome.PENDING:
            return f"{course} pending: the {line.department} cannot be reached, it is still being tried"
        case Outcome.EXPIRED:
            return f"{course} not served: the {line.department} did not answer in time"
        case Outcome.CANCELLED:
            return f"{course} cancelled"
