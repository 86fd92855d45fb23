"""The figures as pictures."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from bench.figures import Metric, Spread, latency, rate, spread
from bench.plan import ABOUT
from bench.results import Results
from bench.targets import COMANDA, COMPARISON, MEGABYTE, core_share, live

SIZE = (7.5, 4.5)
mpl.rcParams["svg.hashsalt"] = "comanda"  # the same figures make the same file


def write_plots(results: Results, folder: Path) -> None:
    """Write a picture of each kind of which something was measured."""
    for name, figure in _figures(results):
        figure.savefig(folder / f"{name}.svg", bbox_inches="tight", metadata={"Date": None})


def _figures(results: Results) -> Iterator[tuple[str, Figure]]:
    if any(window.section == COMPARISON for window in results.windows):
        yield "throughput", _against_connections(results, rate, "orders per second")
        yield "p99", _against_connections(results, latency(99), "99th percentile of latency, ms")
        yield "latency", _distribution(results)
    if any(window.section in _GROWTH for window in results.windows):
        yield "growth", _growth(results)
    if results.endurance:
        yield "memory", _endurance(results)
    if any(one.clients for one in results.live):
        yield "live", _live(results)
    if results.queries:
        yield "queries", _queries(results)


def _against_connections(results: Results, metric: Metric, text: str) -> Figure:
    figure, axes = _axes("connections", text)
    for system in ABOUT:
        points = {c: spread(map(metric, results.of(COMPARISON, system, c))) for c in _connections(results)}
        _line(axes, {c: seen for c, seen in points.items() if seen}, system)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xticks(_connections(results), [str(c) for c in _connections(results)])
    _name_lines(axes)
    return figure


def _distribution(results: Results) -> Figure:
    figure, axes = _axes("per cent of orders, at 64 connections", "answered within, ms")
    for system in ABOUT:
        windows = results.of(COMPARISON, system, 64)
        if windows:
            shares = [p for p in windows[0].latencies if p < 100]
            seen = [spread(map(latency(p), windows)) for p in shares]
            axes.plot(shares, [one.median for one in seen if one], marker=".", label=system)
    axes.set_yscale("log")
    _name_lines(axes)
    return figure


_GROWTH = {
    "stored": ("orders stored", COMANDA),
    "departments": ("departments", COMANDA),
    "lines": ("lines an order", COMANDA),
    "gateways": ("gateways on PostgreSQL", "comanda-postgresql"),
}


def _growth(results: Results) -> Figure:
    seen = [name for name in _GROWTH if any(window.section == name for window in results.windows)]
    figure = Figure(figsize=(3.2 * len(seen), 3.4), layout="constrained")
    for place, name in enumerate(seen, start=1):
        axes = figure.add_subplot(1, len(seen), place)
        text, system = _GROWTH[name]
        sizes = sorted({window.parameters["size"] for window in results.windows if window.section == name})
        bars = [spread(map(rate, results.of(name, system, 64, size=size))) for size in sizes]
        seen_bars = [bar for bar in bars if bar]
        away = [[bar.median - bar.least for bar in seen_bars], [bar.most - bar.median for bar in seen_bars]]
        axes.bar([f"{size:,.0f}" for size in sizes], [bar.median for bar in seen_bars], yerr=away, capsize=3)
        axes.set_xlabel(text)
        axes.set_ylabel("orders per second, 64 connections" if place == 1 else "")
    return figure


def _endurance(results: Results) -> Figure:
    figure, axes = _axes("orders placed, at 256 connections", "memory, MB")
    orders = [sample.orders for sample in results.endurance]
    for name in results.endurance[0].resident:
        axes.plot(orders, [sample.resident[name] / MEGABYTE for sample in results.endurance], label=name)
    axes.set_ylim(bottom=0)
    _name_lines(axes)
    return figure


def _live(results: Results) -> Figure:
    """Draw when changes reach the clients, and what of a core the gateway takes for it, by the number of clients."""
    counts = sorted({one.clients for one in results.live if one.clients})
    figure = Figure(figsize=SIZE, layout="constrained")
    reached, core = figure.subplots(1, 2)
    for percentile in (50, 99):
        seen = {c: spread(one.latencies[percentile] for one in live(results, c) if one.latencies) for c in counts}
        _line(reached, {c: one for c, one in seen.items() if one}, f"p{percentile}")
    reached.set_ylabel("from a change to its clients, ms")
    reached.legend(fontsize="small")
    shares = {c: spread(100 * core_share(one) for one in live(results, c)) for c in counts}
    _line(core, {c: one for c, one in shares.items() if one}, "")
    core.set_ylabel("the gateway's CPU, % of one core")
    for axes in (reached, core):
        axes.set_xlabel("clients that follow, 5 changes/s")
        axes.set_ylim(bottom=0)
        axes.grid(visible=True, alpha=0.3)
    return figure


def _queries(results: Results) -> Figure:
    """Draw each query's time, by how many tickets are stored."""
    sizes = sorted({one.stored for one in results.queries})
    names = list(dict.fromkeys(one.name for one in results.queries))
    figure, axes = _axes("tickets stored beside 100 that are open", "p50 in the transaction, ms")
    width = 0.8 / len(names)
    for place, name in enumerate(names):
        seen = {one.stored: one.latencies[50] for one in results.queries if one.name == name}
        axes.bar([n + place * width for n in range(len(sizes))], [seen[size] for size in sizes], width, label=name)
    axes.set_xticks([n + 0.4 - width / 2 for n in range(len(sizes))], [f"{size:,}" for size in sizes])
    _name_lines(axes)
    return figure


def _axes(across: str, up: str) -> tuple[Figure, Any]:
    figure = Figure(figsize=SIZE, layout="constrained")
    axes = figure.add_subplot()
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.grid(visible=True, alpha=0.3)
    return figure, axes


def _name_lines(axes: Any) -> None:
    """Put the legend above the plot, off its lines."""
    axes.legend(fontsize="small", loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3)


def _line(axes: Any, points: dict[int, Spread], label: str) -> None:
    """Draw medians, with a bar from the least to the most."""
    if points:
        below = [seen.median - seen.least for seen in points.values()]
        above = [seen.most - seen.median for seen in points.values()]
        middle = [seen.median for seen in points.values()]
        axes.errorbar(list(points), middle, yerr=[below, above], marker=".", capsize=3, label=label)


def _connections(results: Results) -> list[int]:
    return sorted({window.connections for window in results.windows if window.section == COMPARISON})
