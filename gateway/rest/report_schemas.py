"""The REST contract of the reports."""

from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.domain.accuracy import Accuracy, Percentiles
from gateway.domain.order import Status
from gateway.domain.preparation import Preparation, PreparationBy
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


class PreparationFigure(msgspec.Struct, kw_only=True):
    """How long a department, or an item, took from start to ready, in seconds."""

    department: str
    item: Annotated[str, Meta(description="Null where the report is by department.")] | None
    shares: Annotated[int, Meta(description="How many shares of orders were started and finished.")]
    p50: Annotated[float, Meta(description="The median: half of them took no longer.")]
    p95: Annotated[float, Meta(description="19 of 20 took no longer.")]


class PreparationReport(msgspec.Struct, kw_only=True):
    """The preparation times of the orders that were placed in a range of time."""

    by: PreparationBy
    figures: list[PreparationFigure]
    left_out: LeftOut


class OrderCountReport(msgspec.Struct, kw_only=True):
    """How many orders were placed in a range of time, and how many of them have which status now."""

    orders: int
    accepted: int
    partly_accepted: int
    refused: int
    cancelled: int
    pending: int
    left_out: LeftOut


def order_count_report(counts: Mapping[Status, int], left_out: int) -> OrderCountReport:
    """Return numbers of orders as the body of a response."""
    by_status = {status.value: counts.get(status, 0) for status in Status}
    return OrderCountReport(orders=sum(counts.values()), left_out=left_out, **by_status)


def preparation_figure(found: Preparation) -> PreparationFigure:
    """Return a group's preparation times as a part of the body of a response."""
    return PreparationFigure(
        department=found.department,
        item=found.item,
        shares=found.shares,
        p50=round(found.p50, 1),
        p95=round(found.p95, 1),
    )


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
