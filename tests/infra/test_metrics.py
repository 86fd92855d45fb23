import pytest

from infra.metrics import Histogram, Metrics, by_label, one
from tests.support.metrics import samples, samples_of


def test_an_observation_is_counted_in_the_first_bucket_that_it_fits_in() -> None:
    histogram = Histogram((0.1, 1.0))
    for value in (0.05, 0.1, 0.5, 7.0):
        histogram.observe(value)
    bounds, counts, total = histogram.buckets()
    assert (bounds, counts) == ((0.1, 1.0), [2, 1, 1])
    assert total == pytest.approx(7.65)


async def test_a_histogram_is_shown_with_all_its_buckets() -> None:
    histogram = Histogram((0.1, 1.0))
    for value in (0.05, 0.5, 7.0):
        histogram.observe(value)
    shown = await samples(lambda: [by_label("call_seconds", "histogram", "Calls.", "to", {"bar": histogram.buckets()})])
    assert {name: value for name, value in shown.items() if name.startswith("call")} == {
        "call_seconds_bucket{le=0.1,to=bar}": 1,
        "call_seconds_bucket{le=1.0,to=bar}": 2,
        "call_seconds_bucket{le=+Inf,to=bar}": 3,
        "call_seconds_count{to=bar}": 3,
        "call_seconds_sum{to=bar}": pytest.approx(7.55),
    }


async def test_what_several_sources_have_is_one_family() -> None:
    metrics = Metrics({"program": "bar"})
    metrics.add(lambda: [by_label("left", "gauge", "What is left.", "item", {"coffee": 3})])
    metrics.add(lambda: [by_label("left", "gauge", "What is left.", "item", {"soda": 3})])
    text = (await metrics.scrape())[0].decode()
    metrics.close()
    assert text.count("# TYPE comanda_left gauge") == 1
    shown = samples_of(text)
    assert shown["left{item=coffee,program=bar}"] == shown["left{item=soda,program=bar}"] == 3


async def test_the_figures_of_the_process_are_among_them() -> None:
    shown = await samples()
    assert shown["process_resident_memory_bytes"] > 1_000_000
    assert shown["process_cpu_seconds_total"] > 0
    assert shown["process_open_fds"] > 2


@pytest.mark.parametrize(
    ("accept", "kind"),
    [("", "text/plain"), ("application/openmetrics-text; version=1.0.0", "application/openmetrics-text")],
)
async def test_a_scraper_gets_the_format_that_it_asks_for(accept: str, kind: str) -> None:
    metrics = Metrics({})
    metrics.add(lambda: [one("orders_total", "counter", "Orders.", 3)])
    text, content_type = await metrics.scrape(accept)
    metrics.close()
    assert content_type.startswith(kind)
    assert b"comanda_orders_total 3.0\n" in text


async def test_what_has_to_be_read_in_the_loop_is_read_before_the_text_is_made() -> None:
    read: list[float] = []

    async def prepare() -> None:
        read.append(5)

    metrics = Metrics({})
    metrics.prepare(prepare)
    metrics.add(lambda: [one("left", "gauge", "What is left.", read[-1])])
    text, _ = await metrics.scrape()
    metrics.close()
    assert samples_of(text.decode())["left"] == 5
