"""Makes windows and runs as a benchmark would have measured them."""

from bench.results import Live, Results
from bench.windows import Process, Window


def window(system: str = "comanda-sqlite", *, number: int = 0, connections: int = 64, **given: object) -> Window:
    fields: dict[str, object] = {
        "system": system,
        "section": "comparison",
        "round": number,
        "connections": connections,
        "orders": 1000,
        "seconds": 2.0,
        "latencies": {50: 10.0, 99: 40.0, 100: 60.0},
        "errors": {},
        "processes": {"bar": Process(0.1, 4000, 50_000_000), "gateway": Process(0.3, 8000, 80_000_000)},
        "mean_batch": 12.5,
        "disturbance": 0.02,
    }
    fields |= {"steady_orders": given.get("orders", 1000), "steady_seconds": 2.0}
    return Window(**(fields | given))  # type: ignore[arg-type]


def results(*windows: Window, **given: object) -> Results:
    fields: dict[str, object] = {"form": "quick", "began": "2026-11-25T08:00:00+00:00", "machine": {"python": "3.11"}}
    return Results(**(fields | given), windows=list(windows))  # type: ignore[arg-type]


def live(*, number: int = 0, clients: int = 500, **given: object) -> Live:
    fields: dict[str, object] = {
        "round": number,
        "clients": clients,
        "seconds": 10.0,
        "steps": 50,
        "failed": 0,
        "missing": 0,
        "lost": 0,
        "latencies": {50: 8.0, 99: 20.0, 100: 30.0} if clients else {},
        "responses": {50: 5.0, 90: 6.0, 99: 7.0, 100: 9.0},
        "lateness": {50: 0.1, 99: 1.0},
        "gateway_cpu_seconds": 1.2,
        "clients_cpu_seconds": 0.4,
        "client_bytes": 12 * 1024 if clients else None,
    }
    return Live(**(fields | given))  # type: ignore[arg-type]
