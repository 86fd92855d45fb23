"""Metrics as Prometheus reads them."""

from collections.abc import Callable, Iterable

from prometheus_client.parser import text_string_to_metric_families

from infra.metrics import Family, Metrics

Samples = dict[str, float]
"""Values by name and labels, without the prefix: `orders_total{outcome=accepted}`; empty labels are left out."""


def samples_of(text: str) -> Samples:
    """Read a text of metrics; raises ValueError where it is malformed, AssertionError where a series is there twice."""
    found: Samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()) if value)
            key = sample.name.removeprefix("comanda_") + (f"{{{labels}}}" if labels else "")
            assert key not in found, f"{key} is there twice"
            found[key] = sample.value
    return found


async def samples(*sources: Callable[[], Iterable[Family]]) -> Samples:
    """Scrape some sources."""
    metrics = Metrics({})
    for source in sources:
        metrics.add(source)
    try:
        text, _ = await metrics.scrape()
    finally:
        metrics.close()
    return samples_of(text.decode())
