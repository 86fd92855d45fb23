"""Metrics: what the programs count while they work, and what they read from their own objects at a scrape.

What counts on the path of an order is a plain number, or a Histogram: a list of numbers, of which an observation raises
one. An observation by prometheus_client takes 0.9 µs and a count 0.4; here they take 0.1 and 0.04. The library turns
them into text at a scrape, in a thread. It is imported with the first scrape, for it takes 7 MB and a quarter of a
second of a slow machine: a program that nobody scrapes does without.

    metrics = Metrics({"program": "bar"})
    metrics.add(department_families)      # a function that returns families, called in that thread
    text, content_type = await metrics.scrape(accept)

A source runs beside the event loop, so it copies a collection before it goes through it: `list(orders.values())` is one
step of the interpreter.
"""

import asyncio
from bisect import bisect_left
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from prometheus_client.metrics_core import Metric

PREFIX = "comanda_"

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""The upper bounds of the buckets of durations, in seconds. 1.0 is among them: an order is decided within a second."""

Kind = Literal["counter", "gauge", "histogram"]


class Buckets(NamedTuple):
    """A histogram at one moment: upper bounds, the number of observations in each bucket and beyond, and their sum."""

    bounds: Sequence[float]
    counts: Sequence[int]
    sum: float


class Histogram:
    """Counts observations by size."""

    __slots__ = ("_bounds", "_counts", "_sum")

    def __init__(self, bounds: Sequence[float] = SECONDS) -> None:
        """`bounds` are the upper bounds of the buckets, ascending; one more bucket has what is larger."""
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        """Count an observation."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def buckets(self) -> Buckets:
        """Return a copy of the counts."""
        return Buckets(self._bounds, self._counts[:], self._sum)


class Family(NamedTuple):
    """One metric without its prefix, and its series: the values of its labels, and the number or the buckets.

    Names end as Prometheus has it: `_total` for a counter, the unit for all others.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...]
    series: Iterable[tuple[tuple[str, ...], float | Buckets]]


Source = Callable[[], Iterable[Family]]
Preparation = Callable[[], Awaitable[None]]


def one(name: str, kind: Kind, text: str, value: float) -> Family:
    """Return a family of one series without labels."""
    return Family(name, kind, text, (), [((), value)])


def by_label(name: str, kind: Kind, text: str, label: str, values: Mapping[str, float | Buckets]) -> Family:
    """Return a family with one label."""
    return Family(name, kind, text, (label,), [((key,), value) for key, value in values.items()])


class Metrics:
    """All metrics of one program."""

    def __init__(self, labels: Mapping[str, str]) -> None:
        """`labels` are those of every series of ours: of which program and restaurant it is."""
        self._labels = dict(labels)
        self._sources: list[Source] = []
        self._preparations: list[Preparation] = []
        self._thread = ThreadPoolExecutor(1, "metrics")
        self._registry: CollectorRegistry | None = None

    def add(self, source: Source) -> None:
        """Have a scrape call a function that returns families, in a thread of its own."""
        self._sources.append(source)

    def prepare(self, preparation: Preparation) -> None:
        """Have a scrape await a function first, in the event loop: for what a source cannot read by itself."""
        self._preparations.append(preparation)

    async def scrape(self, accept: str = "") -> tuple[bytes, str]:
        """Return the text of all metrics as `accept` wants it, a header's value, and the text's content type."""
        for preparation in self._preparations:
            await preparation()
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._render, accept)

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown()

    def collect(self) -> "Iterable[Metric]":
        """Return all families in the library's form, which calls this; one that several sources have is one."""
        from prometheus_client.metrics_core import Metric

        found: dict[str, Metric] = {}
        for source in self._sources:
            for family in source():
                metric = found.get(family.name)
                if metric is None:
                    name = PREFIX + family.name.removesuffix("_total")
                    metric = found[family.name] = Metric(name, family.help, family.kind)
                self._add_series(metric, family)
        return found.values()

    def _add_series(self, metric: "Metric", family: Family) -> None:
        for values, value in family.series:
            labels = self._labels | dict(zip(family.labels, values, strict=True))
            if isinstance(value, Buckets):
                _add_buckets(metric, labels, value)
            else:
                metric.add_sample(PREFIX + family.name, labels, value)

    def _render(self, accept: str) -> tuple[bytes, str]:
        from prometheus_client.exposition import choose_encoder

        encode, content_type = choose_encoder(accept)
        return encode(self._registry or self._make_registry()), content_type

    def _make_registry(self) -> "CollectorRegistry":
        """Register the library's own figures of the process beside ours."""
        from prometheus_client import CollectorRegistry, ProcessCollector

        self._registry = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=self._registry)
        self._registry.register(self)  # it needs `collect` only
        return self._registry


def _add_buckets(metric: "Metric", labels: dict[str, str], buckets: Buckets) -> None:
    below = 0
    for bound, count in zip((*buckets.bounds, float("inf")), buckets.counts, strict=True):
        below += count
        le = "+Inf" if bound == float("inf") else str(float(bound))
        metric.add_sample(f"{metric.name}_bucket", labels | {"le": le}, below)
    metric.add_sample(f"{metric.name}_count", labels, below)
    metric.add_sample(f"{metric.name}_sum", labels, buckets.sum)
