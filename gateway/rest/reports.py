"""`/reports`: what was sold, and how well the quoted times came true."""

import csv
import io
from dataclasses import dataclass
from typing import Annotated, Literal

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, OpenAPIType, Operation, Schema
from litestar.params import QueryParameter

from gateway.domain.access import Action
from gateway.domain.days import Calendar
from gateway.domain.errors import FieldNotAllowed
from gateway.domain.sales import Sales, SalesBy
from gateway.orders.service import OrderService
from gateway.rest.operations import PROBLEM
from gateway.rest.ranges import From, To, moment
from gateway.rest.report_schemas import ReadyTimeReport, SalesFigure, SalesReport, ready_time_figure
from gateway.rest.requests import RequestReader

MOST_DAYS = 400
DAY_MS = 86_400_000

CSV = "text/csv"


@dataclass
class OperationWithCsv(Operation):
    """The description of an operation that returns JSON, or on request the same as CSV."""

    def __post_init__(self) -> None:
        """Add CSV to the successful response."""
        response = (self.responses or {}).get("200")
        if isinstance(response, OpenAPIResponse) and response.content is not None:
            response.content[CSV] = OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING))


@get(
    "/reports/sales",
    operation_id="reportSales",
    summary="Report the sales",
    tags=["reports"],
    operation_class=OperationWithCsv,
    responses={
        200: ResponseSpec(SalesReport, description="The figures; as text/csv on request.", generate_examples=False),
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
    layout: Annotated[
        Literal["json", "csv"], QueryParameter(name="format", description="How the report is written.")
    ] = "json",
) -> Response[SalesReport] | Response[str]:
    """Add up what was sold of the orders of a range of time, by default of today, in the restaurant's time zone.

    An order belongs to the moment when it was placed. What a client or the staff cancelled is not sold. A range may
    have at most 400 days.
    """
    from_ms, to_ms = _range(placed_from, placed_to, service.calendar, requests.now_ms())
    sales, left_out = await service.sales(from_ms, to_ms, by)
    report = SalesReport(
        by=by,
        time_zone=str(service.calendar.zone),
        figures=[_figure(each) for each in sales],
        totals=_totals(sales),
        left_out=left_out,
    )
    return Response(report) if layout == "json" else Response(_csv(report.figures), media_type=CSV)


@get(
    "/reports/ready-times",
    operation_id="reportReadyTimes",
    summary="Report how well the quoted times came true",
    tags=["reports"],
    responses={400: PROBLEM, 503: PROBLEM},
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
    from_ms, to_ms = _range(placed_from, placed_to, service.calendar, requests.now_ms())
    found, left_out = await service.ready_times(from_ms, to_ms)
    return ReadyTimeReport(departments=[ready_time_figure(each) for each in found], left_out=left_out)


def _range(placed_from: str | None, placed_to: str | None, calendar: Calendar, now_ms: int) -> tuple[int, int | None]:
    """Return a report's range of time, by default a day; raises FieldNotAllowed."""
    from_ms, to_ms = moment("from", placed_from), moment("to", placed_to)
    if from_ms is None:
        from_ms = calendar.start_ms(calendar.day_of(to_ms - 1 if to_ms is not None else now_ms))
    if (to_ms or now_ms) - from_ms > MOST_DAYS * DAY_MS:
        raise FieldNotAllowed("from", placed_from, f"expected a range of at most {MOST_DAYS} days")
    return from_ms, to_ms


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


def _csv(figures: list[SalesFigure]) -> str:
    """Write figures as CSV (RFC 4180), with a line of the fields' names."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(SalesFigure.__struct_fields__)
    writer.writerows([getattr(figure, name) for name in SalesFigure.__struct_fields__] for figure in figures)
    return text.getvalue()
