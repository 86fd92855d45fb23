"""The REST contract of the reports."""

from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.domain.accuracy import Accuracy, Percentiles
from gateway.domain.sales import SalesBy
from gateway.rest.schemas import CurrencyCode, Exponent, Price

LeftOut = Annotated[
    int, Meta(description="Orders of the range that this version cannot read, and that are in no figure.")
]


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
    left_out: LeftOut


class Spread(msgspec.Struct, kw_only=True):
    """What half of the values, and nine tenths of them, do not exceed."""

    p50: float
    p90: float


class ReadyTimeFigure(msgspec.Struct, kw_only=True):
    """How well a department's quotes came true, in seconds."""

    department: str
    shares: Annotated[int, Meta(description="How many shares of orders the department has finished.")]
    quoted: Annotated[Spread, Meta(description="From placing to ready, as quoted when the order was placed.")]
    actual: Annotated[Spread, Meta(description="From placing to ready, as it came true.")]
    error: Annotated[Spread, Meta(description="How far the quote was from that, whether too early or too late.")]
    late_p50: Annotated[
        float, Meta(description="How late half of the shares were, at most; negative where most were early.")
    ]


class ReadyTimeReport(msgspec.Struct, kw_only=True):
    """The accuracy of the quotes, by department, of the orders that were placed in a range of time."""

    departments: list[ReadyTimeFigure]
    left_out: LeftOut


def ready_time_figure(found: Accuracy) -> ReadyTimeFigure:
    """Return a department's figures as a part of the body of a response."""
    return ReadyTimeFigure(
        department=found.department,
        shares=found.shares,
        quoted=_spread(found.quoted),
        actual=_spread(found.actual),
        error=_spread(found.error),
        late_p50=round(found.late_p50, 1),
    )


def _spread(percentiles: Percentiles) -> Spread:
    return Spread(p50=round(percentiles.p50, 1), p90=round(percentiles.p90, 1))
