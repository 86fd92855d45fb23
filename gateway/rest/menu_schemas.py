"""The REST contract of the menu: its responses as msgspec structs, and how domain objects become them."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from gateway.domain.currencies import Currency
from gateway.domain.menu import MenuItem, MenuSnapshot
from gateway.rest.schemas import CurrencyCode, Exponent, Price


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


def menu_response(menus: list[MenuSnapshot], currency: Currency) -> MenuResponse:
    """Return the departments' menus, whose prices are in `currency`, as the body of a response."""
    return MenuResponse(
        departments=[
            DepartmentMenu(
                name=menu.name,
                titles=menu.titles,
                state="open" if menu.is_open else "unreachable",
                items=[_item(item) for item in menu.items],
            )
            for menu in menus
        ],
        currency=currency.code,
        currency_exponent=currency.exponent,
    )


def _item(item: MenuItem) -> MenuItemResponse:
    return MenuItemResponse(
        id=item.id,
        titles=item.titles,
        price=item.price,
        available=item.available,
        on_sale=item.on_sale,
        category=item.category or None,
        prep_seconds=item.prep_seconds or None,
    )
