from bench.live_pages import live as live_text
from bench.live_pages import queries
from bench.pages import page
from bench.results import Query
from bench.windows import Window
from tests.bench.factories import live, results, window


def with_orders(clients: int, count: int) -> Window:
    parameters = {"clients": clients, "clients_cpu_seconds": 0.009}
    return window(section="live-orders", orders=count, parameters=parameters)


def test_nothing_is_written_of_what_was_not_measured() -> None:
    assert live_text(results(window())) == queries(results(window())) == ""


def test_clients_stand_with_what_they_got_and_what_they_cost() -> None:
    seen = results(live=[live(number=0, missing=2), live(number=1, lost=1, failed=3), live(clients=1000)])
    text = live_text(seen)
    assert "| 500 | 8.00 | 20.0 | 30.0 | 12.0 | 4.00 | 12.0 | 3 | 3 |" in text
    assert "| 1,000 | 8.00 | 20.0 | 30.0 | 12.0 | 4.00 | 12.0 | 0 | 0 |" in text
    assert "orders/s beside" not in text


def test_steps_beside_orders_are_no_clients() -> None:
    beside = live(clients=0, orders_rate=1000.0, orders_asked=7000, orders=6998)
    text = live_text(results(live=[beside]))
    assert "| 1,000 | 5.00 | 6.00 | 7.00 | 1.00 | 0 | 2 |" in text
    assert "KiB a client" not in text


def test_orders_are_compared_with_those_that_nobody_follows() -> None:
    text = page(results(with_orders(50, 900), with_orders(0, 1000)))
    assert "| 50 | 450 | 0.90 | 10.0 | 40.0 | 444 | 10.0 |" in text
    assert "| 0 | 500 | 1.00 | 10.0 | 40.0 |" in text


def test_queries_stand_by_how_many_tickets_are_stored() -> None:
    seen = [Query("one ticket", stored, {50: 0.1, 99: stored / 1_000_000}) for stored in (0, 1_000_000)]
    text = queries(results(queries=seen))
    assert "| tickets stored | 0 | 1,000,000 |" in text
    assert "| one ticket | 0.10, 0.00 | 0.10, 1.00 |" in text
