"""The part of the page of figures that is about live tickets."""

from bench.figures import cpu_per_order, latency, rate, ratio, spread
from bench.results import Live, Results
from bench.tables import NOTHING, number, table, with_spread
from bench.targets import COMANDA, FOLLOWING, KIBIBYTE, LIVE_ORDERS, core_share
from bench.targets import live as of_clients
from bench.windows import Window


def queries(results: Results) -> str:
    """Write how long the queries of tickets take."""
    sizes = sorted({one.stored for one in results.queries})
    if not sizes:
        return ""
    rows = []
    for name in dict.fromkeys(one.name for one in results.queries):
        seen = {one.stored: one.latencies for one in results.queries if one.name == name}
        rows.append([name, *(f"{number(seen[size][50])}, {number(seen[size][99])}" for size in sizes)])
    note = (
        "A department's queries, p50 and p99 in ms, inside their transaction and without its commit. “Open"
        " tickets” reads 100 that are open and the last 50 that were closed; the others are stored beside these."
    )
    return "\n\n".join(["## Queries of tickets", note, table(["tickets stored", *(f"{n:,}" for n in sizes)], rows)])


def live(results: Results) -> str:
    """Write how changes reach clients of `/events`, and what these cost."""
    parts = [text for text in (_clients(results), _beside_orders(results), _orders(results)) if text]
    return "\n\n".join(["## Live tickets", *parts]) if parts else ""


def _clients(results: Results) -> str:
    rows = []
    for clients in sorted({one.clients for one in results.live if one.clients}):
        seen = of_clients(results, clients)
        reached = [one for one in seen if one.latencies]
        figures = [spread(one.latencies[p] for one in reached) for p in (50, 99, 100)]
        memory = spread(one.client_bytes / KIBIBYTE for one in seen if one.client_bytes is not None)
        others = spread(100 * one.clients_cpu_seconds / one.seconds for one in seen)
        core = spread(100 * core_share(one) for one in seen)
        missing = sum(one.missing + one.lost for one in seen)
        rows.append([f"{clients:,}", *map(with_spread, (*figures, core, others, memory)), str(missing), _failed(seen)])
    if not rows:
        return ""
    note = (
        "Steps with tickets over REST, 5 a second, each followed by all clients: from the moment a step was due until a"
        " client had its event. “Missed”: events that did not reach a client, and clients that the gateway left."
    )
    head = ["clients", "p50, ms", "p99, ms", "slowest, ms", "gateway, % of a core", "clients, % of a core"]
    return f"{note}\n\n{table([*head, 'KiB a client', 'missed', 'steps failed'], rows)}"


def _beside_orders(results: Results) -> str:
    seen = [one for one in results.live if one.orders_rate]
    if not seen:
        return ""
    answered = [one for one in seen if one.responses]
    figures = [spread(one.responses[p] for one in answered) for p in (50, 90, 99)]
    late = spread(one.lateness[99] for one in answered)
    lost = sum(one.orders_asked - one.orders for one in seen)
    row = [f"{seen[0].orders_rate:,.0f}", *map(with_spread, (*figures, late)), _failed(seen), str(lost)]
    head = ["orders/s beside", "step p50, ms", "p90, ms", "p99, ms", "sent late p99, ms", "steps failed", "not 201"]
    return f"Steps beside orders at a fixed rate, from due to the response.\n\n{table(head, [row])}"


def _orders(results: Results) -> str:
    alone = results.of(LIVE_ORDERS, COMANDA, 64, clients=0)
    rows = [
        _order_row(clients, results.of(LIVE_ORDERS, COMANDA, 64, clients=clients), alone) for clients in (0, FOLLOWING)
    ]
    if not alone:
        return ""
    head = ["clients follow", "orders/s", "against none", "p50, ms", "p99, ms", "CPU µs/order", "clients' CPU µs/order"]
    note = "Orders at 64 connections, at a new system that clients follow and, in turn, at one that nobody does."
    return f"{note}\n\n{table(head, rows)}"


def _order_row(clients: int, seen: list[Window], alone: list[Window]) -> list[str]:
    figures = [spread(map(metric, seen)) for metric in (latency(50), latency(99), cpu_per_order, _clients_cpu)]
    return [str(clients), *map(with_spread, (spread(map(rate, seen)), ratio(seen, alone, rate), *figures))]


def _clients_cpu(window: Window) -> float:
    return window.parameters.get("clients_cpu_seconds", 0.0) / window.orders * 1e6


def _failed(seen: list[Live]) -> str:
    return str(sum(one.failed for one in seen)) if seen else NOTHING
