"""The REST contract of the reports."""

from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.domain.sales import SalesBy
from gateway.rest.schemas import CurrencyCode, Exponent, Price


class SalesFigure(msgspec.Struct, kw_only=True):
    """What was sold on a day, in an hour, of an item or by a department; null for what the report is not by."""

    day: Annotated[str, Meta(description="A date in the restaurant's time zone.")] | None
    hour: (
        Annotated[
            str,
            Meta(
                description="When the hour begins, with its offset: one hour of the year comes twice, one is missing."
            ),
        ]
        | None
    )
    department: str | None
    item: str | None
    quantity: int
    total: Price
    currency: CurrencyCode
    currency_exponent: Exponent


class SalesReport(msgspec.Struct, kw_only=True):
    """What was accepted, and not taken back since, of the orders that were placed in a range of time."""

    by: SalesBy
    time_zone: str
    figures: list[SalesFigure]
    totals: Annotated[list[SalesFigure], Meta(description="The sums, one for each currency.")]
