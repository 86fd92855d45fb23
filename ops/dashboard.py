"""The Grafana dashboard: `python -m ops.dashboard deploy/observability/grafana/comanda.json` writes it.

It needs grafana-foundation-sdk, which is installed for development only.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from string import ascii_uppercase
from typing import NamedTuple

from grafana_foundation_sdk.builders import common, dashboard, prometheus, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import LegendDisplayMode, LegendPlacement
from grafana_foundation_sdk.models.dashboard import DashboardCursorSync, DataSourceRef, VariableRefresh

FILE = Path(__file__).parents[1] / "deploy" / "observability" / "grafana" / "comanda.json"

SOURCE = DataSourceRef(type_val="prometheus", uid="prometheus")

OURS = 'restaurant=~"$restaurant"'
RATE = "[$__rate_interval]"
WIDTH, HEIGHT = 8, 7
"""A panel's size in Grafana's grid of 24 columns."""


class Curve(NamedTuple):
    """One expression, and how its series are named."""

    expr: str
    legend: str


class Panel(NamedTuple):
    """One graph; `unit` is Grafana's name of it."""

    title: str
    unit: str
    text: str
    curves: Sequence[Curve]


def _rate(metric: str, by: str, legend: str, more: str = "") -> Curve:
    return Curve(f"sum by ({by}) (rate(comanda_{metric}{{{OURS}{more}}}{RATE}))", legend)


def _quantiles(metric: str, by: str, legend: str, more: str = "") -> list[Curve]:
    """Return the median and the 99th percentile of a histogram."""
    grouped = f"le, {by}" if by else "le"
    buckets = f"sum by ({grouped}) (rate(comanda_{metric}_bucket{{{OURS}{more}}}{RATE}))"
    return [
        Curve(f"histogram_quantile(0.5, {buckets})", f"p50 {legend}".strip()),
        Curve(f"histogram_quantile(0.99, {buckets})", f"p99 {legend}".strip()),
    ]


def _gauge(metric: str, legend: str, by: str = "", *, function: str = "max") -> Curve:
    series = f"comanda_{metric}{{{OURS}}}"
    return Curve(f"{function} by ({by}) ({series})" if by else series, legend)


ROWS: dict[str, list[Panel]] = {
    "Orders": [
        Panel(
            "Orders",
            "ops",
            "By their outcome at the first response.",
            [_rate("orders_total", "outcome", "{{outcome}}")],
        ),
        Panel(
            "Decided late",
            "percentunit",
            "The share that was not decided within 1 s; the objective is below 1 %.",
            [
                Curve('comanda:orders_late:ratio_rate5m{restaurant=~"$restaurant"}', "5 minutes"),
                Curve('comanda:orders_late:ratio_rate1h{restaurant=~"$restaurant"}', "1 hour"),
            ],
        ),
        Panel("Until an order is decided", "s", "At the gateway.", _quantiles("order_seconds", "", "")),
        Panel(
            "Errors in place of an outcome",
            "ops",
            "Their clients may send the order again.",
            [_rate("orders_failed_total", "reason", "{{reason}}")],
        ),
        Panel("Lines refused", "ops", "By reason.", [_rate("lines_refused_total", "reason", "{{reason}}")]),
        Panel(
            "Orders in memory",
            "short",
            "Those that wait for a response, and those that owe something or are not written yet.",
            [_gauge("orders_waiting", "waiting {{instance}}"), _gauge("orders_in_flight", "in flight {{instance}}")],
        ),
    ],
    "Promises": [
        Panel(
            "Orders owed",
            "short",
            "What a department has not acknowledged.",
            [_gauge("orders_owed", "{{department}}", "department", function="sum")],
        ),
        Panel(
            "Age of the oldest",
            "s",
            "An alert at 60 s.",
            [_gauge("orders_owed_oldest_seconds", "{{department}}", "department")],
        ),
        Panel(
            "Departments reachable",
            "short",
            "0 while a gateway's breaker is open.",
            [_gauge("department_reachable", "{{department}}", "department", function="min")],
        ),
        Panel(
            "Waiting",
            "short",
            "Until a department can be reached, or for their next turn.",
            [
                _gauge("orders_in_backlog", "backlog {{department}}", "department", function="sum"),
                _gauge("orders_postponed", "postponed {{department}}", "department", function="sum"),
            ],
        ),
        Panel(
            "Watches",
            "s",
            "How long ago the last page came: 5 s are normal.",
            [
                _gauge("watch_age_seconds", "orders, {{department}}", "department"),
                _gauge("event_watch_age_seconds", "events, {{department}}", "department"),
            ],
        ),
        Panel(
            "Revisions behind",
            "short",
            "Of a department's slowest watcher.",
            [_gauge("watch_lag_revisions", "{{program}}", "program")],
        ),
        Panel(
            "Leases",
            "s",
            "On PostgreSQL: how long ago each gateway renewed its lease, of 6 s.",
            [
                _gauge("lease_age_seconds", "{{instance}}"),
                Curve(f"increase(comanda_leases_lost_total{{{OURS}}}[1h])", "lost {{instance}}"),
            ],
        ),
        Panel(
            "Left undone",
            "short",
            "Both are 0 as a rule.",
            [
                _gauge("orders_unreadable", "unreadable orders {{instance}}"),
                _gauge("withdrawals_unsettled", "unsettled withdrawals {{instance}}"),
            ],
        ),
    ],
    "Requests": [
        Panel(
            "Requests",
            "reqps",
            "By route and code.",
            [_rate("http_request_seconds_count", "method, route, code", "{{method}} {{route}} {{code}}")],
        ),
        Panel(
            "Duration",
            "s",
            "By route.",
            _quantiles("http_request_seconds", "method, route", "{{method}} {{route}}"),
        ),
        Panel(
            "Refused",
            "reqps",
            "By the error, and before any route.",
            [
                _rate("http_refusals_total", "reason", "{{reason}}"),
                _rate("http_malformed_total", "code", "malformed, {{code}}"),
            ],
        ),
        Panel(
            "Connections and event streams",
            "short",
            "And how many may be open.",
            [
                _gauge("http_connections", "connections {{instance}}"),
                _gauge("http_connections_limit", "limit", "restaurant"),
                _gauge("event_streams", "streams {{instance}}"),
                _gauge("event_streams_limit", "limit of streams", "restaurant"),
            ],
        ),
        Panel(
            "Calls at departments",
            "s",
            "Unary calls; orders come on a stream.",
            _quantiles("grpc_call_seconds", "program, method", "{{program}} {{method}}"),
        ),
        Panel(
            "Calls by status",
            "reqps",
            "At departments.",
            [
                _rate("grpc_call_seconds_count", "program, code", "{{program}} {{code}}"),
                _gauge("grpc_streams", "streams {{program}}", "program", function="sum"),
            ],
        ),
    ],
    "Batches and transactions": [
        Panel(
            "Items in a batch",
            "short",
            "The mean, by queue.",
            [
                Curve(
                    f"sum by (program, queue, department) (rate(comanda_batch_items_sum{{{OURS}}}{RATE}))"
                    f" / sum by (program, queue, department) (rate(comanda_batch_items_count{{{OURS}}}{RATE}))",
                    "{{program}} {{queue}} {{department}}",
                )
            ],
        ),
        Panel(
            "Wait for a batch",
            "s",
            "Of the first item of each batch.",
            _quantiles("batch_wait_seconds", "program, queue, department", "{{program}} {{queue}} {{department}}"),
        ),
        Panel(
            "Duration of a batch",
            "s",
            "A call with its retry, or a transaction with its wait for the thread.",
            _quantiles("batch_seconds", "program, queue, department", "{{program}} {{queue}} {{department}}"),
        ),
        Panel(
            "Waiting",
            "short",
            "Items that wait for a batch, transactions that wait for their thread.",
            [
                _gauge("batch_waiting", "{{program}} {{queue}} {{department}}", "program, queue, department"),
                _gauge("transactions_waiting", "{{program}} {{session}}", "program, session"),
            ],
        ),
        Panel(
            "Transactions",
            "s",
            "From BEGIN to COMMIT.",
            _quantiles("transaction_seconds", "program, session", "{{program}} {{session}}"),
        ),
        Panel(
            "Transactions that failed",
            "ops",
            "0 as a rule.",
            [_rate("transactions_failed_total", "program, session", "{{program}} {{session}}")],
        ),
    ],
    "Departments": [
        Panel(
            "Open tickets",
            "short",
            "By state.",
            [_gauge("tickets", "{{program}} {{state}}", "program, state")],
        ),
        Panel(
            "Oldest open ticket",
            "s",
            "Since it was placed.",
            [_gauge("tickets_oldest_seconds", "{{program}} {{state}}", "program, state")],
        ),
        Panel(
            "Stock",
            "short",
            "The ten items of which least is left.",
            [
                Curve(f"bottomk(10, max by (program, item) (comanda_stock_on_hand{{{OURS}}}))", "{{program}} {{item}}"),
                _gauge("stock_items", "items of {{program}}", "program"),
            ],
        ),
        Panel(
            "Changes",
            "ops",
            "Revisions a second, and who watches.",
            [
                Curve(f"max by (program) (rate(comanda_revision{{{OURS}}}{RATE}))", "{{program}}"),
                _gauge("watchers", "watchers of {{program}}", "program"),
            ],
        ),
    ],
    "Programs": [
        Panel(
            "Processor",
            "percentunit",
            "1 is all that one program can use.",
            [Curve(f'rate(process_cpu_seconds_total{{job="comanda"}}{RATE})', "{{instance}}")],
        ),
        Panel("Memory", "bytes", "Resident.", [Curve('process_resident_memory_bytes{job="comanda"}', "{{instance}}")]),
        Panel("Open files", "short", "With sockets.", [Curve('process_open_fds{job="comanda"}', "{{instance}}")]),
        Panel("Event loop", "s", "One iteration, at the scrape.", [_gauge("event_loop_seconds", "{{instance}}")]),
        Panel(
            "Disk",
            "percentunit",
            "Free, of the disk that has the SQLite file. Alerts at 15 and 5 %.",
            [
                Curve(
                    f"comanda_disk_free_bytes{{{OURS}}} / comanda_disk_size_bytes{{{OURS}}}", "{{program}} {{instance}}"
                )
            ],
        ),
        Panel("Database", "bytes", "The SQLite files.", [_gauge("database_bytes", "{{program}}", "program")]),
        Panel(
            "Certificates",
            "s",
            "Until they expire; an alert at 14 days.",
            [Curve(f"comanda_certificate_expiry_timestamp_seconds{{{OURS}}} - time()", "{{program}} {{instance}}")],
        ),
        Panel(
            "Programs",
            "short",
            "1 where Prometheus reaches them, and their versions.",
            [
                Curve('up{job="comanda"}', "{{instance}}"),
                _gauge("build_info", "{{program}} {{version}}", "program, version", function="sum"),
            ],
        ),
    ],
}


def dashboard_json() -> str:
    """Return the dashboard as Grafana imports it."""
    board = (
        dashboard.Dashboard("Comanda")
        .uid("comanda")
        .tags(["comanda"])
        .description("Written by `python -m ops.dashboard`; docs/observability.md says what the metrics are.")
        .refresh("30s")
        .time("now-1h", "now")
        .timezone("browser")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .with_variable(
            dashboard.QueryVariable("restaurant")
            .datasource(SOURCE)
            .query("label_values(comanda_build_info, restaurant)")
            .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
            .include_all(True)
            .multi(True)
        )
    )
    for title, panels in ROWS.items():
        board = board.with_row(dashboard.Row(title))
        for panel in panels:
            board = board.with_panel(_graph(panel))
    return JSONEncoder(sort_keys=True, indent=2).encode(board.build()) + "\n"


def expressions() -> list[str]:
    """Return every expression of the dashboard, with its variables."""
    return [curve.expr for panels in ROWS.values() for panel in panels for curve in panel.curves]


def _graph(panel: Panel) -> timeseries.Panel:
    graph = timeseries.Panel().title(panel.title).description(panel.text).unit(panel.unit).datasource(SOURCE)
    graph = graph.span(WIDTH).height(HEIGHT).min(0).fill_opacity(10).legend(_legend())
    for name, curve in zip(ascii_uppercase, panel.curves, strict=False):
        graph = graph.with_target(prometheus.Dataquery().ref_id(name).expr(curve.expr).legend_format(curve.legend))
    return graph


def _legend() -> common.VizLegendOptions:
    return (
        common.VizLegendOptions()
        .display_mode(LegendDisplayMode.LIST)
        .placement(LegendPlacement.BOTTOM)
        .show_legend(True)
    )


if __name__ == "__main__":
    Path(sys.argv[1] if len(sys.argv) > 1 else FILE).write_text(dashboard_json())
