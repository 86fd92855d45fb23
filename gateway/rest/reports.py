"""`/reports`: what was sold, and how well the quoted times came true."""

from typing import Annotated, Literal

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import QueryParameter

from gateway.domain.access import Action
from gateway.domain.preparation import PreparationBy, preparation_times
from gateway.domain.sales import Sales, SalesBy
from gateway.orders.service import OrderService
from gateway.rest.csv_text import csv_of
from gateway.rest.operations import CSV, PROBLEM, OperationWithCsv
from gateway.rest.ranges import From, To, report_range
from gateway.rest.report_schemas import (
    OrderCountReport,
    PreparationFigure,
    PreparationReport,
    ReadyTimeReport,
    SalesFigure,
    SalesReport,
    order_count_report,
    preparation_figure,
    ready_time_figure,
)
from gateway.rest.requests import RequestReader


def _sold(hour: str | None, quantity: int, total: int) -> SalesFigure:
    """Return a figure of an example."""
    return SalesFigure(
        day=None,
        hour=hour,
        department=None,
        item=None,
        quantity=quantity,
        total=total,
        currency="EUR",
        currency_exponent=2,
    )


Layout = Annotated[Literal["json", "csv"], QueryParameter(name="format", description="How the report is written.")]

SALES_EXAMPLE = Example(
    summary="The hour that comes twice when the clocks are set back",
    value=SalesReport(
        by=SalesBy.HOUR,
        time_zone="Europe/Berlin",
        figures=[
            _sold(hour="2026-10-25T02:00+02:00", quantity=3, total=1050),
            _sold(hour="2026-10-25T02:00+01:00", quantity=1, total=350),
        ],
        totals=[_sold(hour=None, quantity=4, total=1400)],
        left_out=0,
    ),
)
READY_TIMES_EXAMPLE = Example(
    summary="A bar that is a little late",
    value={
        "departments": [
            {
                "department": "bar",
                "shares": 40,
                "quoted": {"p50": 120.0, "p90": 240.0},
                "actual": {"p50": 131.5, "p90": 300.2},
                "error": {"p50": 20.4, "p90": 75.0},
                "late_p50": 11.5,
            }
        ],
        "left_out": 0,
    },
)
PREPARATION_EXAMPLE = Example(
    summary="The kitchen",
    value={
        "by": "item",
        "figures": [{"department": "kitchen", "item": "pizza", "shares": 42, "p50": 540.0, "p95": 871.5}],
        "left_out": 0,
    },
)
COUNT_EXAMPLE = Example(
    summary="An evening",
    value={
        "orders": 130,
        "accepted": 118,
        "partly_accepted": 6,
        "refused": 1,
        "cancelled": 5,
        "pending": 0,
        "left_out": 0,
    },
)


@get(
    "/reports/sales",
    operation_id="reportSales",
    summary="Report the sales",
    tags=["reports"],
    operation_class=OperationWithCsv,
    responses={
        200: ResponseSpec(
            SalesReport,
            description="The figures; as text/csv on request.",
            generate_examples=False,
            examples=[SALES_EXAMPLE],
        ),
        400: PROBLEM,
        503: PROBLEM,
    },
    action=Action.REPORT_READ,
)
async def report_sales(
    service: NamedDependency[OrderService],
    requests: NamedDependency[RequestReader],
    placed_from: From = None,
    placed_to: To = None,
    by: Annotated[SalesBy, QueryParameter(description="What the sales are added up by.")] = SalesBy.DAY,
    layout: Layout = "json",
) -> Response[SalesReport] | Response[str]:
    """Add up what was sold of the orders of a range of time, by default of today, in the restaurant's time zone.

    An order belongs to the moment when it was placed. What a client or the staff cancelled is not sold. A range may
    have at most 400 days.
    """
    from_ms, to_ms = report_range(placed_from, placed_to, service.calendar, requests.now_ms())
    sales, left_out = await service.sales(from_ms, to_ms, by)
    report = SalesReport(
        by=by,
        time_zone=str(service.calendar.zone),
        figures=[_figure(each) for each in sales],
        totals=_totals(sales),
        left_out=left_out,
    )
    return Response(report) if layout == "json" else Response(csv_of(SalesFigure, report.figures), media_type=CSV)


@get(
    "/reports/ready-times",
    operation_id="reportReadyTimes",
    summary="Report how well the quoted times came true",
    tags=["reports"],
    responses={
        200: ResponseSpec(
            ReadyTimeReport, description="The figures.", generate_examples=False, examples=[READY_TIMES_EXAMPLE]
        ),
        400: PROBLEM,
        503: PROBLEM,
    },
    action=Action.REPORT_READ,
)
async def report_ready_times(
    service: NamedDependency[OrderService],
    requests: NamedDependency[RequestReader],
    placed_from: From = None,
    placed_to: To = None,
) -> ReadyTimeReport:
    """Compare, by department, when shares of orders became ready with what was quoted when they were placed.

    Orders of a range of time count, by default of today, in the restaurant's time zone; of them the shares that the
    staff have finished. A range may have at most 400 days.
    """
    from_ms, to_ms = report_range(placed_from, placed_to, service.calendar, requests.now_ms())
    found, left_out = await service.ready_times(from_ms, to_ms)
    return ReadyTimeReport(departments=[ready_time_figure(each) for each in found], left_out=left_out)


@get(
    "/reports/preparation-times",
    operation_id="reportPreparationTimes",
    summary="Report how long departments took to prepare",
    tags=["reports"],
    operation_class=OperationWithCsv,
    responses={
        200: ResponseSpec(
            PreparationReport,
            description="The figures; as text/csv on request.",
            generate_examples=False,
            examples=[PREPARATION_EXAMPLE],
        ),
        400: PROBLEM,
        503: PROBLEM,
    },
    action=Action.REPORT_READ,
)
async def report_preparation_times(
    service: NamedDependency[OrderService],
    requests: NamedDependency[RequestReader],
    placed_from: From = None,
    placed_to: To = None,
    by: Annotated[
        PreparationBy, QueryParameter(description="What the times are grouped by.")
    ] = PreparationBy.DEPARTMENT,
    layout: Layout = "json",
) -> Response[PreparationReport] | Response[str]:
    """Return the median and the 95th percentile of the seconds from start to ready, by department or by item.

    The shares of orders count that were placed in a range of time, by default today, and that the staff have started
    and finished. By item, a share counts for each of its items: the staff finish a share as a whole. A range may have
    at most 400 days.
    """
    from_ms, to_ms = report_range(placed_from, placed_to, service.calendar, requests.now_ms())
    prepared, left_out = await service.reports.prepared(from_ms, to_ms)
    figures = [preparation_figure(each) for each in preparation_times(prepared, by)]
    report = PreparationReport(by=by, figures=figures, left_out=left_out)
    return Response(report) if layout == "json" else Response(csv_of(PreparationFigure, report.figures), media_type=CSV)


@get(
    "/reports/orders",
    operation_id="reportOrders",
    summary="Count the orders",
    tags=["reports"],
    responses={
        200: ResponseSpec(
            OrderCountReport, description="The figures.", generate_examples=False, examples=[COUNT_EXAMPLE]
        ),
        400: PROBLEM,
        503: PROBLEM,
    },
    action=Action.REPORT_READ,
)
async def report_orders(
    service: NamedDependency[OrderService],
    requests: NamedDependency[RequestReader],
    placed_from: From = None,
    placed_to: To = None,
) -> OrderCountReport:
    """Count the orders of a range of time, by default of today, and how many of them have which status.

    A range may have at most 400 days.
    """
    from_ms, to_ms = report_range(placed_from, placed_to, service.calendar, requests.now_ms())
    return order_count_report(*await service.reports.counts(from_ms, to_ms))


def _figure(sales: Sales) -> SalesFigure:
    day, hour, department, item, currency = sales.key
    return SalesFigure(
        day=day,
        hour=hour,
        department=department,
        item=item,
        quantity=sales.quantity,
        total=sales.total,
        currency=currency.code,
        currency_exponent=currency.exponent,
    )


def _totals(sales: list[Sales]) -> list[SalesFigure]:
    """Add up all figures, by currency."""
    totals: dict[str, SalesFigure] = {}
    for each in sales:
        figure = _figure(each)
        total = totals.get(figure.currency)
        if total is None:
            figure.day = figure.hour = figure.department = figure.item = None
            totals[figure.currency] = figure
        else:
            total.quantity += figure.quantity
            total.total += figure.total
    return [totals[code] for code in sorted(totals)]
